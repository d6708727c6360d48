"""Let blocks change places until no tile is busier with any group of blocks than it must be."""

from __future__ import annotations

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.search.neighbourhoods.board import Board, Move
from sbdopt.search.neighbourhoods.loads import Loads

_ARRAYS_TRIED = 8
_WINDOWS_TRIED = 12
_FREE_TRIED = 6
_WINDOWS = 0.3
"""Part of the exchanges at random that are of windows."""
_ROOMS, _BETWEEN_EDGES = 0.3, 0.3
"""Part of the windows that are as large as the room of a block, or lie between edges around it."""
_ANY = 1 << 62
_LUCKY, _MEMORY = 0.2, 0.05
"""Windows, which take long, are tried when less than this part of what was tried of late went well."""


class Balance:
    """A local search on a board: exchanges, each of which makes the cost less or the loads more even.

    An attempt takes a tile that is as busy as any with some group, and a block of that group on it. The
    block changes places with another (of any size, as long as both find room), goes to where there is room,
    or the window that it stands in changes places with one of the same size on another array, with all that
    is in them. Where nothing helps, exchanges that cost nothing are made at random.
    """

    def __init__(self, board: Board, loads: Loads, seed: int) -> None:
        self.board, self.loads = board, loads
        self.random = np.random.default_rng(seed)
        loads.count(board.array)
        self._floors = [loads.floors(which) for which in range(len(loads.groupings))]
        self._members = [_members(g.of_block, len(g.weight)) for g in loads.groupings]
        self._windows = _window_sizes(board)
        self._luck = 1.0

    @property
    def is_even(self) -> bool:
        """Whether no group has a tile that is busier than it must be."""
        return not self._uneven()

    def _uneven(self) -> list[tuple[int, int]]:
        return [
            (which, int(group))
            for which, grouping in enumerate(self.loads.groupings)
            for group in np.flatnonzero(
                (self.loads.most[which] > self._floors[which]) & (grouping.weight > 0)
            )
        ]

    def attempt(self) -> bool:
        """Make the cost less, or loads more even where one is as busy as any; whether that went well."""
        uneven = self._uneven()
        if not uneven:
            return False
        which, group = uneven[int(self.random.integers(len(uneven)))]
        load = self.loads.load[which][group]
        busiest = self._pick(np.flatnonzero(load == load.max()))
        members = self._members[which][group]
        block = self._pick(members[self.loads.tile[self.board.array[members]] == busiest])
        went_well = self._exchange(block, better=True) or self._release(block)
        self._luck += _MEMORY * (went_well - self._luck)
        return went_well or (self._luck < _LUCKY and self._exchange_windows(block, (0, -1)))

    def wander(self) -> bool:
        """An exchange that costs nothing, of a block or a window at random; whether there was one."""
        block = int(self.random.integers(len(self.board.array)))
        if self.random.random() < _WINDOWS:
            return self._exchange_windows(block, (0, _ANY))
        return self._exchange(block, better=False)

    def vacate(self, array: int) -> bool:
        """Move the blocks of an array, the largest first, to fuller ones at no cost; whether all went."""
        blocks = self.board.blocks
        area = blocks.height * blocks.columns
        for block in sorted(self.board.members[array], key=lambda block: (-int(area[block]), block)):
            if not self._settle(block):
                return False
        return True

    def _settle(self, block: int) -> bool:
        """The block goes to the fullest array that has room for it, at no cost."""
        board, loads = self.board, self.loads
        here = int(board.array[block])
        height, width = int(board.blocks.height[block]), int(board.blocks.columns[block])
        there = np.flatnonzero((board.free >= height * width) & (board.free < board.cells))
        there = there[there != here]
        if not len(there):
            return False
        cost, _ = loads.changes(block, here, np.full(len(there), -1), there)
        there = there[cost <= 0]
        for choice in there[np.argsort(board.free[there], kind="stable")].tolist():
            place = board.hole(choice, height, width)
            if place is not None:
                self._apply([(block, choice, *place)])
                return True
        return False

    def _pick(self, some: IntArray) -> int:
        return int(some[int(self.random.integers(len(some)))])

    def _exchange(self, block: int, *, better: bool) -> bool:
        board, loads = self.board, self.loads
        here = int(board.array[block])
        others = np.flatnonzero(board.fits_in_room_of(block))
        others = others[loads.tile[board.array[others]] != loads.tile[here]]
        if not len(others):
            return False
        there = board.array[others]
        cost, squares = loads.changes(block, here, others, there)
        if not better:
            free = np.flatnonzero(cost <= 0)
            if not len(free):
                return False
            self._apply(board.exchange(block, int(others[self._pick(free)])))
            return True
        best = self._best(cost, squares)
        if best is None:
            return False
        self._apply(board.exchange(block, int(others[best])))
        return True

    def _best(self, cost: IntArray, squares: IntArray) -> int | None:
        """One of the changes that improve most, if any does."""
        order = np.lexsort((self.random.random(len(cost)), squares, cost))
        best = int(order[0])
        return best if (cost[best], squares[best]) < (0, 0) else None

    def _release(self, block: int) -> bool:
        """The block goes to an array that has room for it."""
        board, loads = self.board, self.loads
        here = int(board.array[block])
        height, width = int(board.blocks.height[block]), int(board.blocks.columns[block])
        there = np.flatnonzero((board.free >= height * width) & (loads.tile != loads.tile[here]))
        if not len(there):
            return False
        cost, squares = loads.changes(block, here, np.full(len(there), -1), there)
        good = np.flatnonzero((cost < 0) | ((cost == 0) & (squares < 0)))
        order = good[np.lexsort((self.random.random(len(good)), squares[good], cost[good]))]
        for choice in order[:_FREE_TRIED].tolist():
            place = board.hole(int(there[choice]), height, width)
            if place is not None:
                self._apply([(block, int(there[choice]), *place)])
                return True
        return False

    def _exchange_windows(self, block: int, most: tuple[int, int]) -> bool:
        """A window around the block changes places with one of the same size on another array.

        `most` are the changes of cost and squares that are allowed at most.
        """
        board, loads = self.board, self.loads
        here = int(board.array[block])
        rows, columns = self._window_size(block)
        corners, inside = board.windows(here, rows, columns, around=block)
        if not len(corners):
            return False
        mine = int(self.random.integers(len(corners)))
        arrays = np.flatnonzero(loads.tile != loads.tile[here])
        groups = [(load, g.of_block[block]) for load, g in zip(loads.load, loads.groupings, strict=True)]
        busy = sum(load[group, loads.tile[arrays]] for load, group in groups)
        arrays = arrays[np.lexsort((self.random.random(len(arrays)), busy))][: 4 * _ARRAYS_TRIED]
        for there in self.random.permutation(arrays)[:_ARRAYS_TRIED].tolist():
            if self._exchange_window_with(here, corners[mine], inside[mine], there, (rows, columns), most):
                return True
        return False

    def _window_size(self, block: int) -> tuple[int, int]:
        """That of some blocks, of all the room that the block has, or of what is between edges around it."""
        board, way = self.board, self.random.random()
        if way < _ROOMS:
            top, left, bottom, right = board.room[block, int(self.random.integers(2))].tolist()
            return bottom - top, right - left
        if way < _ROOMS + _BETWEEN_EDGES:
            (up, down), (before, after) = board.edges_around(block)
            return self._pick(down) - self._pick(up), self._pick(after) - self._pick(before)
        height, width = board.blocks.height[block], board.blocks.columns[block]
        sizes = self._windows[(self._windows[:, 0] >= height) & (self._windows[:, 1] >= width)]
        rows, columns = sizes[int(self.random.integers(len(sizes)))].tolist()
        return rows, columns

    def _exchange_window_with(
        self,
        here: int,
        corner: IntArray,
        inside: IntArray,
        there: int,
        size: tuple[int, int],
        most: tuple[int, int],
    ) -> bool:
        board, loads = self.board, self.loads
        corners, contents = board.windows(there, *size)
        out = np.array(board.members[here], dtype=np.int64)[inside]
        candidates = np.array(board.members[there], dtype=np.int64)
        for choice in self.random.permutation(len(corners))[:_WINDOWS_TRIED].tolist():
            back = candidates[contents[choice]]
            travels = [(b, here, there) for b in out.tolist()] + [(b, there, here) for b in back.tolist()]
            if loads.change(travels) <= most:
                shift = corners[choice] - corner
                moves = [
                    (b, there, int(board.row[b] + shift[0]), int(board.column[b] + shift[1]))
                    for b in out.tolist()
                ] + [
                    (b, here, int(board.row[b] - shift[0]), int(board.column[b] - shift[1]))
                    for b in back.tolist()
                ]
                self._apply(moves)
                return True
        return False

    def _apply(self, moves: list[Move]) -> None:
        self.loads.apply([(block, int(self.board.array[block]), there) for block, there, _, _ in moves])
        self.board.apply(moves)


def _members(group: IntArray, groups: int) -> list[IntArray]:
    """The blocks of each group."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.searchsorted(group[order], np.arange(1, groups)))


def _window_sizes(board: Board) -> IntArray:
    """Sizes of blocks, and of several of a size side by side or one above the other, that arrays can hold."""
    blocks, kinds = board.blocks, board.blocks.hardware.arrays
    height, width = np.unique(np.stack([blocks.height, blocks.columns]), axis=1)
    rows, columns = max(kind.rows for kind in kinds), max(kind.columns for kind in kinds)
    more = range(2, _MOST_REPEATS + 1)
    repeats = np.array([(1, 1), *((down, 1) for down in more), *((1, across) for across in more)])
    sizes = (np.stack([height, width], axis=1)[:, None] * repeats).reshape(-1, 2)
    fitting: IntArray = np.unique(sizes[(sizes[:, 0] <= rows) & (sizes[:, 1] <= columns)], axis=0)
    return fitting


_MOST_REPEATS = 8
