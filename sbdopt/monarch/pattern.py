"""Two block-diagonal factors with a fixed permutation between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sbdopt.documents import IntArray
from sbdopt.errors import InputError

Array = npt.NDArray[Any]
"""Numbers of a floating type."""


@dataclass(frozen=True)
class Pattern:
    """Blocks of the factors R and L of a Monarch product (Dao et al., ICML 2022, arXiv 2204.00595).

    R has p = `right_blocks` blocks of (inputs / p) x (q k), L has q = `left_blocks` blocks of
    (p k) x (outputs / q). Block i of R meets block j of L in k = `rank` values: the part of the weight that
    leads from the inputs of the one to the outputs of the other, its *slice* (i, j), has rank k.

    Where p does not divide the inputs, blocks are (inputs / p) rounded up, and the last one is smaller; so
    are the columns of the last block of L where q does not divide the outputs.
    """

    right_blocks: int
    left_blocks: int
    rank: int = 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise InputError(f"pattern: {name} is {value}; it must be at least 1")

    def __str__(self) -> str:
        return f"{self.right_blocks}x{self.left_blocks}" + (f" rank {self.rank}" if self.rank > 1 else "")

    def slice_shape(self, inputs: int, outputs: int) -> tuple[int, int]:
        """Height and width of a slice of a weight of inputs x outputs; those at the end may be smaller.

        InputError: a block would hold nothing, or the rank is larger than a slice can have.
        """
        for blocks, size, what in (
            (self.right_blocks, inputs, "inputs"),
            (self.left_blocks, outputs, "outputs"),
        ):
            if (blocks - 1) * -(-size // blocks) >= size:
                raise InputError(
                    f"pattern {self}: {size} {what} in {blocks} blocks of {-(-size // blocks)} leave a block "
                    "empty; take fewer blocks"
                )
        height, width = -(-inputs // self.right_blocks), -(-outputs // self.left_blocks)
        if self.rank > min(height, width):
            raise InputError(
                f"pattern {self}: slices of {height} x {width} have no rank above {min(height, width)}; "
                "take a lower rank or fewer blocks"
            )
        return height, width

    def cells(self, inputs: int, outputs: int) -> int:
        """Weights of both factors of a weight of inputs x outputs."""
        self.slice_shape(inputs, outputs)
        return self.rank * (self.left_blocks * inputs + self.right_blocks * outputs)

    def permutation(self) -> IntArray:
        """For each input of L the output of R that it reads (length p q k).

        Output (i, j, r) of R, value r of what its block i has for block j of L, is number (i q + j) k + r;
        as an input of L it is number (j p + i) k + r.
        """
        p, q, k = self.right_blocks, self.left_blocks, self.rank
        return np.arange(p * q * k).reshape(p, q, k).transpose(1, 0, 2).reshape(-1)


@dataclass(frozen=True, eq=False)
class Monarch:
    """A Monarch product, y = x R P L: x (batch, inputs), y (batch, outputs).

    Inputs and outputs of blocks are consecutive. (The permutations before R and after L of Dao et al. are
    folded: they only rename inputs and outputs.) So P is the only permutation left at run time.
    """

    right: Array
    """(p, height, q, k): block i of R, from its inputs to the k values for each block j of L."""
    left: Array
    """(q, p, k, width): block j of L, from the k values of each block i of R to its outputs."""
    inputs: int
    """At most p x height; rows beyond are padding, and zero."""
    outputs: int
    """At most q x width; columns beyond are padding, and zero."""

    @property
    def pattern(self) -> Pattern:
        """The blocks of the factors."""
        p, _, q, k = self.right.shape
        return Pattern(p, q, k)

    @property
    def cells(self) -> int:
        """Weights of both factors, without padding."""
        return self.pattern.cells(self.inputs, self.outputs)

    def permutation(self) -> IntArray:
        """For each input of L the output of R that it reads: the one permutation at run time."""
        return self.pattern.permutation()

    def dense(self) -> Array:
        """The product as one matrix, (inputs, outputs)."""
        p, height, q, _ = self.right.shape
        width = self.left.shape[3]
        slices = self.right.transpose(0, 2, 1, 3) @ self.left.transpose(1, 0, 2, 3)
        whole: Array = slices.transpose(0, 2, 1, 3).reshape(p * height, q * width)
        return whole[: self.inputs, : self.outputs]

    def apply(self, x: Array) -> Array:
        """y = x R P L, (..., inputs) to (..., outputs)."""
        p, height, q, k = self.right.shape
        batch = x.reshape(-1, self.inputs)
        padded = np.pad(batch, ((0, 0), (0, p * height - self.inputs)))
        blocks = padded.reshape(-1, p, height).transpose(1, 0, 2)
        middle = blocks @ self.right.reshape(p, height, q * k)
        turned = middle.reshape(p, -1, q, k).transpose(2, 1, 0, 3).reshape(q, -1, p * k)
        y: Array = turned @ self.left.reshape(q, p * k, -1)
        return (
            y.transpose(1, 0, 2)
            .reshape(len(batch), -1)[:, : self.outputs]
            .reshape(*x.shape[:-1], self.outputs)
        )
