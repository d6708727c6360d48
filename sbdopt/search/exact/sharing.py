"""Few sizes: how many blocks of every operator each array holds, so that no level keeps any busy for long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, permutations, product

import numpy as np
from ortools.sat.python import cp_model
from ortools.sat.python.cp_model import IntVar, LinearExpr

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.exact.repack import Space, repack, solved
from sbdopt.search.neighbourhoods import levels
from sbdopt.search.packing import FreeSpace, Sizes
from sbdopt.timing import block_cycles

Counts = tuple[int, ...]
"""How many blocks of each size an array holds."""

_ROUNDS = 40
_SECONDS, _PACKING = 10.0, 2.0
"""Seconds (or units of work) for the numbers of blocks, and for the places of those of one array."""
_MOST_ORDERS = 120
_WORK = 1e-4
"""Units of work for a rectangle that is placed."""


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


class Sharing:
    """The search for such numbers; each array's are tried to be packed, and what fails is forbidden."""

    def __init__(self, blocks: Blocks, tile: Sequence[int], budget: Budget, seed: int) -> None:
        """`tile` is the number of the tile of each array that is to be used."""
        self.shares, self.tile, self.budget, self.seed = Shares.of(blocks), tile, budget, seed
        self._packed: dict[Counts, list[tuple[int, int, int]]] = {}
        self._failed: list[Counts] = []

    def search(self) -> tuple[IntArray, list[list[tuple[int, int, int]]]] | None:
        """Blocks of each class (columns) on each array (rows), and (size, row, column) of all places.

        First the least sum of the levels' busiest tiles; then with that sum numbers as even as can be, since
        arrays that are all alike are easily packed. If there are none that can be packed, a cycle more.
        """
        cycles: int | None = None
        for _ in range(_ROUNDS):
            if self.budget.used_up:
                return None
            model = _Model(self.shares, self.tile, self._failed)
            numbers = model.solve(cycles, self.budget, self.seed)
            if numbers is None:
                if cycles is None:
                    return None
                cycles += 1
                continue
            if cycles is None:
                cycles = model.cycles_of(numbers)
                continue
            counts = model.counts_of(numbers)
            for one in sorted(set(counts), reverse=True):
                self._try(one)
            if all(one in self._packed for one in counts):
                return numbers, [self._packed[one] for one in counts]
        return None

    def _try(self, counts: Counts) -> None:
        if counts in self._packed:
            return
        places = self._part_of_known(counts) or self._constructed(counts) or self._exact(counts)
        if places is None:
            self._failed.append(counts)
        else:
            self._packed[counts] = places

    def _part_of_known(self, counts: Counts) -> list[tuple[int, int, int]] | None:
        """Some of the places of an array that holds more."""
        for known, places in self._packed.items():
            if all(few <= many for few, many in zip(counts, known, strict=True)):
                left, result = list(counts), []
                for place in places:
                    if left[place[0]]:
                        left[place[0]] -= 1
                        result.append(place)
                return result
        return None

    def _constructed(self, counts: Counts) -> list[tuple[int, int, int]] | None:
        """Sizes one after the other in some order, each as far up, or as far left, as can be."""
        used = [size for size, count in enumerate(counts) if count]
        for order, turned in product(islice(permutations(used), _MOST_ORDERS), (False, True)):
            places = self._in_order(counts, order, turned=turned)
            if places is not None or self.budget.used_up:
                return places
        return None

    def _in_order(
        self, counts: Counts, order: Sequence[int], *, turned: bool
    ) -> list[tuple[int, int, int]] | None:
        sizes, kind = self.shares.sizes, self.shares.kind
        space = FreeSpace(kind.columns, kind.rows) if turned else FreeSpace(kind.rows, kind.columns)
        result = []
        for size in order:
            high, wide = int(sizes.height[size]), int(sizes.width[size])
            if turned:
                high, wide = wide, high
            for _ in range(counts[size]):
                self.budget.spent += _WORK
                place = space.find(high, wide)
                if place is None:
                    return None
                space.take(*place, high, wide)
                result.append((size, place[turned], place[not turned]))
        return result

    def _exact(self, counts: Counts) -> list[tuple[int, int, int]] | None:
        sizes, kind = self.shares.sizes, self.shares.kind
        of_size = np.repeat(np.arange(len(counts)), counts)
        space = Space(kind.rows, kind.columns)
        height, width = sizes.height[of_size], sizes.width[of_size]
        places = repack(height, width, [space], self.budget, _PACKING, self.seed).places
        if places is None:
            return None
        return [(int(s), row, column) for s, (_, row, column) in zip(of_size, places, strict=True)]


class _Model:
    """Numbers of blocks as variables: all stand somewhere, cells suffice, nothing is known to have no place."""

    def __init__(self, shares: Shares, tile: Sequence[int], failed: Sequence[Counts]) -> None:
        self.shares, self.tile = shares, tile
        self.model = cp_model.CpModel()
        model, arrays, classes = self.model, range(len(tile)), range(len(shares.number))
        self.number = [[model.new_int_var(0, int(shares.number[c]), "") for c in classes] for _ in arrays]
        for c in classes:
            model.add(LinearExpr.sum([mine[c] for mine in self.number]) == int(shares.number[c]))
        sizes = range(len(shares.sizes.count))
        most = shares.sizes.count.tolist()
        self.count = [[model.new_int_var(0, most[s], "") for s in sizes] for _ in arrays]
        for mine, count in zip(self.number, self.count, strict=True):
            for s in sizes:
                model.add(LinearExpr.sum([mine[c] for c in classes if shares.size[c] == s]) == count[s])
        self._fit(failed)
        if len(set(tile)) == len(tile):
            largest = int((shares.sizes.height * shares.sizes.width).argmax())
            for one, next_one in zip(self.count, self.count[1:], strict=False):
                model.add(one[largest] >= next_one[largest])
        self._hint()
        self.busiest = [self._busiest(level) for level in range(int(shares.level.max()) + 1)]

    def _fit(self, failed: Sequence[Counts]) -> None:
        """Blocks have room by their cells, and of some size there are fewer than in what has none."""
        shares, model = self.shares, self.model
        cells = (shares.sizes.height * shares.sizes.width).tolist()
        for count in self.count:
            model.add(LinearExpr.weighted_sum(count, cells) <= shares.kind.rows * shares.kind.columns)
            for counts in failed:
                fewer = []
                for variable, most in zip(count, counts, strict=True):
                    if most:
                        fewer.append(model.new_bool_var(""))
                        model.add(variable < most).only_enforce_if(fewer[-1])
                model.add_bool_or(fewer)

    def _hint(self) -> None:
        """Deal the blocks out like cards, one class after another."""
        dealt, arrays = 0, len(self.tile)
        for c, number in enumerate(self.shares.number.tolist()):
            for a in range(arrays):
                self.model.add_hint(self.number[(dealt + a) % arrays][c], (number - a + arrays - 1) // arrays)
            dealt += number

    def _busiest(self, level: int) -> IntVar:
        """Cycles that the busiest tile takes for a level, every block read alone."""
        shares, model = self.shares, self.model
        mine = np.flatnonzero(shares.level == level).tolist()
        cycles = shares.cycles[mine].tolist()
        total = int(shares.number[mine] @ shares.cycles[mine])
        tiles = sorted(set(self.tile))
        whole = -(-int(shares.number[mine].sum()) // len(tiles)) * min(cycles)
        busiest = model.new_int_var(max(whole, -(-total // len(tiles))), total, "")
        for tile in tiles:
            arrays = [numbers for numbers, its in zip(self.number, self.tile, strict=True) if its == tile]
            busy = [LinearExpr.weighted_sum([numbers[c] for c in mine], cycles) for numbers in arrays]
            model.add(LinearExpr.sum(busy) <= busiest)
        return busiest

    def solve(self, cycles: int | None, budget: Budget, seed: int) -> IntArray | None:
        """Numbers with the least sum of cycles; or the most even ones with no more than these."""
        model, sizes = self.model, self.shares.sizes
        if cycles is None:
            model.minimize(LinearExpr.sum(self.busiest))
        else:
            model.add(LinearExpr.sum(self.busiest) <= cycles)
            spread = []
            for s, most in enumerate(sizes.count.tolist()):
                low, high = (model.new_int_var(0, most, "") for _ in range(2))
                for count in self.count:
                    model.add(count[s] >= low)
                    model.add(count[s] <= high)
                spread.append(high - low)
            model.minimize(LinearExpr.sum(spread))
        solver, status = solved(model, None, budget, _SECONDS, seed)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        return np.array([[solver.value(one) for one in numbers] for numbers in self.number], dtype=np.int64)

    def cycles_of(self, numbers: IntArray) -> int:
        """The sum of the levels' busiest tiles."""
        shares = self.shares
        busy = np.zeros((len(self.busiest), max(self.tile) + 1), dtype=np.int64)
        np.add.at(busy, (shares.level[None, :], np.array(self.tile)[:, None]), numbers * shares.cycles)
        return int(busy.max(axis=1).sum())

    def counts_of(self, numbers: IntArray) -> list[Counts]:
        """For each array how many blocks of each size it holds."""
        result = np.zeros((len(numbers), len(self.shares.sizes.count)), dtype=np.int64)
        np.add.at(result, (slice(None), self.shares.size), numbers)
        return [tuple(counts) for counts in result.tolist()]


def shared(
    blocks: Blocks, arrays: Sequence[int], budget: Budget, seed: int
) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    """Array, row and column of every block on these arrays without faults, if such numbers are found."""
    tiers = blocks.hardware.arrays[0].tiers
    tile = np.unique(np.array(arrays) // tiers, return_inverse=True)[1].tolist()
    sharing = Sharing(blocks, tile, budget, seed)
    result = sharing.search()
    if result is None:
        return
    numbers, places = result
    array, row, column = (np.zeros(len(blocks), dtype=np.int64) for _ in range(3))
    waiting = [np.flatnonzero(sharing.shares.of_block == c).tolist() for c in range(numbers.shape[1])]
    for number, (mine, free) in enumerate(zip(numbers.tolist(), places, strict=True)):
        free = sorted(free, reverse=True)
        for c, count in enumerate(mine):
            for _ in range(count):
                block = waiting[c].pop()
                at = next(i for i in range(len(free) - 1, -1, -1) if free[i][0] == sharing.shares.size[c])
                array[block] = arrays[number]
                _, row[block], column[block] = free.pop(at)
    yield array, row, column
