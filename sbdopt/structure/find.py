"""Find the blocks of a matrix that is mostly zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sbdopt.documents import BoolArray, IntArray
from sbdopt.errors import InputError
from sbdopt.problem import BlockColumns
from sbdopt.structure.components import components
from sbdopt.structure.grid import Lines, Tiling, best_tiling, filled_tiles
from sbdopt.weights.origin import Origin

Part = tuple[IntArray, IntArray]
"""Rows and columns of a matrix, ascending, beyond which the part has nothing."""


@dataclass(frozen=True, eq=False)
class Structure:
    """The blocks of a matrix, and the order of its inputs and outputs in which they are blocks."""

    origin: Origin
    """Inputs and outputs that are left, in that order; those that are nothing but zeros are cut away."""
    blocks: BlockColumns
    diagonal: int
    """Blocks down the diagonal, before any is tiled: no order of inputs and outputs gives more."""
    tile: tuple[int, int] | None
    """Height and width of the grid's tiles, if a part has many empty ones; of several parts the largest's."""
    nonzeros: int

    @property
    def kind(self) -> str:
        """`empty`, `dense`, `block-diagonal`, `block-sparse 32x32`."""
        if self.tile is not None:
            return f"block-sparse {self.tile[0]}x{self.tile[1]}"
        return "block-diagonal" if self.diagonal > 1 else "dense" if self.diagonal else "empty"

    @property
    def permuted(self) -> bool:
        """Whether inputs or outputs stand in another order than in the matrix."""
        return any((np.diff(places) < 0).any() for places in (self.origin.inputs, self.origin.outputs))

    @property
    def cut_away(self) -> tuple[int, int]:
        """Inputs and outputs that are nothing but zeros."""
        inputs, outputs = self.origin.shape
        return inputs - len(self.origin.inputs), outputs - len(self.origin.outputs)

    @property
    def stored(self) -> int:
        """Weights in all blocks."""
        return int((self.blocks.height * self.blocks.width).sum())

    @property
    def zeros(self) -> int:
        """Weights in blocks that are zero all the same."""
        return self.stored - self.nonzeros


def find_structure(
    nonzero: BoolArray, rows: int, columns: int, *, tile: tuple[int, int] | None = None
) -> Structure:
    """The blocks of a matrix (inputs, outputs), none larger than `rows` x `columns`.

    `nonzero` says where the matrix is not zero. Inputs and outputs that are nothing but zeros are cut away.
    What then falls into parts that share neither inputs nor outputs becomes block-diagonal by permuting them
    (connected components); parts stay where they are if that costs no more. Each part is one block, or the
    tiles of a grid that are not empty, whichever costs less (`Tiling.cost`); `tile` names the grid instead. A
    block larger than `rows` x `columns` is cut into pieces of that size. All non-zeros are in blocks.

    InputError: `nonzero` is no matrix, or a tile is larger than `rows` x `columns`.
    """
    if nonzero.ndim != 2 or 0 in nonzero.shape:
        raise InputError(
            f"a matrix must be (inputs, outputs), each at least 1, but its shape is {nonzero.shape}"
        )
    if tile is not None and (tile[0] > rows or tile[1] > columns):
        raise InputError(f"tiles of {tile[0]}x{tile[1]} are larger than arrays, {rows}x{columns} weights")
    if nonzero.flags.c_contiguous or not nonzero.flags.f_contiguous:
        return _find(nonzero, rows, columns, tile)
    # A transposed view, as of PyTorch's weights, is looked at as it lies in memory.
    turned = _find(nonzero.T, columns, rows, None if tile is None else (tile[1], tile[0]))
    origin, blocks = turned.origin, turned.blocks
    return Structure(
        Origin((origin.shape[1], origin.shape[0]), origin.outputs, origin.inputs),
        _block_columns(blocks.output, blocks.input, blocks.width, blocks.height),
        turned.diagonal,
        None if turned.tile is None else (turned.tile[1], turned.tile[0]),
        turned.nonzeros,
    )


def _find(nonzero: BoolArray, rows: int, columns: int, tile: tuple[int, int] | None) -> Structure:
    parts = _parts(*components(nonzero))
    tilings = [_tiling(nonzero, part, rows, columns, tile) for part in parts]
    count = len(parts)
    if any((np.diff(np.concatenate(axis)) < 0).any() for axis in zip(*parts, strict=True)):
        whole: Part = (
            np.sort(np.concatenate([r for r, _ in parts])),
            np.sort(np.concatenate([c for _, c in parts])),
        )
        in_place = _tiling(nonzero, whole, rows, columns, tile)
        if in_place.cost <= sum(tiling.cost for tiling in tilings):
            parts, tilings = [whole], [in_place]
    blocks = list(_blocks(nonzero, parts, tilings))
    table = np.concatenate([np.zeros((4, 0), dtype=np.int64), *blocks], axis=1)
    grids = [
        (len(r) * len(c), tiling.side) for (r, c), tiling in zip(parts, tilings, strict=True) if tiling.side
    ]
    places = [np.concatenate(axis) for axis in zip(*parts, strict=True)] or [
        np.arange(n) for n in nonzero.shape
    ]
    return Structure(
        Origin((nonzero.shape[0], nonzero.shape[1]), places[0], places[1]),
        _block_columns(*table),
        count,
        max(grids)[1] if grids else None,
        int(np.count_nonzero(nonzero)),
    )


def _parts(of_row: IntArray, of_column: IntArray) -> list[Part]:
    """The rows and columns of each component."""
    rows, columns = (np.argsort(of, kind="stable")[np.count_nonzero(of < 0) :] for of in (of_row, of_column))
    count = int(of_row.max()) + 1
    ends = [
        np.searchsorted(of[order], np.arange(1, count))
        for of, order in ((of_row, rows), (of_column, columns))
    ]
    split = [np.split(order, end) for order, end in zip((rows, columns), ends, strict=True)]
    return list(zip(*split, strict=True)) if count else []


def _tiling(nonzero: BoolArray, part: Part, rows: int, columns: int, tile: tuple[int, int] | None) -> Tiling:
    return best_tiling(cells(nonzero, *part), Lines(part[0], rows), Lines(part[1], columns), tile)


def _blocks(nonzero: BoolArray, parts: list[Part], tilings: list[Tiling]) -> Iterator[IntArray]:
    """Input, output, height and width of the blocks of each part, which stand down the diagonal."""
    row = column = 0
    for part, tiling in zip(parts, tilings, strict=True):
        top, left, height, width = filled_tiles(cells(nonzero, *part), tiling)
        yield np.stack([row + top, column + left, height, width])
        row, column = row + len(part[0]), column + len(part[1])


def cells(matrix: npt.NDArray[Any], rows: IntArray, columns: IntArray) -> npt.NDArray[Any]:
    """The cells of a matrix where these rows meet these columns; a view if both are without gaps."""
    if _is_range(rows) and _is_range(columns):
        return matrix[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return matrix[np.ix_(rows, columns)]


def _is_range(places: IntArray) -> bool:
    return bool(places[-1] - places[0] == len(places) - 1 and (np.diff(places) == 1).all())


def _block_columns(input: IntArray, output: IntArray, height: IntArray, width: IntArray) -> BlockColumns:
    order = np.lexsort((output, input))
    return BlockColumns(input=input[order], output=output[order], height=height[order], width=width[order])
