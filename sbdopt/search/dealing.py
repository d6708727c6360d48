"""Give the places of filled arrays to blocks, so that what runs together stands on different tiles."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.search.packing import Filling, Sizes
from sbdopt.timing import NEVER, block_cycles, operator_cycles, tails


@dataclass(frozen=True, eq=False)
class Places:
    """Where every block stands: a placement without the times."""

    kind: IntArray
    array: IntArray
    row: IntArray
    column: IntArray

    @classmethod
    def empty(cls, count: int) -> Places:
        """Room for so many blocks."""
        return cls(*(np.zeros(count, dtype=np.int64) for _ in range(4)))


@dataclass(frozen=True, eq=False)
class Plan:
    """When operators run if nothing stands in their way and none starts before it must."""

    order: IntArray
    """The operators by their latest start."""
    start: IntArray
    end: IntArray

    @classmethod
    def of(cls, blocks: Blocks) -> Plan:
        """The latest times that keep the critical path."""
        cycles = operator_cycles(blocks)
        end = -tails(blocks, cycles)
        start = end - cycles
        return cls(np.argsort(start, kind="stable"), start, end)


def deal(blocks: Blocks, sizes: Sizes, fillings: Sequence[Filling], plan: Plan) -> Places:
    """Operators take places in the order in which they run, each block on a tile that is least busy then.

    A tile is busy with the blocks of operators that the plan still runs when the next one begins. Of tiles
    equally busy those with most places left are taken, so that they do not run out unevenly.
    """
    places = Places.empty(len(blocks))
    tables = _tables(len(sizes.count), fillings)
    kind_of = np.array([filling.kind for filling in fillings], dtype=np.int64)
    array_of = np.array([filling.array for filling in fillings], dtype=np.int64)
    tiers = np.array([kind.tiers for kind in blocks.hardware.arrays], dtype=np.int64)
    tiles = np.stack([kind_of, array_of // tiers[kind_of]])
    tile_of = np.unique(tiles, axis=1, return_inverse=True)[1].reshape(-1)
    busy = np.zeros(int(tile_of.max(initial=-1)) + 1, dtype=np.int64)
    cycles = block_cycles(blocks)
    cycles[cycles == NEVER] = 0
    running: list[tuple[int, int, IntArray, IntArray]] = []
    for number, operator in enumerate(plan.order.tolist()):
        while running and running[0][0] <= plan.start[operator]:
            _, _, tile, spent = heapq.heappop(running)
            np.subtract.at(busy, tile, spent)
        mine = np.arange(blocks.first[operator], blocks.first[operator + 1])
        if not len(mine):
            continue
        filling = np.zeros(len(mine), dtype=np.int64)
        slowest_first = np.argsort(-cycles[:, mine].max(axis=0), kind="stable")
        for size in dict.fromkeys(sizes.of_block[mine[slowest_first]].tolist()):
            chosen = np.flatnonzero(sizes.of_block[mine] == size)
            filling[chosen] = tables[size].take(mine[chosen], places, busy, tile_of, kind_of, cycles)
        places.kind[mine], places.array[mine] = kind_of[filling], array_of[filling]
        spent = cycles[kind_of[filling], mine]
        heapq.heappush(running, (int(plan.end[operator]), number, tile_of[filling], spent))
    return places


def _tables(sizes: int, fillings: Sequence[Filling]) -> list[_Table]:
    """A table for each size; fillings with the same places are looked through once."""
    of_pattern: dict[int, dict[int, list[tuple[int, int]]]] = {}
    entries: list[list[tuple[int, list[tuple[int, int]]]]] = [[] for _ in range(sizes)]
    for number, filling in enumerate(fillings):
        if id(filling.places) not in of_pattern:
            by_size = of_pattern[id(filling.places)] = {}
            for size, row, column in filling.places:
                by_size.setdefault(size, []).append((row, column))
        for size, places in of_pattern[id(filling.places)].items():
            entries[size].append((number, places))
    return [_Table(mine) for mine in entries]


class _Table:
    """The places of one size, by filling."""

    def __init__(self, entries: Sequence[tuple[int, list[tuple[int, int]]]]) -> None:
        """`entries` are numbers of fillings, and the places of the size on each."""
        self.filling = np.array([number for number, _ in entries], dtype=np.int64)
        self.places = [places for _, places in entries]
        self.left = np.array([len(places) for places in self.places], dtype=np.int64)

    def take(
        self,
        wanted: IntArray,
        places: Places,
        busy: IntArray,
        tile_of: IntArray,
        kind_of: IntArray,
        cycles: IntArray,
    ) -> IntArray:
        """Give places to these blocks; returns the filling of each. `busy` grows by what they take."""
        result = np.zeros(len(wanted), dtype=np.int64)
        done = 0
        while done < len(wanted):
            entries = np.flatnonzero(self.left)
            tile = tile_of[self.filling[entries]]
            entries = entries[np.lexsort((entries, -self.left[entries], busy[tile]))]
            _, first = np.unique(tile_of[self.filling[entries]], return_index=True)
            entries = entries[np.sort(first)][: len(wanted) - done]
            for entry in entries.tolist():
                block = int(wanted[done])
                self.left[entry] -= 1
                places.row[block], places.column[block] = self.places[entry][self.left[entry]]
                filling = int(self.filling[entry])
                busy[tile_of[filling]] += cycles[kind_of[filling], block]
                result[done] = filling
                done += 1
        return result
