"""The weights of crossbar operators: the blocks of each one after another in a flat tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbdopt.documents import IntArray
from sbdopt.errors import InputError
from sbdopt.problem import BlockColumns, Operator, Problem
from sbdopt.weights.origin import Origin
from sbdopt.weights.reading import BlockStore
from sbdopt.weights.tensors import FloatArray, Tensor
from sbdopt.weights.writing import TABLE_COLUMNS

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
    origin: Origin | None = None
    """The matrix that the operator's was cut out of, if that is known."""
    scales: npt.NDArray[np.float32] | None = None
    """What each output is multiplied by after the arrays have yielded it; None: by nothing."""

    @classmethod
    def of(
        cls,
        blocks: BlockColumns,
        tensor: Tensor,
        origin: Origin | None = None,
        scales: npt.NDArray[np.float32] | None = None,
    ) -> OperatorWeights:
        """Weights of an operator made of `blocks`, from a flat tensor with one number a weight."""
        size = blocks.height * blocks.width
        return cls(tensor, np.cumsum(size) - size, blocks.height, blocks.width, origin, scales)

    def block(self, index: int) -> FloatArray:
        """The weights of one block, (height, width)."""
        begin, height, width = int(self.begin[index]), int(self.height[index]), int(self.width[index])
        return self.tensor.read(begin, begin + height * width).reshape(height, width)


Weights = Mapping[str, OperatorWeights]
"""The weights of all crossbar operators, by name."""


def read_weights(problem: Problem, path: Path) -> Weights:
    """The weights of a problem from a block store, or any file of flat tensors; others are ignored.

    InputError: the file cannot be used (see `BlockStore`), or a tensor is missing, not flat, of the wrong
    length, or holds a number that is not finite; or the file says of an operator what the problem does not.
    """
    store = BlockStore(path)
    known = set(store.operators)
    weights = {}
    for operator in problem.operators:
        if operator.blocks is None:
            continue
        tensor = store.values(operator.name)
        _refuse_length(path, operator.name, operator.blocks, tensor)
        weights[operator.name] = OperatorWeights.of(operator.blocks, tensor)
        if operator.name in known:
            _refuse_other(path, operator, store)
            origin, scales = store.origin(operator.name), store.scales(operator.name)
            weights[operator.name] = OperatorWeights.of(operator.blocks, tensor, origin, scales)
    return weights


def _refuse_length(path: Path, name: str, blocks: BlockColumns, tensor: Tensor) -> None:
    wanted = int((blocks.height * blocks.width).sum())
    if len(tensor) != wanted:
        raise InputError(
            f"{path}: operator {name!r} has {wanted} weights in its blocks, "
            f"but tensor {name!r} holds {len(tensor)}"
        )
    if len(tensor.shape) != 1:
        raise InputError(
            f"{path}: tensor {name!r} has shape {list(tensor.shape)}; "
            f"it must be flat, [{wanted}]: the blocks one after the other, each row-major"
        )


def _refuse_other(path: Path, operator: Operator, store: BlockStore) -> None:
    """Refuse a store whose blocks are not those of the problem: it belongs to another one."""
    blocks, origin = store.blocks(operator.name), store.origin(operator.name)
    same = operator.blocks is not None and all(
        np.array_equal(getattr(operator.blocks, column), getattr(blocks, column))
        for column in TABLE_COLUMNS[:-1]
    )
    if not same or operator.shape != [len(origin.inputs), len(origin.outputs)]:
        raise InputError(
            f"{path}: tensor 'blocks:{operator.name}' holds other blocks, or another shape, than the "
            "problem has for that operator; the weights belong to another problem"
        )


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
