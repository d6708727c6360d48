"""The position bound: a linear program over the places at which rectangles can stand, on all arrays at once.

X[i, k, p] is how many rectangles of size i stand at place p of an array of kind k, summed over all arrays of
the kind; N[k] is how many of these are used. Any packing satisfies: all rectangles of a size stand somewhere,
a cell of a kind is covered at most N[k] times, and N[k] is at most the count of the kind. So its arrays have
no fewer cells than the least sum of cells[k] N[k].

*Places.* Rectangles pushed up and left as far as they go begin at sums of heights and of widths, so only
these places are needed; and coverage grows only where a rectangle begins, so only cells there count.

*Proof.* The solver is not trusted: its dual values only serve as weights. For whole weights u[k, cell] >= 0
and m[k] >= 0 with sum u[k] - m[k] <= S cells[k], let v[i] be the least weight that a rectangle of size i
covers at any place of any kind. The weights covered in all are at least sum count[i] v[i], and at most
sum_k N[k] sum u[k]; so S sum cells[k] N[k] >= sum count[i] v[i] - sum m[k] count[k], in whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt

from sbdopt.documents import IntArray
from sbdopt.problem import ArrayKind

_MOST_PLACES = 20_000
_MOST_ENTRIES = 1_500_000
_LONGEST = 1 << 12
_SCALE = 1 << 32

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Grid:
    """Where rectangles can begin on an array of a kind, and how far they reach, in points of the grid."""

    rows: IntArray
    columns: IntArray
    fitting: IntArray
    """The sizes that fit."""
    places: list[tuple[IntArray, IntArray, IntArray, IntArray]]
    """For each size that fits: top, bottom, left, right of every place, as points (bottom, right beyond)."""

    @property
    def cells(self) -> int:
        return len(self.rows) * len(self.columns)


def least_cells(
    height: IntArray, width: IntArray, count: IntArray, kinds: Sequence[ArrayKind], seconds: float
) -> int | None:
    """Least cells of arrays that hold `count` rectangles of each size; None if the program is too large.

    Every size must fit some kind. The program is given up after so many seconds.
    """
    grids = []
    for kind in kinds:
        grid = _grid(height, width, kind)
        if grid is None:
            return None
        grids.append(grid)
    if sum(len(top) for grid in grids for top, *_ in grid.places) > _MOST_PLACES:
        return None
    if sum(_entries(grid) for grid in grids) > _MOST_ENTRIES:
        return None
    weights = _weights(grids, count, kinds, seconds)
    return None if weights is None else _proven(grids, count, kinds, weights)


def _grid(height: IntArray, width: IntArray, kind: ArrayKind) -> _Grid | None:
    fits = np.flatnonzero((height <= kind.rows) & (width <= kind.columns))
    rows, columns = _sums(height[fits], kind.rows), _sums(width[fits], kind.columns)
    if rows is None or columns is None:
        return None
    places = []
    for size in fits.tolist():
        top = rows[rows <= kind.rows - height[size]]
        left = columns[columns <= kind.columns - width[size]]
        bottom = np.searchsorted(rows, top + height[size])
        right = np.searchsorted(columns, left + width[size])
        down, across = np.indices((len(top), len(left))).reshape(2, -1)
        places.append((down, bottom[down], across, right[across]))
        if sum(len(one) for one, *_ in places) > _MOST_PLACES:
            return None
    return _Grid(rows, columns, fits, places)


def _sums(lengths: IntArray, limit: int) -> IntArray | None:
    """Sums of lengths below the limit, at which a rectangle can begin; None if there are too many."""
    unit = gcd(*np.unique(lengths).tolist()) or 1
    points = limit // unit
    if points > _LONGEST:
        return None
    reached = np.zeros(points + 1, dtype=bool)
    reached[0] = True
    for length in (np.unique(lengths) // unit).tolist():
        for begin in range(length, points + 1):
            reached[begin] |= reached[begin - length]
    sums: IntArray = np.flatnonzero(reached[:points]) * unit
    return sums


def _entries(grid: _Grid) -> int:
    """Entries of the program: cells covered by all places."""
    return sum(int(((bottom - top) * (right - left)).sum()) for top, bottom, left, right in grid.places)


def _weights(
    grids: Sequence[_Grid], count: IntArray, kinds: Sequence[ArrayKind], seconds: float
) -> list[FloatArray] | None:
    """The dual values of the cells of each kind, as a grid; None if the program is not solved in time.

    Columns of the program are all places, then one a kind: how many arrays of it are used.
    """
    from scipy.optimize import linprog  # takes long to import
    from scipy.sparse import csc_array

    cell, place, size = _entries_of(grids)
    places, cells = len(size), sum(grid.cells for grid in grids)
    kind = np.repeat(np.arange(len(grids)), [grid.cells for grid in grids])
    row, column = np.concatenate([cell, np.arange(cells)]), np.concatenate([place, places + kind])
    value = np.concatenate([np.ones(len(cell)), -np.ones(cells)])
    covered = csc_array((value, (row, column)), shape=(cells, places + len(kinds)))
    shape = (len(count), places + len(kinds))
    area = np.array([kind.rows * kind.columns for kind in kinds], dtype=np.float64)
    result = linprog(
        np.concatenate([np.zeros(places), area / area.max()]),
        A_ub=covered,
        b_ub=np.zeros(cells),
        A_eq=csc_array((np.ones(places), (size, np.arange(places))), shape=shape),
        b_eq=count,
        bounds=[(0, None)] * places + [(0, kind.count) for kind in kinds],
        method="highs",
        options={"time_limit": seconds} if np.isfinite(seconds) else {},
    )
    if result.status != 0:
        return None
    dual = np.maximum(-result.ineqlin.marginals, 0.0) * area.max()
    ends = np.cumsum([grid.cells for grid in grids])
    return [
        part.reshape(len(grid.rows), len(grid.columns))
        for part, grid in zip(np.split(dual, ends[:-1]), grids, strict=True)
    ]


def _entries_of(grids: Sequence[_Grid]) -> tuple[IntArray, IntArray, IntArray]:
    """Which cell is covered from which place, a row each; and the size of each place."""
    cells: list[IntArray] = []
    places: list[IntArray] = []
    sizes: list[IntArray] = []
    first_cell, first_place = 0, 0
    for grid in grids:
        for size, (top, bottom, left, right) in zip(grid.fitting.tolist(), grid.places, strict=True):
            wide = right - left
            area = (bottom - top) * wide
            place = np.repeat(np.arange(len(top)), area)
            within = np.arange(len(place)) - np.repeat(np.cumsum(area) - area, area)
            row, column = top[place] + within // wide[place], left[place] + within % wide[place]
            cells.append(first_cell + row * len(grid.columns) + column)
            places.append(first_place + place)
            sizes.append(np.full(len(top), size))
            first_place += len(top)
        first_cell += grid.cells
    return np.concatenate(cells), np.concatenate(places), np.concatenate(sizes)


def _proven(
    grids: Sequence[_Grid], count: IntArray, kinds: Sequence[ArrayKind], weights: Sequence[FloatArray]
) -> int:
    """What the weights prove, counted in whole numbers."""
    scale = max(1, _SCALE // max(kind.rows * kind.columns for kind in kinds))
    least: list[int | None] = [None] * len(count)
    saved = 0
    for grid, kind, weight in zip(grids, kinds, weights, strict=True):
        cells = kind.rows * kind.columns
        excess = weight.sum() / cells if kind.count is None else 0.0
        whole = np.floor(weight * scale / max(1.0, excess)).astype(np.int64)
        allowed = scale * cells
        spare = int(whole.sum()) - allowed
        if spare > 0 and kind.count is None:
            return 0
        saved += max(0, spare) * (kind.count or 0)
        sums = np.zeros((len(grid.rows) + 1, len(grid.columns) + 1), dtype=np.int64)
        sums[1:, 1:] = whole.cumsum(axis=0).cumsum(axis=1)
        for size, (top, bottom, left, right) in zip(grid.fitting.tolist(), grid.places, strict=True):
            inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
            lightest = int(inside.min())
            known = least[size]
            least[size] = lightest if known is None else min(known, lightest)
    total = sum(int(number) * (lightest or 0) for number, lightest in zip(count, least, strict=True))
    return -(-(total - saved) // scale)
