"""Arrays and what stands on them, with the room that each block could take where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.dealing import Places
from sbdopt.search.packing import Rectangle

Move = tuple[int, int, int, int]
"""A block, and the array, row and column that it goes to."""


class Board:
    """A set of arrays, numbered from 0, on which all blocks stand; moves keep them apart.

    `room[i]` are two maximal rectangles (top, left, bottom, right) around block i in which nothing else
    stands: one is first made as wide as can be, the other as high.
    """

    def __init__(self, blocks: Blocks, places: Places, more: Sequence[tuple[int, int]] = ()) -> None:
        """The arrays in use, and `more` of them (kind, array) that are empty."""
        self.blocks = blocks
        used, index = np.unique(np.stack([places.kind, places.array]), axis=1, return_inverse=True)
        self.where: list[tuple[int, int]] = [(int(k), int(a)) for k, a in used.T] + list(more)
        self.kind = np.array([kind for kind, _ in self.where], dtype=np.int64)
        self.array: IntArray = index.reshape(-1).astype(np.int64)
        self.row, self.column = places.row.copy(), places.column.copy()
        kinds = blocks.hardware.arrays
        tiles = [(kind, array // kinds[kind].tiers) for kind, array in self.where]
        numbers = {tile: number for number, tile in enumerate(dict.fromkeys(tiles))}
        self.tile = np.array([numbers[tile] for tile in tiles], dtype=np.int64)
        self._faults: dict[tuple[int, int], list[Rectangle]] = {}
        for number, kind in enumerate(kinds):
            for array, row, column, height, width in kind.faults:
                self._faults.setdefault((number, array), []).append((row, column, height, width))
        order = np.argsort(self.array, kind="stable")
        begins = np.searchsorted(self.array[order], np.arange(len(self.where) + 1))
        self.members: list[list[int]] = [
            order[begins[a] : begins[a + 1]].tolist() for a in range(len(self.where))
        ]
        self.cells = np.array([kinds[kind].rows * kinds[kind].columns for kind, _ in self.where])
        self.free: IntArray = self.cells - np.bincount(
            self.array, weights=blocks.height * blocks.columns, minlength=len(self.where)
        ).astype(np.int64)
        self.room = np.zeros((len(blocks), 2, 4), dtype=np.int64)
        self._grids: dict[int, _Grid] = {}
        for a in range(len(self.where)):
            self._measure(a)

    def places(self) -> Places:
        """Where every block stands now."""
        where = np.array(self.where, dtype=np.int64)[self.array].reshape(-1, 2)
        return Places(where[:, 0], where[:, 1], self.row.copy(), self.column.copy())

    def faults(self, a: int) -> list[Rectangle]:
        """What of an array cannot be used."""
        return self._faults.get(self.where[a], [])

    def fits_in_room_of(self, block: int) -> BoolArray:
        """Which blocks can stand in the place of this one, if it goes, and it in theirs, if they go."""
        blocks, room = self.blocks, self.room
        height, width = int(blocks.height[block]), int(blocks.columns[block])
        mine = room[block]
        fits: BoolArray = np.zeros(len(blocks), dtype=bool)
        there: BoolArray = np.zeros(len(blocks), dtype=bool)
        for way in range(2):
            rows, columns = int(mine[way, 2] - mine[way, 0]), int(mine[way, 3] - mine[way, 1])
            fits |= (blocks.height <= rows) & (blocks.columns <= columns)
            rect = room[:, way]
            there |= (rect[:, 2] - rect[:, 0] >= height) & (rect[:, 3] - rect[:, 1] >= width)
        both: BoolArray = fits & there
        return both

    def corner(self, block: int, height: int, width: int) -> tuple[int, int]:
        """Where a rectangle that fits the room of a block stands in it: as far up and left as can be."""
        for top, left, bottom, right in self.room[block].tolist():
            if bottom - top >= height and right - left >= width:
                return top, left
        raise AssertionError("the rectangle does not fit")

    def exchange(self, one: int, other: int) -> list[Move]:
        """The moves that let two blocks change places."""
        blocks = self.blocks
        sizes = [(int(blocks.height[b]), int(blocks.columns[b])) for b in (one, other)]
        return [
            (one, int(self.array[other]), *self.corner(other, *sizes[0])),
            (other, int(self.array[one]), *self.corner(one, *sizes[1])),
        ]

    def hole(self, a: int, height: int, width: int) -> tuple[int, int] | None:
        """Row and column where an array has free room of this size: as far up, then left, as can be.

        Pushed up and left it touches the end of something, or the array's, both ways.
        """
        grid = self._grids.get(a)
        if grid is None:
            grid = self._grids[a] = _Grid.of(self._rectangles(a))
        kind = self.blocks.hardware.arrays[self.where[a][0]]
        return grid.hole(height, width, kind.rows, kind.columns)

    def apply(self, moves: Iterable[Move]) -> None:
        """Put blocks where the moves say; together they must leave all blocks apart."""
        changed: set[int] = set()
        for block, a, row, column in moves:
            old = int(self.array[block])
            cells = int(self.blocks.height[block] * self.blocks.columns[block])
            self.members[old].remove(block)
            self.members[a].append(block)
            self.free[old] += cells
            self.free[a] -= cells
            self.array[block], self.row[block], self.column[block] = a, row, column
            changed |= {old, a}
        for a in sorted(changed):
            self._measure(a)

    def windows(
        self, a: int, rows: int, columns: int, around: int | None = None
    ) -> tuple[IntArray, BoolArray]:
        """Rectangles of an array that cut no block and no fault: (row, column) each, and who is inside.

        Only those are looked at that cannot be pushed up or left without cutting something.
        """
        blocks, kind = self.blocks, self.blocks.hardware.arrays[self.where[a][0]]
        table = self._rectangles(a)
        tops = _pushed(table[:, 0] + table[:, 2], rows, kind.rows)
        lefts = _pushed(table[:, 1] + table[:, 3], columns, kind.columns)
        if around is not None:
            top, left = int(self.row[around]), int(self.column[around])
            bottom, right = top + int(blocks.height[around]), left + int(blocks.columns[around])
            tops = tops[(tops <= top) & (tops + rows >= bottom)]
            lefts = lefts[(lefts <= left) & (lefts + columns >= right)]
        begin_row, begin_column = table[:, 0], table[:, 1]
        end_row, end_column = begin_row + table[:, 2], begin_column + table[:, 3]
        low, near = tops[:, None], lefts[:, None]
        meets_rows = (low < end_row) & (begin_row < low + rows)
        meets_columns = (near < end_column) & (begin_column < near + columns)
        count = len(self.members[a])
        in_rows = (low <= begin_row) & (end_row <= low + rows) & (np.arange(len(table)) < count)
        in_columns = (near <= begin_column) & (end_column <= near + columns)
        meeting = meets_rows.astype(np.float32) @ meets_columns.astype(np.float32).T
        inside = in_rows.astype(np.float32) @ in_columns.astype(np.float32).T
        row, column = np.nonzero(meeting == inside)
        contents: BoolArray = in_rows[row] & in_columns[column]
        return np.stack([tops[row], lefts[column]], axis=1), contents[:, :count]

    def edges_around(self, block: int) -> list[tuple[IntArray, IntArray]]:
        """For rows and columns: edges of blocks and of the array, up to where it begins, and after it."""
        a = int(self.array[block])
        kind, table = self.blocks.hardware.arrays[self.where[a][0]], self._rectangles(a)
        mine = (self.row[block], self.column[block], self.blocks.height[block], self.blocks.columns[block])
        result = []
        for axis, most in enumerate((kind.rows, kind.columns)):
            edges = np.unique(
                np.concatenate([[0, most], table[:, axis], table[:, axis] + table[:, axis + 2]])
            )
            before = edges[edges <= mine[axis]]
            result.append((before, edges[edges >= mine[axis] + mine[axis + 2]]))
        return result

    def _rectangles(self, a: int) -> IntArray:
        """Row, column, height and width of the members of an array, then of its faults."""
        mine = np.array(self.members[a], dtype=np.int64)
        blocks = self.blocks
        table = np.stack(
            [self.row[mine], self.column[mine], blocks.height[mine], blocks.columns[mine]], axis=1
        )
        faults = np.array(self.faults(a), dtype=np.int64).reshape(-1, 4)
        return np.concatenate([table, faults])

    def _measure(self, a: int) -> None:
        """Find the room around all blocks of an array again."""
        self._grids.pop(a, None)
        mine = self.members[a]
        if not mine:
            return
        kind = self.blocks.hardware.arrays[self.where[a][0]]
        table = self._rectangles(a)
        begin = table[:, :2].T
        end = begin + table[:, 2:].T
        most = (kind.rows, kind.columns)
        count = len(mine)
        for way, first in enumerate((1, 0)):
            second = 1 - first
            low, high = begin[second, :count], end[second, :count]
            near, far = _reach(low, high, begin, end, second, first, count, most[first])
            low2, high2 = _reach(near, far, begin, end, first, second, count, most[second])
            self.room[mine, way, first], self.room[mine, way, first + 2] = near, far
            self.room[mine, way, second], self.room[mine, way, second + 2] = low2, high2


@dataclass(frozen=True, eq=False)
class _Grid:
    """What of an array is taken, on a grid of all edges; it serves until something there changes."""

    rows: IntArray
    columns: IntArray
    top: IntArray
    left: IntArray
    """Rows and columns of the grid where something ends, or the array begins."""
    taken: IntArray
    """How many meshes are taken above and left of each point of the grid."""

    @classmethod
    def of(cls, table: IntArray) -> _Grid:
        """The grid of rectangles without overlap: row, column, height and width of each."""
        top, left = table[:, 0], table[:, 1]
        bottom, right = top + table[:, 2], left + table[:, 3]
        rows = np.unique(np.concatenate([[0], top, bottom]))
        columns = np.unique(np.concatenate([[0], left, right]))
        above, below = np.searchsorted(rows, top) + 1, np.searchsorted(rows, bottom) + 1
        before, after = np.searchsorted(columns, left) + 1, np.searchsorted(columns, right) + 1
        edges = np.zeros((len(rows) + 1, len(columns) + 1), dtype=np.int64)
        for sign, i, j in ((1, above, before), (-1, below, before), (-1, above, after), (1, below, after)):
            np.add.at(edges, (i, j), sign)
        inside = edges.cumsum(axis=0).cumsum(axis=1)
        taken = inside.cumsum(axis=0).cumsum(axis=1)
        tops, lefts = np.unique(np.append(below - 1, 0)), np.unique(np.append(after - 1, 0))
        return cls(rows, columns, tops, lefts, taken)

    def hole(self, height: int, width: int, rows: int, columns: int) -> tuple[int, int] | None:
        """The first corner, by row, then column, from which so much of an array of this size is free."""
        top = self.top[self.rows[self.top] + height <= rows]
        left = self.left[self.columns[self.left] + width <= columns]
        bottom = np.searchsorted(self.rows, self.rows[top] + height)[:, None]
        right = np.searchsorted(self.columns, self.columns[left] + width)
        up, taken = top[:, None], self.taken
        free = taken[bottom, right] - taken[up, right] - taken[bottom, left] + taken[up, left] == 0
        if not free.any():
            return None
        row, column = divmod(int(free.argmax()), len(left))
        return int(self.rows[top[row]]), int(self.columns[left[column]])


def _pushed(end: IntArray, window: int, most: int) -> IntArray:
    """Where a window can begin: pushed against what ends before it, or held by what ends in it."""
    edges = np.unique(np.concatenate([[0], end, end - window]))
    return edges[(edges >= 0) & (edges + window <= most)]


def _reach(
    low: IntArray,
    high: IntArray,
    begin: IntArray,
    end: IntArray,
    across: int,
    along: int,
    count: int,
    most: int,
) -> tuple[IntArray, IntArray]:
    """How far each of the first rectangles can grow along an axis, if it spans low .. high - 1 across it."""
    meets = (low[:, None] < end[across]) & (begin[across] < high[:, None])
    before = meets & (end[along] <= begin[along, :count, None])
    after = meets & (begin[along] >= end[along, :count, None])
    return (
        np.where(before, end[along], 0).max(axis=1),
        np.where(after, begin[along], most).min(axis=1),
    )
