"""What must hold of the blocks and steps of one array, by dual feasible functions of their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.documents import BoolArray, IntArray

Size = tuple[int, int]
"""Rows and columns, in units."""


@dataclass(frozen=True, eq=False)
class Scales:
    """Pairs of functions f of rows and g of columns with sum f(h) g(w) <= f(rows) g(columns) on any array.

    Dual feasible functions (Carlier, Clautiaux, Moukrim 2007; Fekete and Schepers 2004): heights whose sum is
    no more than the rows have values whose sum is no more than that of the rows; likewise for columns. Why
    that holds for the products over blocks is proven in `bounds.dual_feasible`.

    *A step counts as one rectangle*, of all its members' rows and all their columns, where no two members
    share a row or a column: no other block stands where its rows meet its columns. Only one step of an array
    can be counted in this way (crossings of two steps may be the same empty cells); the blocks of all others
    count for themselves. But such a rectangle is not in one piece, and then not every pair will do: four
    blocks of 2x2 stand in a pinwheel in 5x5, with two of 1x1 read together in its corners; that is five times
    2x2, two of which fill an axis of 5. It does if one of the two, say g, is f0 of some k. Rectangles wider
    than columns - k share columns with each other and with all that are not narrower than k, so they have
    rows of their own. On any column the rows of all these and of the others that cover it are apart, so that
    their f add up to no more than f(rows). The sum of that over all columns is what is claimed.
    """

    rows: int
    columns: int
    f: IntArray
    """A row for each function, its values of 0 .. rows."""
    g: IntArray
    """A row for each function, its values of 0 .. columns."""
    in_pieces: BoolArray
    """The pairs that also hold for a rectangle in several pieces."""

    @classmethod
    def of(cls, rows: int, columns: int) -> Scales:
        """All functions of an array of so many rows and columns."""
        f, g = _functions(rows), _functions(columns)
        return cls(rows, columns, f, g, _are_f0(f, rows)[:, None] | _are_f0(g, columns))

    @property
    def capacity(self) -> IntArray:
        """What the sum of a pair of functions must not exceed."""
        return np.outer(self.f[:, -1], self.g[:, -1])

    def excess(self, blocks: Sequence[Size], step: Sequence[Size] = ()) -> IntArray:
        """For each pair of functions by how much the sum over blocks and a step is too large (if above 0).

        0 for pairs that do not hold for the step.
        """
        whole = [(sum(height for height, _ in step), sum(width for _, width in step))] if step else []
        height, width = np.array([*blocks, *whole], dtype=np.int64).reshape(-1, 2).T
        excess: IntArray = self.f[:, height] @ self.g[:, width].T - self.capacity
        return np.where(self.in_pieces, excess, 0) if len(step) > 1 else excess

    def value(self, pair: tuple[int, int], height: int, width: int) -> int:
        """What a rectangle counts for a pair; 0 if it is larger than the array."""
        if height > self.rows or width > self.columns:
            return 0
        return int(self.f[pair[0], height] * self.g[pair[1], width])

    def exclude(self, free: Sequence[Size], steps: Sequence[Sequence[Size]]) -> bool:
        """Whether some pair of functions shows that blocks and steps cannot stand on one array."""
        if bool((self.excess([*free, *(size for step in steps for size in step)]) > 0).any()):
            return True
        for number, step in enumerate(steps):
            others = [*free, *(size for k, other in enumerate(steps) if k != number for size in other)]
            whole = (sum(height for height, _ in step), sum(width for _, width in step))
            if whole[0] > self.rows or whole[1] > self.columns:
                return True
            if bool((self.excess(others, step) > 0).any()):
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
        table.append(_f0(size, k))
        fit = whole // k
        large = 2 * (fit - (whole - x) // k)
        table.append(np.where(x > size, large, np.where(x == size, fit, 2 * (x // k))))
    for k in range(1, size + 1):
        parts = (k + 1) * x
        table.append(np.where(parts % whole == 0, x * k, parts // whole * whole))
    return np.unique(np.array(table, dtype=np.int64), axis=0)


def _f0(size: int, k: int) -> IntArray:
    x, whole = 2 * np.arange(size + 1), 2 * size
    return np.where(x > whole - k, whole, np.where(x < k, 0, x))


def _are_f0(functions: IntArray, size: int) -> BoolArray:
    """Which of these functions are f0 of some k; that of 1 is x itself."""
    known = {_f0(size, k).tobytes() for k in range(1, size + 1)}
    return np.array([function.tobytes() in known for function in functions])
