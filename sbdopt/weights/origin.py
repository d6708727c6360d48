"""Where the matrix of an operator comes from: rows and columns of another matrix, in an order of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.weights.tensors import FloatArray


@dataclass(frozen=True, eq=False)
class Origin:
    """An operator's matrix W as a part of another, `original`: W = original[inputs][:, outputs].

    All other weights of the original are zero, so that y = x original is `scatter(gather(x) @ W)`.
    """

    shape: tuple[int, int]
    """Inputs and outputs of the original."""
    inputs: IntArray
    """For each input of the operator the input of the original that it is."""
    outputs: IntArray
    """For each output of the operator the output of the original that it is."""

    @classmethod
    def whole(cls, shape: Sequence[int]) -> Origin:
        """All inputs and outputs of a matrix of this shape, in their order."""
        inputs, outputs = shape
        return cls((inputs, outputs), np.arange(inputs), np.arange(outputs))

    def gather(self, x: FloatArray) -> FloatArray:
        """What the operator reads (batch, its inputs) of an input (batch, inputs of the original)."""
        return x[:, self.inputs]

    def scatter(self, y: FloatArray) -> FloatArray:
        """The output (batch, outputs of the original) of what the operator yields (batch, its outputs).

        Outputs that the operator does not have are zero.
        """
        whole = np.zeros((len(y), self.shape[1]))
        whole[:, self.outputs] = y
        return whole
