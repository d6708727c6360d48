"""Fill arrays with rectangles of given sizes; which block takes which rectangle is decided elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray
from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget

_WORK = 1e-4
"""Units of work for a rectangle that is placed: about a second for 10,000."""

Rectangle = tuple[int, int, int, int]
"""(row, column, height, width)"""


@dataclass(frozen=True)
class Filling:
    """An array of a kind, and the (size, row, column) of the rectangles that stand on it."""

    kind: int
    array: int
    places: tuple[tuple[int, int, int], ...]


class FreeSpace:
    """The maximal free rectangles of an array (Jylanki 2010, *A thousand ways to pack the bin*)."""

    def __init__(self, rows: int, columns: int, faults: Sequence[Rectangle] = ()) -> None:
        self._free = np.array([[0, 0, rows, columns]], dtype=np.int64)
        for fault in faults:
            self.take(*fault)

    def find(self, height: int, width: int) -> tuple[int, int] | None:
        """Row and column of the bottom-left place: the one that ends in the least row, then column."""
        free = self._free
        fits = np.flatnonzero((free[:, 2] - free[:, 0] >= height) & (free[:, 3] - free[:, 1] >= width))
        if not len(fits):
            return None
        best = fits[np.lexsort((free[fits, 1], free[fits, 0]))[0]]
        return int(free[best, 0]), int(free[best, 1])

    def fits(self, height: IntArray, width: IntArray) -> BoolArray:
        """Which of these sizes find room."""
        free = self._free
        rows, columns = free[:, 2] - free[:, 0], free[:, 3] - free[:, 1]
        room: BoolArray = (rows[:, None] >= height) & (columns[:, None] >= width)
        result: BoolArray = np.logical_or.reduce(room, axis=0)
        return result

    def take(self, row: int, column: int, height: int, width: int) -> None:
        """Remove a rectangle from the free space."""
        free = self._free
        top, left, bottom, right = free.T
        end_row, end_column = row + height, column + width
        cut = (top < end_row) & (row < bottom) & (left < end_column) & (column < right)
        old = free[cut]
        above, below = old[old[:, 0] < row].copy(), old[old[:, 2] > end_row].copy()
        before, after = old[old[:, 1] < column].copy(), old[old[:, 3] > end_column].copy()
        above[:, 2], below[:, 0], before[:, 3], after[:, 1] = row, end_row, column, end_column
        pieces = np.unique(np.concatenate([above, below, before, after]), axis=0)
        kept = free[~cut]
        rest = np.concatenate([kept, pieces])
        inside = (
            (rest[:, 0] <= pieces[:, None, 0])
            & (rest[:, 1] <= pieces[:, None, 1])
            & (rest[:, 2] >= pieces[:, None, 2])
            & (rest[:, 3] >= pieces[:, None, 3])
        )
        self._free = np.concatenate([kept, pieces[inside.sum(axis=1) == 1]])


@dataclass(frozen=True, eq=False)
class Sizes:
    """The distinct sizes of blocks."""

    height: IntArray
    width: IntArray
    count: IntArray
    of_block: IntArray

    @classmethod
    def of(cls, blocks: Blocks) -> Sizes:
        """Height and physical columns of the blocks."""
        sizes, of_block, count = np.unique(
            np.stack([blocks.height, blocks.columns]), axis=1, return_inverse=True, return_counts=True
        )
        return cls(sizes[0], sizes[1], count, of_block.reshape(-1))


def fill(
    kinds: Sequence[ArrayKind], sizes: Sizes, order: Sequence[int], budget: Budget
) -> list[Filling] | None:
    """Arrays that hold all rectangles, filled one after another; None if there are too few arrays.

    Each array takes the sizes in the given order, as many of each as find room (first fit); of several
    kinds the one is taken of which most cells are used. A filling is repeated as long as there are
    rectangles for it, so that the work depends on the number of sizes, hardly on that of blocks. When the
    budget is used up, what is left is put on shelves.
    """
    left = sizes.count.copy()
    stock = [Stock(kind, int(left.sum())) for kind in kinds]
    fillings: list[Filling] = []
    while left.any():
        if budget.used_up:
            rest = _on_shelves(kinds, sizes, left, stock)
            return None if rest is None else fillings + rest
        best: tuple[float, int, int, list[tuple[int, int, int]]] | None = None
        for number, kind in enumerate(kinds):
            places = _fill_next(stock[number], sizes, order, left)
            budget.spent += _WORK * len(places)
            cells = sum(int(sizes.height[s]) * int(sizes.width[s]) for s, _, _ in places)
            used = cells / kind.cells
            if places and (best is None or (used, cells) > best[:2]):
                best = used, cells, number, places
        if best is None:
            return None
        _, _, number, places = best
        taken = np.bincount([s for s, _, _ in places], minlength=len(left))
        repeats = int((left[taken > 0] // taken[taken > 0]).min())
        for array in stock[number].take(repeats):
            fillings.append(Filling(number, array, tuple(places)))
            left -= taken
    return fillings


def _on_shelves(
    kinds: Sequence[ArrayKind], sizes: Sizes, left: IntArray, stock: Sequence[Stock]
) -> list[Filling] | None:
    """Fill arrays without faults with what is left, each size on the first kind that it fits.

    Next fit by decreasing height (Coffman, Garey, Johnson and Tarjan 1980): side by side as long as there is
    room, then below the highest, then on the next array. None if there are too few arrays.
    """
    fillings: list[Filling] = []
    fits = np.array([(sizes.height <= kind.rows) & (sizes.width <= kind.columns) for kind in kinds])
    first = fits.argmax(axis=0)
    for number, kind in enumerate(kinds):
        mine = np.flatnonzero((first == number) & (left > 0) & fits[number])
        order = mine[np.argsort(-sizes.height[mine], kind="stable")]
        places: list[tuple[int, int, int]] = []
        row = column = shelf = 0
        for size in np.repeat(order, left[order]).tolist():
            height, width = int(sizes.height[size]), int(sizes.width[size])
            if column + width > kind.columns:
                row, column, shelf = row + shelf, 0, 0
            if row + height > kind.rows:
                if not _close(fillings, number, stock[number], places):
                    return None
                places, row, column, shelf = [], 0, 0, 0
            places.append((size, row, column))
            column, shelf = column + width, max(shelf, height)
        if places and not _close(fillings, number, stock[number], places):
            return None
    return fillings


def _close(
    fillings: list[Filling], number: int, stock: Stock, places: Sequence[tuple[int, int, int]]
) -> bool:
    if stock.empty or stock.faults:
        return False
    fillings.append(Filling(number, stock.take(1)[0], tuple(places)))
    return True


def _fill_next(
    stock: Stock, sizes: Sizes, order: Sequence[int], left: IntArray
) -> list[tuple[int, int, int]]:
    """Fill the next array of a kind; arrays whose faults leave no room for anything are passed over."""
    while not stock.empty:
        space = FreeSpace(stock.kind.rows, stock.kind.columns, stock.faults)
        places = fill_space(space, sizes, order, left)
        if places or not stock.faults:
            return places
        stock.take(1)
    return []


def fill_space(
    space: FreeSpace, sizes: Sizes, order: Sequence[int], left: IntArray
) -> list[tuple[int, int, int]]:
    """Take the sizes in the given order, as many of each as are left and find room (first fit)."""
    waiting = np.array([size for size in order if left[size]], dtype=np.int64)
    height, width = sizes.height[waiting], sizes.width[waiting]
    places: list[tuple[int, int, int]] = []
    begin = 0
    while True:
        fitting = np.flatnonzero(space.fits(height[begin:], width[begin:]))
        if not len(fitting):
            return places
        begin += int(fitting[0])
        size = int(waiting[begin])
        for _ in range(int(left[size])):
            place = space.find(int(height[begin]), int(width[begin]))
            if place is None:
                break
            space.take(*place, int(height[begin]), int(width[begin]))
            places.append((size, *place))
        begin += 1


class Stock:
    """The arrays of a kind that are still empty: those without faults first, one of each tile before two.

    `most` is how many can be needed; if there are so many tiles, arrays are taken as if they were unlimited.
    """

    def __init__(self, kind: ArrayKind, most: int) -> None:
        self.kind = kind
        self._faults: dict[int, list[Rectangle]] = {}
        for array, row, column, height, width in kind.faults:
            self._faults.setdefault(array, []).append((row, column, height, width))
        self._next = 0
        self._broken: list[int] = []
        self._whole: list[int] | None = None
        if kind.count is not None and kind.count // kind.tiers < most + len(self._faults):
            self._broken = sorted(self._faults, reverse=True)
            whole = [array for array in range(kind.count) if array not in self._faults]
            self._whole = sorted(whole, key=lambda array: (array % kind.tiers, array), reverse=True)

    @property
    def empty(self) -> bool:
        """Whether no array is left."""
        return self._whole is not None and not self._whole and not self._broken

    @property
    def faults(self) -> Sequence[Rectangle]:
        """The faults of the array that is taken next."""
        if self._whole is None or self._whole:
            return ()
        return self._faults[self._broken[-1]]

    def take(self, most: int) -> list[int]:
        """Up to `most` arrays that are like the next one, at least that one."""
        if self._whole is None:
            taken: list[int] = []
            while len(taken) < most:
                if self._next not in self._faults:
                    taken.append(self._next)
                self._next += self.kind.tiers
            return taken
        if self._whole:
            return [self._whole.pop() for _ in range(min(most, len(self._whole)))]
        return [self._broken.pop()]
