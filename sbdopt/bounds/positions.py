"""The position bound: a linear program over the places at which rectangles can stand, on all arrays at once.

X[i, k, p] is how many rectangles of size i stand at place p of an array of kind k, summed over all arrays of
the kind; N[k] is how many of these are used. Any packing satisfies: all rectangles of a size stand somewhere,
a cell of a kind is covered at most N[k] times, and N[k] is at most the count of the kind. So its arrays have
no fewer cells than the least sum of cells[k] N[k].

*Places.* Only few places are needed, the raster points (Terno, Lindemann and Scheithauer, *Zuschnittprobleme
und ihre praktische Loesung*, 1987). Let <y> be the largest sum of heights (with repetition) that is at most
y, and let a rectangle that begins in row x of R rows begin in row <R - <R - x>> instead. If a rectangle of
height h begins in row x and another below it in row y >= x + h, then h + <R - y> is such a sum and at most
R - x, so that a = R - <R - x> and b = R - <R - y> have a + h <= b; and <a> + h is such a sum, too, so that
<a> + h <= <b>. The same with y = R shows that nothing leaves the array. So what was below or right of another
remains so, and nothing overlaps. Coverage grows only where a rectangle begins, so only cells there count.

*Strips.* Where these are too many, an axis is cut into strips, and only the sum of what is covered of a strip
counts. That is linear in where a rectangle begins as long as neither of its ends crosses an edge of a strip,
so that any place is a mean of those at which one of the ends is on an edge (of both axes, of four such).

*Proof.* The solver is not trusted: its dual values only serve as weights. For whole weights u[k, cell] >= 0
and m[k] >= 0 with sum u[k] - m[k] <= S cells[k], let v[i] be the least weight that a rectangle of size i
covers at any place of any kind. The weights covered in all are at least sum count[i] v[i], and at most
sum_k N[k] sum u[k]; so S sum cells[k] N[k] >= sum count[i] v[i] - sum m[k] count[k], in whole numbers. Where
a cell is one of a pair of strips, u is the weight of each unit of its area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from sbdopt.documents import FloatArray, IntArray
from sbdopt.problem import ArrayKind

_MOST_PLACES = 20_000
_MOST_ENTRIES = 800_000
_MOST_STRIPS = (64, 32, 24, 16, 12, 8)
"""On an axis, the first for which the program is small enough."""
_LONGEST = 1 << 12
_SCALE = 1 << 32


@dataclass(frozen=True, eq=False)
class _Axis:
    """Rows, or columns, of an array: how long its strips are, and what a size covers of them."""

    strips: IntArray
    covers: list[IntArray]
    """Of each size that fits a table: a row for each place, a column for each strip."""


@dataclass(frozen=True, eq=False)
class _Grid:
    """An array of a kind; its cells are pairs of strips, its places pairs of places on the axes."""

    rows: _Axis
    columns: _Axis
    fitting: IntArray
    """The sizes that fit."""

    @property
    def area(self) -> IntArray:
        """Of each cell."""
        return np.outer(self.rows.strips, self.columns.strips)

    def parts(self) -> list[tuple[FloatArray, FloatArray]]:
        """Of each size that fits, which part it covers of the strips of both axes from each place."""
        pairs = zip(self.rows.covers, self.columns.covers, strict=True)
        return [(down / self.rows.strips, across / self.columns.strips) for down, across in pairs]

    @property
    def places(self) -> int:
        pairs = zip(self.rows.covers, self.columns.covers, strict=True)
        return sum(len(down) * len(across) for down, across in pairs)

    @property
    def entries(self) -> int:
        """How many cells are covered from all places."""
        pairs = zip(self.rows.covers, self.columns.covers, strict=True)
        return sum(int(np.count_nonzero(down) * np.count_nonzero(across)) for down, across in pairs)


def least_cells(
    height: IntArray, width: IntArray, count: IntArray, kinds: Sequence[ArrayKind], seconds: float
) -> int | None:
    """Least cells of arrays that hold `count` rectangles of each size; None if the program is too large.

    Every size must fit some kind. The program is given up after so many seconds.
    """
    for most in _MOST_STRIPS:
        grids = [_grid(height, width, kind, most) for kind in kinds]
        if (
            sum(grid.places for grid in grids) <= _MOST_PLACES
            and sum(grid.entries for grid in grids) <= _MOST_ENTRIES
        ):
            weights = _weights(grids, count, kinds, seconds)
            return None if weights is None else _proven(grids, count, kinds, weights)
    return None


def _grid(height: IntArray, width: IntArray, kind: ArrayKind, most: int) -> _Grid:
    fits = np.flatnonzero((height <= kind.rows) & (width <= kind.columns))
    return _Grid(_axis(height[fits], kind.rows, most), _axis(width[fits], kind.columns, most), fits)


def _axis(lengths: IntArray, limit: int, most: int) -> _Axis:
    """Raster points, if there are no more than `most`, else so many strips; in units of the lengths."""
    unit = gcd(*lengths.tolist()) or 1
    lengths, limit = lengths // unit, limit // unit
    raster = raster_points(lengths, limit)
    if raster is not None and len(raster) <= most:
        begins = [raster[raster <= limit - length] for length in lengths.tolist()]
        covers = [
            ((begin[:, None] <= raster) & (raster < begin[:, None] + length)).astype(np.int64)
            for begin, length in zip(begins, lengths.tolist(), strict=True)
        ]
        return _Axis(np.ones(len(raster), dtype=np.int64), covers)
    edges = np.linspace(0, limit, min(most, limit) + 1).astype(np.int64)
    return _Axis(np.diff(edges), [_overlaps(edges, length) for length in lengths.tolist()])


def raster_points(lengths: IntArray, limit: int) -> IntArray | None:
    """The points of an axis at which something need begin; None if it is too long to find out."""
    unit = gcd(*lengths.tolist()) or 1
    points = limit // unit
    if points > _LONGEST:
        return None
    reached = np.zeros(points + 1, dtype=bool)
    reached[0] = True
    for length in (np.unique(lengths) // unit).tolist():
        for begin in range(length, points + 1):
            reached[begin] |= reached[begin - length]
    below = np.maximum.accumulate(np.where(reached, np.arange(points + 1), 0))
    raster = np.unique(below[points - np.flatnonzero(reached)])
    begins: IntArray = raster[raster < points] * unit
    return begins


def _overlaps(edges: IntArray, length: int) -> IntArray:
    """How much of each strip is covered from where one of the ends is on an edge."""
    begins = np.unique(np.concatenate([edges, edges - length]))
    begins = begins[(begins >= 0) & (begins + length <= edges[-1])][:, None]
    overlaps: IntArray = np.minimum(begins + length, edges[1:]) - np.maximum(begins, edges[:-1])
    return np.maximum(overlaps, 0)


def _weights(
    grids: Sequence[_Grid], count: IntArray, kinds: Sequence[ArrayKind], seconds: float
) -> list[FloatArray] | None:
    """The dual values of the cells of each kind, as a grid; None if the program is not solved in time.

    Columns of the program are all places, then one a kind: how many arrays of it are used. Solved by interior
    points, which take a tenth of the time of the simplex method where the optimum is degenerate.
    """
    from scipy.optimize import linprog  # takes long to import
    from scipy.sparse import block_array, block_diag, csc_array, kron

    pairs = [grid.parts() for grid in grids]
    covered = block_diag(
        [block_array([[kron(down.T, across.T) for down, across in some]]) for some in pairs], format="csc"
    )
    size = np.repeat(
        np.concatenate([grid.fitting for grid in grids]),
        [len(down) * len(across) for some in pairs for down, across in some],
    )
    used = block_diag([np.ones((grid.area.size, 1)) for grid in grids], format="csc")
    places = len(size)
    stand = csc_array((np.ones(places), (size, np.arange(places))), shape=(len(count), places + len(kinds)))
    cells = np.array([kind.cells for kind in kinds], dtype=np.float64)
    result = linprog(
        np.concatenate([np.zeros(places), cells / cells.max()]),
        A_ub=block_array([[covered, -used]], format="csc"),
        b_ub=np.zeros(covered.shape[0]),
        A_eq=stand,
        b_eq=count,
        bounds=[(0, None)] * places + [(0, kind.count) for kind in kinds],
        method="highs-ipm",
        options={"time_limit": seconds} if np.isfinite(seconds) else {},
    )
    if result.status != 0:
        return None
    dual = np.maximum(-result.ineqlin.marginals, 0.0) * cells.max()
    ends = np.cumsum([grid.area.size for grid in grids])
    return [
        part.reshape(grid.area.shape) / grid.area
        for part, grid in zip(np.split(dual, ends[:-1]), grids, strict=True)
    ]


def _proven(
    grids: Sequence[_Grid], count: IntArray, kinds: Sequence[ArrayKind], weights: Sequence[FloatArray]
) -> int:
    """What the weights prove, counted in whole numbers."""
    scale = max(1, _SCALE // max(kind.cells for kind in kinds))
    least: list[int | None] = [None] * len(count)
    saved = 0
    for grid, kind, weight in zip(grids, kinds, weights, strict=True):
        cells = kind.cells
        excess = (weight * grid.area).sum() / cells if kind.count is None else 0.0
        whole = np.floor(weight * scale / max(1.0, excess)).astype(np.int64)
        spare = int((whole * grid.area).sum()) - scale * cells
        if spare > 0 and kind.count is None:
            return 0
        saved += max(0, spare) * (kind.count or 0)
        covers = zip(grid.fitting.tolist(), grid.rows.covers, grid.columns.covers, strict=True)
        for size, down, across in covers:
            lightest = int((down @ whole @ across.T).min())
            known = least[size]
            least[size] = lightest if known is None else min(known, lightest)
    total = sum(int(number) * (lightest or 0) for number, lightest in zip(count, least, strict=True))
    return -(-(total - saved) // scale)
