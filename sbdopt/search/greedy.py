"""Constructions: fill arrays and deal their places out, or spread what runs together; then schedule."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds
from sbdopt.documents import BoolArray, IntArray
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places, Plan, deal
from sbdopt.search.joining import join
from sbdopt.search.method import Finding, Found
from sbdopt.search.packing import Filling, FreeSpace, Rectangle, Sizes, Stock, fill
from sbdopt.search.schedule import make_steps, schedule
from sbdopt.search.score import score
from sbdopt.search.widening import most_arrays, widened
from sbdopt.timing import NEVER, block_cycles

_MANY = 4000


def greedy(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Several constructions, the one that suits the first goal best first; deterministic.

    Never fails where room is unlimited.
    """
    del seed, start
    plan = Plan.of(blocks)
    if goals.limits:
        yield from _within_limits(blocks, goals, budget, plan)
        return
    packed = _packed(blocks, budget, plan)
    if goals.cells_first:
        first = next(packed, None)
        if first is not None:
            yield first
            yield from packed
            return
    elif len(blocks) > _MANY:  # dealing takes little where sizes are few, and may be all that is needed
        yield from islice(packed, 1)
    places = _spread(blocks, plan, budget, _patience(blocks, goals))
    if places is not None:
        yield finished(blocks, places, budget)
    if not budget.used_up:
        yield from packed


def finished(blocks: Blocks, places: Places, budget: Budget) -> Found:
    """Blocks with a place, read together where that helps, and scheduled."""
    group = join(blocks, places, budget)
    steps = make_steps(blocks, places.kind, places.array, places.column, group)
    begin = schedule(blocks, steps)
    return Found(Placement(places.kind, places.array, places.row, places.column, begin))


def _within_limits(blocks: Blocks, goals: Goals, budget: Budget, plan: Plan) -> Iterator[Finding]:
    """Constructions from the fewest arrays to as many as the limits allow, spread over them."""
    sizes, most = Sizes.of(blocks), most_arrays(blocks, goals)

    def build(fillings: Sequence[Filling]) -> Found:
        return finished(blocks, deal(blocks, sizes, fillings, plan), budget)

    fewest: Sequence[Filling] = ()
    enough = False
    for fewest in _fillings(blocks, budget):
        found = build(fewest)
        yield found
        enough = goals.cells_first and goals.allow(score(blocks, found.placement))
    if enough or budget.used_up:
        return
    places = _spread(blocks, plan, budget, _patience(blocks, goals), most)
    if places is not None:
        yield finished(blocks, places, budget)
    for found in widened(blocks, goals, fewest, most, build) if fewest else ():
        yield found
        if budget.used_up:
            return


def _packed(blocks: Blocks, budget: Budget, plan: Plan) -> Iterator[Finding]:
    """Every filling that needs fewer cells than those before, dealt out."""
    for fillings in _fillings(blocks, budget):
        yield finished(blocks, deal(blocks, Sizes.of(blocks), fillings, plan), budget)


def _fillings(blocks: Blocks, budget: Budget) -> Iterator[Sequence[Filling]]:
    """Arrays filled in several orders of the sizes, whenever that needs fewer cells than before.

    Another order is tried only if there is time for as long as the last one took.
    """
    sizes = Sizes.of(blocks)
    kinds = blocks.hardware.arrays
    fewest: int | None = None
    for order in orders(sizes):
        before = budget.elapsed
        fillings = fill(kinds, sizes, order, budget)
        if fillings is not None:
            cells = sum(kinds[filling.kind].rows * kinds[filling.kind].columns for filling in fillings)
            if fewest is None or cells < fewest:
                fewest = cells
                yield fillings
        if budget.used_up or budget.remaining < budget.elapsed - before:
            return


def orders(sizes: Sizes) -> Iterator[Sequence[int]]:
    """Sizes from large to small: by area, height, width, longer side, perimeter."""
    height, width = sizes.height, sizes.width
    area = height * width
    seen = set()
    for key in (area, height, width, np.maximum(height, width), height + width):
        order = np.lexsort((-height, -area, -key)).tolist()
        if tuple(order) not in seen:
            seen.add(tuple(order))
            yield order


def _patience(blocks: Blocks, goals: Goals) -> int | None:
    """Cycles that a tile may be busy in all, if the interval is what counts; else None."""
    if goals[0] != "interval":
        return None
    return max(bound.value for bound in lower_bounds(blocks, "interval", {}))


def _spread(
    blocks: Blocks, plan: Plan, budget: Budget, patience: int | None, most: int | None = None
) -> Places | None:
    """Operators take room in the order in which they run, no two blocks that run together on one tile.

    A block goes to the fullest array with room whose tile is idle while its operator runs (or, with
    patience, busy for at most so many cycles in all), else to a new array, of which there are at most
    `most`, else where least is going on. None if there is no room at all, or no time.
    """
    arrays = OpenArrays(blocks, len(blocks) if most is None else most)
    places = Places.empty(len(blocks))
    cycles = block_cycles(blocks)
    running: list[tuple[int, int, int, int]] = []
    for operator in plan.order.tolist():
        if budget.used_up:
            return None
        while patience is None and running and running[0][0] <= plan.start[operator]:
            _, _, tile, spent = heapq.heappop(running)
            arrays.busy[tile] -= spent
        mine = np.arange(blocks.first[operator], blocks.first[operator + 1])
        largest_first = mine[np.argsort(-(blocks.height * blocks.columns)[mine], kind="stable")]
        for block in largest_first.tolist():
            array = arrays.place(block, cycles[:, block], 0 if patience is None else patience, places)
            if array is None:
                return None
            spent = int(cycles[places.kind[block], block])
            arrays.busy[arrays.tile[array]] += spent
            heapq.heappush(running, (int(plan.end[operator]), block, int(arrays.tile[array]), spent))
    return places


class OpenArrays:
    """Arrays that hold something, with their free space and how busy their tiles are."""

    def __init__(self, blocks: Blocks, most: int, *, thrifty: bool = False) -> None:
        """At most `most` arrays are opened; if `thrifty`, only for what finds no room otherwise."""
        self.blocks, self.most, self.thrifty = blocks, most, thrifty
        self.stock = [Stock(kind, len(blocks)) for kind in blocks.hardware.arrays]
        self.space: dict[int, FreeSpace] = {}
        self._held: dict[int, list[Rectangle]] = {}
        """What is not free on an array on which nothing was tried yet."""
        self.where: list[tuple[int, int]] = []
        self.kind, self.tile, self.free, self.busy = (np.zeros(0, dtype=np.int64) for _ in range(4))
        """Of each open array its kind, the number of its tile and its free cells; how busy each tile is."""
        self._faults: dict[tuple[int, int], list[Rectangle]] = {}
        for number, kind in enumerate(blocks.hardware.arrays):
            for array, row, column, height, width in kind.faults:
                self._faults.setdefault((number, array), []).append((row, column, height, width))
        self._numbers: dict[tuple[int, int], int] = {}
        self._tiles: dict[tuple[int, int], int] = {}
        self._failed: set[tuple[int, int, int]] = set()

    def place(self, block: int, cycles: IntArray, patience: int, places: Places) -> int | None:
        """Find room for a block; returns the number of the open array, or None."""
        height, width = int(self.blocks.height[block]), int(self.blocks.columns[block])
        roomy = np.flatnonzero(self.free >= height * width)
        busy = self.busy[self.tile[roomy]]
        is_calm = (busy == 0) | (busy + np.minimum(cycles[self.kind[roomy]], patience + 1) <= patience)
        for calm in (True, False):
            mine = roomy[is_calm == calm]
            waits = np.zeros_like(mine) if calm else busy[~is_calm]
            for array in mine[np.lexsort((self.free[mine], waits))].tolist():
                if self._put(array, block, height, width, places):
                    return int(array)
            while calm != self.thrifty and (opened := self._open(cycles)) is not None:
                if self._put(opened, block, height, width, places):
                    return opened
        return None

    def occupy(self, places: Places, some: BoolArray) -> None:
        """Open the arrays that some blocks stand on, and keep the room of these blocks."""
        blocks = self.blocks
        for block in np.flatnonzero(some).tolist():
            where = int(places.kind[block]), int(places.array[block])
            number = self._numbers[where] if where in self._numbers else self._add(*where)
            height, width = int(blocks.height[block]), int(blocks.columns[block])
            self._held[number].append((int(places.row[block]), int(places.column[block]), height, width))
            self.free[number] -= height * width

    def tiles_of(self, places: Places, some: IntArray) -> IntArray:
        """The number of the tile of each of some blocks that stand on open arrays."""
        pairs = zip(places.kind[some].tolist(), places.array[some].tolist(), strict=True)
        return np.array([self.tile[self._numbers[where]] for where in pairs], dtype=np.int64)

    def _put(self, array: int, block: int, height: int, width: int, places: Places) -> bool:
        if (array, height, width) in self._failed:
            return False
        if array not in self.space:
            kind = self.blocks.hardware.arrays[self.where[array][0]]
            self.space[array] = FreeSpace(kind.rows, kind.columns, self._held.pop(array))
        place = self.space[array].find(height, width)
        if place is None:
            self._failed.add((array, height, width))
            return False
        self.space[array].take(*place, height, width)
        self.free[array] -= height * width
        places.kind[block], places.array[block] = self.where[array]
        places.row[block], places.column[block] = place
        return True

    def _open(self, cycles: IntArray) -> int | None:
        """A new array of the fastest kind that takes the block, the smallest of these."""
        kinds = self.blocks.hardware.arrays
        while len(self.where) < self.most:
            fitting = [
                (int(cycles[k]), kind.cells, k)
                for k, kind in enumerate(kinds)
                if cycles[k] != NEVER and not self.stock[k].empty
            ]
            if not fitting:
                return None
            number = min(fitting)[2]
            array = self.stock[number].take(1)[0]
            if (number, array) not in self._numbers:
                return self._add(number, array)
        return None

    def _add(self, number: int, array: int) -> int:
        kind = self.blocks.hardware.arrays[number]
        opened = self._numbers[number, array] = len(self.where)
        self._held[opened] = [*self._faults.get((number, array), ())]
        self.where.append((number, array))
        self.free = np.append(self.free, kind.cells)
        tile = self._tiles.setdefault((number, array // kind.tiers), len(self._tiles))
        if tile == len(self.busy):
            self.busy = np.append(self.busy, 0)
        self.kind, self.tile = np.append(self.kind, number), np.append(self.tile, tile)
        return opened
