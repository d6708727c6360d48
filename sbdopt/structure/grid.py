"""The grid whose tiles hold the non-zeros of a matrix best."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Final

import numpy as np

from sbdopt.documents import BoolArray, IntArray

_SMALLEST: Final = 8
"""Side of a tile that is tried without any sign of it: smaller ones are too many to be placed one by one."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The rows of a matrix, or its columns, which is a part of a larger one."""

    places: IntArray
    """Of each line in the larger matrix, ascending."""
    most: int
    """The longest side of a tile."""

    def cut(self, side: int | None) -> IntArray:
        """Where tiles begin: at multiples of `side` in the larger matrix; with None, every `most` lines."""
        if side is None:
            return np.arange(0, len(self.places), self.most)
        return np.flatnonzero(np.diff(self.places // side, prepend=-1))

    def sizes(self, starts: IntArray) -> IntArray:
        """Lines of each tile."""
        return np.diff(starts, append=len(self.places))

    def sides(self, differs: BoolArray) -> list[int]:
        """The sides worth trying, ascending; `differs` says of each line but the first whether it differs
        from the one before.

        They are the greatest common divisor of all places where lines begin to differ, which is what a matrix
        of full tiles shows; and, for tiles with gaps, the powers of two, three times these, and the divisors
        of the size.
        """
        beside = np.diff(self.places) == 1
        shown = gcd(*self.places[1:][differs & beside].tolist())
        end = int(self.places[-1]) + 1
        powers = [factor << shift for factor in (1, 3) for shift in range(32)]
        divisors = [side for side in range(_SMALLEST, min(self.most, end) + 1) if end % side == 0]
        sides = {side for side in (*powers, *divisors) if side >= _SMALLEST} | ({shown} - {0, 1})
        return sorted(side for side in sides if side <= min(self.most, end - 1))


@dataclass(frozen=True, eq=False)
class Tiling:
    """Tiles of a matrix: the rows and the columns at which they begin."""

    rows: IntArray
    columns: IntArray
    side: tuple[int, int] | None
    """Height and width of the grid; None if the matrix is one tile, in pieces as large as arrays."""
    cost: int
    """Of all tiles that are not empty: their cells, and a cell more for each row to be driven and each column
    to be converted. The second part makes few large tiles better than many small ones that save little."""


def best_tiling(nonzero: BoolArray, rows: Lines, columns: Lines, side: tuple[int, int] | None) -> Tiling:
    """The tiling of least cost; of equal ones that with the largest tiles. `side` names the only grid."""
    if side is not None:
        return _tiling(nonzero, rows, columns, side)
    best = _tiling(nonzero, rows, columns, None)
    if nonzero.all():
        return best
    down = rows.sides((nonzero[1:] != nonzero[:-1]).any(axis=1))
    across = columns.sides((nonzero[:, 1:] != nonzero[:, :-1]).any(axis=0))
    for height, narrow in _merged(nonzero, rows, down, 0):
        for width, tiles in _merged(narrow, columns, across, 1):
            cost = _cost(tiles, rows.sizes(rows.cut(height)), columns.sizes(columns.cut(width)))
            if (cost, -height * width) < (best.cost, -best.side[0] * best.side[1] if best.side else -np.inf):
                best = Tiling(rows.cut(height), columns.cut(width), (height, width), cost)
    return best


def _tiling(nonzero: BoolArray, rows: Lines, columns: Lines, side: tuple[int, int] | None) -> Tiling:
    top, left = rows.cut(side and side[0]), columns.cut(side and side[1])
    tiles = np.logical_or.reduceat(np.logical_or.reduceat(nonzero, top, axis=0), left, axis=1)
    return Tiling(top, left, side, _cost(tiles, rows.sizes(top), columns.sizes(left)))


def _merged(nonzero: BoolArray, lines: Lines, sides: list[int], axis: int) -> list[tuple[int, BoolArray]]:
    """For each side, whether there is anything in each tile of it along an axis.

    Tiles of a side that another one divides are merged out of those, which is less to look at.
    """
    made: dict[int, tuple[IntArray, BoolArray]] = {}
    for side in sides:
        finer = max((other for other in made if side % other == 0), default=None)
        starts = lines.cut(side)
        if finer is None:
            merged = np.logical_or.reduceat(nonzero, starts, axis=axis)
        else:
            fine, table = made[finer]
            merged = np.logical_or.reduceat(table, np.searchsorted(fine, starts), axis=axis)
        made[side] = (starts, merged)
    return [(side, table) for side, (_, table) in made.items()]


def _cost(tiles: BoolArray, heights: IntArray, widths: IntArray) -> int:
    """See `Tiling.cost`; float64 counts exactly as far as there are matrices."""
    filled = tiles.astype(np.float64)
    high, wide = heights.astype(np.float64), widths.astype(np.float64)
    return int(high @ filled @ wide + high @ filled.sum(axis=1) + filled.sum(axis=0) @ wide)


def filled_tiles(nonzero: BoolArray, tiling: Tiling) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Top, left, height and width of the tiles that hold anything, without empty lines at their edges."""
    rows = np.logical_or.reduceat(nonzero, tiling.columns, axis=1)
    top, bottom = _extent(rows, tiling.rows)
    columns = np.logical_or.reduceat(nonzero, tiling.rows, axis=0)
    left, right = (part.T for part in _extent(columns.T, tiling.columns))
    filled = bottom >= 0
    top, bottom, left, right = (part[filled].astype(np.int64) for part in (top, bottom, left, right))
    return top, left, bottom + 1 - top, right + 1 - left


def _extent(lines: BoolArray, starts: IntArray) -> tuple[IntArray, IntArray]:
    """The first and the last true row from each start to the next; -1 for the last if there is none."""
    place = np.arange(len(lines), dtype=np.int32)[:, None]
    first = np.minimum.reduceat(np.where(lines, place, np.int32(len(lines))), starts, axis=0)
    return first, np.maximum.reduceat(np.where(lines, place, np.int32(-1)), starts, axis=0)
