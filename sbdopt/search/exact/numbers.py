"""How many blocks of each operator stand on each array, so that no level keeps one busy for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.neighbourhoods import levels
from sbdopt.search.packing import Sizes
from sbdopt.timing import block_cycles

Counts = tuple[int, ...]
"""How many blocks of each size an array holds."""

_SECONDS, _NODES = 5.0, 2000
"""Seconds and nodes of a search for numbers."""
_WORK = 1e-4
"""Units of work for a number."""


@dataclass(frozen=True, eq=False)
class Shares:
    """Classes of blocks that are alike: of one operator and one size."""

    kind: ArrayKind
    sizes: Sizes
    of_block: IntArray
    number: IntArray
    """Blocks of each class."""
    size: IntArray
    level: IntArray
    cycles: IntArray

    @classmethod
    def of(cls, blocks: Blocks) -> Shares:
        """The classes of the blocks of a problem with one kind of array."""
        sizes = Sizes.of(blocks)
        pairs = np.stack([blocks.operator, sizes.of_block])
        classes, first, of_block, number = np.unique(
            pairs, axis=1, return_index=True, return_inverse=True, return_counts=True
        )
        _, level = np.unique(levels(blocks)[classes[0]], return_inverse=True)
        cycles = block_cycles(blocks)[0, first]
        kind = blocks.hardware.arrays[0]
        return cls(kind, sizes, of_block.reshape(-1), number, classes[1], level.reshape(-1), cycles)


class Numbers:
    """Numbers of blocks as integers: all stand somewhere, cells suffice, and what had no place is forbidden.

    Columns are the numbers, array by array and class by class; then how much longer than an even share each
    level takes; then, for what is forbidden, of which size an array holds fewer.
    """

    def __init__(self, shares: Shares, tile: Sequence[int], slack: int) -> None:
        self.shares, self.tile = shares, tile
        self.classes = len(shares.number)
        self.columns = len(tile) * self.classes + int(shares.level.max()) + 1
        longest = int(shares.number @ shares.cycles)
        levels = range(len(tile) * self.classes, self.columns)
        self.most = [*shares.number.tolist()] * len(tile) + [longest] * len(levels)
        self.cost = [0] * levels.start + [1] * len(levels)
        self.is_even = False
        """Whether no level takes longer than an even share of it."""
        self.rows: list[tuple[dict[int, int], float, float]] = []
        arrays, sizes = range(len(tile)), shares.sizes
        for c, number in enumerate(shares.number.tolist()):
            self._add({self._at(a, c): 1 for a in arrays}, number, number)
        cells = (sizes.height * sizes.width)[shares.size].tolist()
        for a in arrays:
            inside = {self._at(a, c): cells[c] for c in range(self.classes)}
            self._add(inside, 0, shares.kind.rows * shares.kind.columns)
        for a, (s, count) in product(arrays, enumerate(sizes.count.tolist())):
            self._add(self._of_size(a, s), count // len(tile) - slack, -(-count // len(tile)) + slack)
        if len(set(tile)) == len(tile):  # arrays are alike: those with most of the largest blocks come first
            largest = int((sizes.height * sizes.width).argmax())
            for a in arrays[1:]:
                fewer = dict.fromkeys(self._of_size(a, largest), -1)
                self._add({**self._of_size(a - 1, largest), **fewer}, 0, np.inf)
        for level, over in enumerate(levels):
            self._limit(level, over)

    def _at(self, a: int, c: int) -> int:
        return a * self.classes + c

    def _of_size(self, a: int, s: int) -> dict[int, int]:
        return {self._at(a, int(c)): 1 for c in np.flatnonzero(self.shares.size == s)}

    def _add(self, row: dict[int, int], least: float, most: float) -> None:
        self.rows.append((row, least, most))

    def _limit(self, level: int, over: int) -> None:
        """No tile takes longer for a level than an even share and `over`; every block is read alone."""
        shares = self.shares
        mine = np.flatnonzero(shares.level == level).tolist()
        tiles = sorted(set(self.tile))
        cycles = shares.cycles[mine].tolist()
        total = int(shares.number[mine] @ shares.cycles[mine])
        whole = -(-int(shares.number[mine].sum()) // len(tiles)) * min(cycles)
        even = max(whole, -(-total // len(tiles)), *cycles)
        for tile in tiles:
            arrays = [a for a, its in enumerate(self.tile) if its == tile]
            busy = {self._at(a, c): int(shares.cycles[c]) for a in arrays for c in mine}
            self._add({**busy, over: -1}, -np.inf, even)

    def forbid(self, counts: Counts) -> None:
        """No array may hold so many blocks of each size, or more."""
        for a in range(len(self.tile)):
            fewer = {}
            for s, most in enumerate(counts):
                if most:
                    fewer[self.columns], room = 1, int(self.shares.sizes.count[s])
                    self._add({**self._of_size(a, s), self.columns: room}, 0, most - 1 + room)
                    self.most.append(1)
                    self.cost.append(0)
                    self.columns += 1
            self._add(fewer, 1, len(fewer))

    def solve(self, budget: Budget) -> IntArray | None:
        """Numbers of blocks of each class (columns) on each array (rows), if any are found."""
        entries = [(i, j, value) for i, (row, _, _) in enumerate(self.rows) for j, value in row.items()]
        i, j, value = zip(*entries, strict=True)
        matrix = csr_array((value, (i, j)), shape=(len(self.rows), self.columns))
        limits = LinearConstraint(matrix, [row[1] for row in self.rows], [row[2] for row in self.rows])
        options: dict[str, float] = {"node_limit": _NODES}
        if budget.work is None:
            options["time_limit"] = min(_SECONDS, budget.remaining)
        budget.spent += _WORK * self.columns
        result = milp(
            self.cost,
            constraints=limits,
            integrality=np.ones(self.columns),
            bounds=Bounds(0, self.most),
            options=options,
        )
        if result.x is None:
            return None
        self.is_even = round(result.fun) == 0
        numbers: IntArray = np.round(result.x[: len(self.tile) * self.classes]).astype(np.int64)
        return numbers.reshape(len(self.tile), self.classes)

    def counts_of(self, numbers: IntArray) -> list[Counts]:
        """For each array how many blocks of each size it holds."""
        result = np.zeros((len(numbers), len(self.shares.sizes.count)), dtype=np.int64)
        np.add.at(result.T, self.shares.size, numbers.T)
        return [tuple(counts) for counts in result.tolist()]
