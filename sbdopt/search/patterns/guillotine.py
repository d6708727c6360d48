"""The most valuable guillotine patterns of an array, for given values of the sizes.

A guillotine pattern is cut out of the array by cuts from edge to edge. Without a limit on copies, the best
value of a rectangle is that of the best size in it, or the sum of the best values of its two parts under the
best cut (Gilmore and Gomory, *The theory and computation of knapsack functions*, Operations Research 14,
1966). Cuts are only needed at sums of sizes (normal points; Christofides and Whitlock 1977).
"""

from __future__ import annotations

import numpy as np

from sbdopt.documents import FloatArray, IntArray
from sbdopt.search.packing import Sizes

Places = tuple[tuple[int, int, int], ...]
"""(size, row, column) of the rectangles of one array."""

_TINY = 1e-9
_MOST_VARIANTS = 6


class Axis:
    """The sums of lengths up to a limit, the points at which a cut can be of use."""

    def __init__(self, lengths: IntArray, limit: int) -> None:
        reached = 1
        room = (1 << (limit + 1)) - 1
        for length in np.unique(lengths).tolist():
            step = length
            while step <= limit:
                reached |= (reached << step) & room
                step *= 2
        bits = np.array([reached >> point & 1 for point in range(limit + 1)], dtype=bool)
        self.points = np.flatnonzero(bits)
        self.below = np.cumsum(bits) - 1
        """For each length up to the limit the number of the last point that is not beyond."""
        self.cuts = [self._cuts(int(point)) for point in self.points]
        """For each point the pairs of points that it can be cut into, the smaller first."""

    def _cuts(self, point: int) -> tuple[IntArray, IntArray]:
        smaller = np.arange(1, int(self.below[point // 2]) + 1)
        return smaller, self.below[point - self.points[smaller]]

    def __len__(self) -> int:
        return len(self.points)


class Guillotine:
    """Grid of all rectangles that matter, and the most valuable pattern of each."""

    def __init__(self, sizes: Sizes, rows: int, columns: int) -> None:
        """For arrays of up to rows x columns cells; what is larger than that is left out of patterns."""
        self.sizes = sizes
        self.row_unit = int(np.gcd.reduce(sizes.height))
        self.column_unit = int(np.gcd.reduce(sizes.width))
        self.height, self.width = sizes.height // self.row_unit, sizes.width // self.column_unit
        self.rows = Axis(self.height, rows // self.row_unit)
        self.columns = Axis(self.width, columns // self.column_unit)
        fits = (sizes.height <= rows) & (sizes.width <= columns)
        self._fitting = np.flatnonzero(fits)
        self._corner = (
            self.rows.below[self.height[self._fitting]],
            self.columns.below[self.width[self._fitting]],
        )
        self.best: FloatArray = np.zeros((len(self.rows), len(self.columns)))
        self._worth: FloatArray = np.zeros_like(self.best)
        self._single = np.full(self.best.shape, -1)

    def price(self, values: FloatArray, noise: FloatArray | None = None) -> None:
        """Find the best value of every rectangle, if each copy of a size is worth `values[size]`.

        What one copy in a rectangle is worth is multiplied by the noise there, if any: that makes patterns
        mix sizes between which the values leave no choice.
        """
        single, self._single = self._best_single(values)
        if noise is not None:
            single *= noise
        self._worth = single
        best = np.zeros_like(single)
        column_cuts = list(enumerate(self.columns.cuts))
        for i, (upper, lower) in enumerate(self.rows.cuts):
            row = single[i].copy()
            if len(upper):
                np.maximum(row, (best[upper] + best[lower]).max(axis=0), out=row)
            if i:
                np.maximum(row, best[i - 1], out=row)
            for j, (left, right) in column_cuts:
                if len(left):
                    row[j] = max(row[j], row[j - 1], (row[left] + row[right]).max())
                elif j:
                    row[j] = max(row[j], row[j - 1])
            best[i] = row
        self.best = best

    def _best_single(self, values: FloatArray) -> tuple[FloatArray, IntArray]:
        """Of each rectangle the most valuable size in it, and which that is (-1: none)."""
        value = np.zeros(self.best.shape)
        which = np.full(value.shape, -1)
        order = np.argsort(values[self._fitting], kind="stable")
        for number in order.tolist():
            size = int(self._fitting[number])
            if values[size] > 0:
                i, j = int(self._corner[0][number]), int(self._corner[1][number])
                value[i:, j:] = values[size]
                which[i:, j:] = size
        return value, which

    def value(self, rows: int, columns: int) -> float:
        """The best value of a rectangle of so many cells."""
        return float(self.best[self._index(rows, columns)])

    def _index(self, rows: int, columns: int) -> tuple[int, int]:
        return (
            int(self.rows.below[max(0, rows) // self.row_unit]),
            int(self.columns.below[max(0, columns) // self.column_unit]),
        )

    def pattern(self, rows: int, columns: int, row: int = 0, column: int = 0) -> Places:
        """The rectangles of the best value in an area that begins at (row, column)."""
        return self._made_of([(*self._index(rows, columns), row, column)])

    def variants(self, rows: int, columns: int, least: float) -> list[Places]:
        """Patterns of an area that are worth at least `least`, one for each first cut, the best first."""
        i, j = self._index(rows, columns)
        best, found = self.best, []
        for cuts, points, upright in (
            (self.columns.cuts[j], self.columns.points, True),
            (self.rows.cuts[i], self.rows.points, False),
        ):
            one, two = cuts
            value = best[i, one] + best[i, two] if upright else best[one, j] + best[two, j]
            for cut in np.flatnonzero(value >= least).tolist():
                a, b = int(one[cut]), int(two[cut])
                at = int(points[a])
                parts = (
                    [(i, a, 0, 0), (i, b, 0, at * self.column_unit)]
                    if upright
                    else [(a, j, 0, 0), (b, j, at * self.row_unit, 0)]
                )
                found.append((-float(value[cut]), parts))
        found.sort(key=lambda entry: entry[0])
        return [self._made_of(parts) for _, parts in found[:_MOST_VARIANTS]]

    def _made_of(self, todo: list[tuple[int, int, int, int]]) -> Places:
        """The best patterns of areas: row and column number on the grid, and where each begins in cells."""
        places: list[tuple[int, int, int]] = []
        while todo:
            i, j, top, left = todo.pop()
            if self.best[i, j] <= _TINY:
                continue
            size, parts = self._split(i, j)
            if size >= 0:
                places.append((size, top, left))
            for k, m, down, right in parts:
                todo.append((k, m, top + down * self.row_unit, left + right * self.column_unit))
        return tuple(places)

    def _split(self, i: int, j: int) -> tuple[int, list[tuple[int, int, int, int]]]:
        """Of what a rectangle's best value is made: a size, or parts (row, column, and where they begin)."""
        best = self.best
        wanted = best[i, j] - _TINY
        size = int(self._single[i, j])
        if size >= 0 and self._worth[i, j] >= wanted:
            return size, []
        if i and best[i - 1, j] >= wanted:
            return -1, [(i - 1, j, 0, 0)]
        if j and best[i, j - 1] >= wanted:
            return -1, [(i, j - 1, 0, 0)]
        left, right = self.columns.cuts[j]
        if len(left):
            cut = int((best[i, left] + best[i, right]).argmax())
            a, b = int(left[cut]), int(right[cut])
            if best[i, a] + best[i, b] >= wanted:
                return -1, [(i, a, 0, 0), (i, b, 0, int(self.columns.points[a]))]
        upper, lower = self.rows.cuts[i]
        cut = int((best[upper, j] + best[lower, j]).argmax())
        a, b = int(upper[cut]), int(lower[cut])
        return -1, [(a, j, 0, 0), (b, j, int(self.rows.points[a]), 0)]
