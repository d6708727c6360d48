"""The weights of crossbar operators: the blocks of each one after another in a flat tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.errors import InputError
from sbdopt.problem import BlockColumns, Problem
from sbdopt.weights.tensors import FloatArray, Tensor, TensorFile

LARGEST_MADE = 2**15 - 1
"""The largest number that is made unless others are asked for."""


@dataclass(frozen=True, eq=False)
class OperatorWeights:
    """The weights of one operator."""

    tensor: Tensor
    begin: IntArray
    """Where each block begins in the flat tensor."""
    height: IntArray
    width: IntArray

    @classmethod
    def of(cls, blocks: BlockColumns, tensor: Tensor) -> OperatorWeights:
        """Weights of an operator made of `blocks`, from a flat tensor with one number a weight."""
        size = blocks.height * blocks.width
        return cls(tensor, np.cumsum(size) - size, blocks.height, blocks.width)

    def block(self, index: int) -> FloatArray:
        """The weights of one block, (height, width)."""
        begin, height, width = int(self.begin[index]), int(self.height[index]), int(self.width[index])
        return self.tensor.read(begin, begin + height * width).reshape(height, width)


Weights = Mapping[str, OperatorWeights]
"""The weights of all crossbar operators, by name."""


def read_weights(problem: Problem, path: Path) -> Weights:
    """The weights of a problem from a safetensors file; tensors that are no operator's are ignored.

    InputError: the file cannot be used (see `TensorFile`), or a tensor is missing, not flat, of the wrong
    length, or holds a number that is not finite.
    """
    file = TensorFile(path)
    weights = {}
    for operator in problem.operators:
        if operator.blocks is None:
            continue
        if operator.name not in file:
            raise InputError(f"{path}: there is no tensor {operator.name!r}, the weights of that operator")
        tensor = file.tensor(operator.name)
        wanted = int((operator.blocks.height * operator.blocks.width).sum())
        if len(tensor) != wanted:
            raise InputError(
                f"{path}: operator {operator.name!r} has {wanted} weights in its blocks, "
                f"but tensor {operator.name!r} holds {len(tensor)}"
            )
        if len(tensor.shape) != 1:
            raise InputError(
                f"{path}: tensor {operator.name!r} has shape {list(tensor.shape)}; "
                f"it must be flat, [{wanted}]: the blocks one after the other, each row-major"
            )
        weights[operator.name] = OperatorWeights.of(operator.blocks, tensor)
    return weights


def make_weights(problem: Problem, rng: np.random.Generator, *, largest: int = LARGEST_MADE) -> Weights:
    """Random whole numbers up to `largest`, none of them zero, for every weight of a problem."""
    return {
        operator.name: OperatorWeights.of(
            operator.blocks,
            Tensor.of(
                random_whole(rng, (int((operator.blocks.height * operator.blocks.width).sum()),), largest)
            ),
        )
        for operator in problem.operators
        if operator.blocks is not None
    }


def random_whole(
    rng: np.random.Generator, shape: tuple[int, ...], largest: int = LARGEST_MADE
) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """Random whole numbers of either sign up to `largest`, none of them zero.

    They are so small that float64 sums millions of products of two exactly, and so many that two which should
    differ are hardly ever equal.
    """
    values = rng.integers(-largest, largest, size=shape, dtype=np.int16)
    values += values >= 0
    return values
