"""What must hold of the blocks and steps of one array, by dual feasible functions of their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.documents import IntArray

Size = tuple[int, int]
"""Rows and columns, in units."""


@dataclass(frozen=True, eq=False)
class Scales:
    """Pairs of functions f of rows and g of columns with sum f(h) g(w) <= f(rows) g(columns) on any array.

    Dual feasible functions (Carlier, Clautiaux, Moukrim 2007; Fekete and Schepers 2004): heights whose sum is
    no more than the rows have values whose sum is no more than that of the rows; likewise for columns. If no
    two of some rectangles meet, those on one column of cells have heights that add up to no more than the
    rows, so the sum of f over each column of cells is within f(rows); seen as rectangles of height f(h), the
    same holds along the rows for g. Nothing in this asks for a rectangle to be in one piece.

    So *a step counts as one rectangle*, of all its members' rows and all their columns, where no two members
    share a row or a column: no other block stands where its rows meet its columns. Only one step of an array
    can be counted in this way (crossings of two steps may be the same empty cells); the blocks of all others
    count for themselves.
    """

    rows: int
    columns: int
    f: IntArray
    """A row for each function, its values of 0 .. rows."""
    g: IntArray
    """A row for each function, its values of 0 .. columns."""

    @classmethod
    def of(cls, rows: int, columns: int) -> Scales:
        """All functions of an array of so many rows and columns."""
        return cls(rows, columns, _functions(rows), _functions(columns))

    @property
    def capacity(self) -> IntArray:
        """What the sum of a pair of functions must not exceed."""
        return np.outer(self.f[:, -1], self.g[:, -1])

    def excess(self, rectangles: Sequence[Size]) -> IntArray:
        """For each pair of functions by how much the sum over rectangles is too large (if above 0)."""
        height, width = np.array(rectangles, dtype=np.int64).reshape(-1, 2).T
        return self.f[:, height] @ self.g[:, width].T - self.capacity

    def value(self, pair: tuple[int, int], height: int, width: int) -> int:
        """What a rectangle counts for a pair; 0 if it is larger than the array."""
        if height > self.rows or width > self.columns:
            return 0
        return int(self.f[pair[0], height] * self.g[pair[1], width])

    def exclude(self, free: Sequence[Size], steps: Sequence[Sequence[Size]]) -> bool:
        """Whether some pair of functions shows that blocks and steps cannot stand on one array."""
        if not steps:
            return bool((self.excess(free) > 0).any())
        for number, step in enumerate(steps):
            others = [*free, *(size for k, other in enumerate(steps) if k != number for size in other)]
            whole = (sum(height for height, _ in step), sum(width for _, width in step))
            if whole[0] > self.rows or whole[1] > self.columns:
                return True
            if bool((self.excess([*others, whole]) > 0).any()):
                return True
        return False


def _functions(size: int) -> IntArray:
    """The values of 0 .. size of every function, those of the same values once.

    Three families, all of them dual feasible: f0, which lets a large length count as everything and drops
    small ones; f2, which rounds to multiples of k; and u, x itself where (k + 1) x / size is whole, else
    rounded down (Fekete and Schepers). Lengths are doubled first, so that half of an odd size is a parameter.
    """
    x, whole = 2 * np.arange(size + 1), 2 * size
    table = [x]
    for k in range(1, size + 1):
        table.append(np.where(x > whole - k, whole, np.where(x < k, 0, x)))
        fit = whole // k
        large = 2 * (fit - (whole - x) // k)
        table.append(np.where(x > size, large, np.where(x == size, fit, 2 * (x // k))))
    for k in range(1, size + 1):
        parts = (k + 1) * x
        table.append(np.where(parts % whole == 0, x * k, parts // whole * whole))
    return np.unique(np.array(table, dtype=np.int64), axis=0)
