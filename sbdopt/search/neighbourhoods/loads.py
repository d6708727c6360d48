"""How busy every tile is with each group of blocks, and what an exchange changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.timing import NEVER, block_cycles


def levels(blocks: Blocks) -> IntArray:
    """For each operator how many crossbar operators come before it on the longest way: its level.

    Operators of a level may run together; levels of a chain follow one another.
    """
    depth = np.zeros(len(blocks.predecessors), dtype=np.int64)
    crossbar = np.diff(blocks.first) > 0
    for operator in blocks.order:
        before = blocks.predecessors[operator]
        depth[operator] = max((int(depth[one] + crossbar[one]) for one in before), default=0)
    return depth


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which group each block counts in, and what the busiest tile of each group costs a cycle."""

    of_block: IntArray
    weight: IntArray


class Loads:
    """Cycles that each tile is busy with each group of blocks, every block read alone.

    The cost is the sum over the groups of weight x cycles of its busiest tile; of equal costs the one with
    the smaller sum of squares is better, which makes loads even.
    """

    def __init__(self, blocks: Blocks, groupings: Sequence[Grouping], kind: IntArray, tile: IntArray) -> None:
        """`kind` and `tile` are those of the arrays, by their numbers."""
        self.cycles = block_cycles(blocks)
        self.cycles[self.cycles == NEVER] = 0
        self.groupings, self.kind, self.tile = groupings, kind, tile
        self.tiles = int(tile.max(initial=-1)) + 1
        self.load: list[IntArray] = []
        self.top: list[IntArray] = []
        self.most: list[IntArray] = []

    def count(self, array: IntArray) -> None:
        """Count all anew, for blocks on these arrays."""
        blocks = np.arange(len(array))
        spent = self.cycles[self.kind[array], blocks]
        self.load, self.top, self.most = [], [], []
        for grouping in self.groupings:
            load = np.zeros((len(grouping.weight), self.tiles), dtype=np.int64)
            np.add.at(load, (grouping.of_block, self.tile[array]), spent)
            self.load.append(load)
            top = np.argsort(-load, axis=1, kind="stable")[:, :3]
            self.top.append(np.pad(top, ((0, 0), (0, 3 - top.shape[1])), mode="edge"))
            self.most.append(load.max(axis=1))

    @property
    def cost(self) -> int:
        """What the busiest tiles of all groups cost."""
        return sum(int(g.weight @ most) for g, most in zip(self.groupings, self.most, strict=True))

    def floors(self, which: int) -> IntArray:
        """What the busiest tile of each group is busy for at least, for all exchanges."""
        grouping = self.groupings[which]
        least = np.array([self.cycles[kind] for kind in np.unique(self.kind)]).min(axis=0)
        slowest = np.zeros(len(grouping.weight), dtype=np.int64)
        quickest = np.full(len(grouping.weight), NEVER, dtype=np.int64)
        total = np.zeros(len(grouping.weight), dtype=np.int64)
        number = np.bincount(grouping.of_block, minlength=len(grouping.weight))
        np.maximum.at(slowest, grouping.of_block, least)
        np.minimum.at(quickest, grouping.of_block, least)
        np.add.at(total, grouping.of_block, least)
        whole = np.where(number > 0, -(-number // self.tiles) * np.where(number > 0, quickest, 0), 0)
        return np.maximum(np.maximum(slowest, -(-total // self.tiles)), whole)

    def changes(self, block: int, here: int, others: IntArray, there: IntArray) -> tuple[IntArray, IntArray]:
        """Change of cost and of squares if a block goes from array `here` to `there` and an other one back.

        `others` are blocks, -1 for none.
        """
        cost = np.zeros(len(others), dtype=np.int64)
        squares = np.zeros(len(others), dtype=np.int64)
        t, u = int(self.tile[here]), self.tile[there]
        gone, come = int(self.cycles[self.kind[here], block]), self.cycles[self.kind[there], block]
        back = np.where(others < 0, 0, self.cycles[self.kind[here], others])
        left = np.where(others < 0, 0, self.cycles[self.kind[there], others])
        for which, grouping in enumerate(self.groupings):
            mine, theirs = int(grouping.of_block[block]), grouping.of_block[others]
            same = theirs == mine
            load = self.load[which]
            at_t = load[mine, t] - gone + np.where(same, back, 0)
            at_u = load[mine, u] + come - np.where(same, left, 0)
            now = np.maximum(np.maximum(at_t, at_u), self._elsewhere(which, np.full_like(theirs, mine), t, u))
            cost += grouping.weight[mine] * (now - self.most[which][mine])
            squares += at_t**2 - int(load[mine, t]) ** 2 + at_u**2 - load[mine, u] ** 2
            at_t, at_u = load[theirs, t] + back, load[theirs, u] - left
            now = np.maximum(np.maximum(at_t, at_u), self._elsewhere(which, theirs, t, u))
            cost += np.where(same, 0, grouping.weight[theirs] * (now - self.most[which][theirs]))
            more = at_t**2 - load[theirs, t] ** 2 + at_u**2 - load[theirs, u] ** 2
            squares += np.where(same, 0, more)
        return cost, squares

    def change(self, moves: Iterable[tuple[int, int, int]]) -> tuple[int, int]:
        """Change of cost and of squares if blocks go from one array to another."""
        cost = squares = 0
        moves = list(moves)
        for which, grouping in enumerate(self.groupings):
            differences: dict[int, dict[int, int]] = {}
            for block, here, there in moves:
                mine = differences.setdefault(int(grouping.of_block[block]), {})
                for array, sign in ((here, -1), (there, 1)):
                    tile = int(self.tile[array])
                    mine[tile] = mine.get(tile, 0) + sign * int(self.cycles[self.kind[array], block])
            for group, mine in differences.items():
                row = self.load[which][group].copy()
                before = int((row[list(mine)] ** 2).sum())
                for tile, difference in mine.items():
                    row[tile] += difference
                squares += int((row[list(mine)] ** 2).sum()) - before
                cost += int(grouping.weight[group]) * (int(row.max()) - int(self.most[which][group]))
        return cost, squares

    def apply(self, moves: Iterable[tuple[int, int, int]]) -> None:
        """Blocks go from one array to another."""
        moves = list(moves)
        for which, grouping in enumerate(self.groupings):
            load, changed = self.load[which], set()
            for block, here, there in moves:
                group = int(grouping.of_block[block])
                load[group, self.tile[here]] -= self.cycles[self.kind[here], block]
                load[group, self.tile[there]] += self.cycles[self.kind[there], block]
                changed.add(group)
            for group in changed:
                row = load[group]
                few = min(3, len(row))
                top = np.argpartition(-row, few - 1)[:few] if len(row) > 3 else np.arange(len(row))
                top = top[np.lexsort((top, -row[top]))]
                self.top[which][group] = np.pad(top, (0, 3 - few), mode="edge")
                self.most[which][group] = row[top[0]]

    def _elsewhere(self, which: int, group: IntArray, t: int, u: IntArray) -> IntArray:
        """How busy the busiest tile apart from two is with each group."""
        result = np.zeros(len(group), dtype=np.int64)
        top, load = self.top[which], self.load[which]
        for place in (2, 1, 0):
            tile = top[group, place]
            result = np.where((tile != t) & (tile != u), load[group, tile], result)
        return result
