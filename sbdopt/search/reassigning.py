"""The places of a placement given to other blocks of the same sizes, in bands where that helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import FloatArray, IntArray
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.bands import BandClasses
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.greedy import finished
from sbdopt.search.method import Finding
from sbdopt.search.packing import Sizes
from sbdopt.search.sharing import are_few_numbers

_SECONDS, _SHARE = 5.0, 0.3
"""The search for numbers takes at most so many seconds, and that part of the time that is left."""
_NODES = 2000
"""Nodes of that search at most, which alone limit it where work is limited."""
_WORK = 1e-4
"""Units of work for a number."""

_Limits = IntArray | FloatArray


@dataclass(frozen=True, eq=False)
class Spots:
    """The places of a placement, whatever stands there: place b is where it puts block b."""

    size: IntArray
    """A number for the size of each place, and so for that of each block."""
    array: IntArray
    """Of each place, from 0 without gaps, over all kinds."""
    row: IntArray
    """Of each place."""
    kind: IntArray
    """Of each array."""
    tile: IntArray
    """Of each array."""
    count: IntArray
    """How many places of each size (columns) each array (rows) has."""

    @classmethod
    def of(cls, blocks: Blocks, placement: Placement) -> Spots:
        """Those of a placement, its arrays numbered from 0."""
        size = Sizes.of(blocks).of_block
        where = np.stack([placement.kind, placement.array])
        (kind, number), array = np.unique(where, axis=1, return_inverse=True)
        array = array.reshape(-1)
        tiers = np.array([one.tiers for one in blocks.hardware.arrays])
        _, tile = np.unique(np.stack([kind, number // tiers[kind]]), axis=1, return_inverse=True)
        count = np.zeros((len(kind), int(size.max()) + 1), dtype=np.int64)
        np.add.at(count, (array, size), 1)
        return cls(size, array, placement.row, kind, tile.reshape(-1), count)

    def rows_of(self, a: int) -> dict[int, list[int]]:
        """The places on an array, by the row that they begin at."""
        result: dict[int, list[int]] = {}
        for place in np.flatnonzero(self.array == a).tolist():
            result.setdefault(int(self.row[place]), []).append(place)
        return result


def can_be_reassigned(blocks: Blocks, goals: Goals, start: Placement | None) -> bool:
    """Whether that may help: time counts, no block is to stay where it is, and numbers are not too many."""
    if start is None or "makespan" not in (*goals, *goals.limits) or blocks.standing is not None:
        return False
    return are_few_numbers(blocks, start)


def reassign(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Every level shared out as evenly as the places of the start permit.

    Sought are the bands into which groups are divided, and how many of each class each array takes, so that
    all its places are taken. Then those of a band take places that begin at the same row, if there are some.
    """
    del seed
    if start is None or not can_be_reassigned(blocks, goals, start) or budget.is_short:
        return
    spots = Spots.of(blocks, start)
    classes = BandClasses.of(blocks, spots.size)
    found = _Model(spots, classes).solve(budget)
    if found is not None:
        place = _placed(spots, classes, *found)
        there = Places(start.kind[place], start.array[place], start.row[place], start.column[place])
        yield finished(blocks, there, budget)


def _placed(spots: Spots, classes: BandClasses, numbers: IntArray, divided: Sequence[IntArray]) -> IntArray:
    """The place of each block, if arrays take so many bands, and so many groups are divided in each way."""
    waiting: list[list[list[int]]] = [[] for _ in classes.level]
    for f, family in enumerate(classes.families):
        ways = np.repeat(np.arange(len(divided[f])), divided[f]).tolist()
        for group, way in zip(family.groups, ways, strict=True):
            for piece, c in zip(family.divisions[way], classes.of_division[f][way], strict=True):
                waiting[c].append(group[piece])
    place = np.zeros(len(spots.size), dtype=np.int64)
    for a, mine in enumerate(numbers.tolist()):
        chosen = [waiting[c].pop() for c, count in enumerate(mine) for _ in range(count)]
        for block, where in _assigned(chosen, spots.size, spots.rows_of(a)):
            place[block] = where
    return place


class _Model:
    """Numbers of bands as integers: all blocks stand somewhere, all places are taken.

    Columns are the numbers, array by array and class by class; then for each family and division how many
    groups are divided that way; then the cycles of each level. Their sum is made as small as can be.
    """

    def __init__(self, spots: Spots, classes: BandClasses) -> None:
        self.spots, self.classes = spots, classes
        self.shape = len(spots.kind), len(classes.level)
        self.ways = [len(ways) for ways in classes.of_division]
        self.numbers, self.levels = len(spots.kind) * len(classes.level), int(classes.level.max()) + 1
        self.columns = self.numbers + sum(self.ways) + self.levels
        self.entries: list[tuple[IntArray, IntArray, IntArray]] = []
        self.least: list[FloatArray] = []
        self.most: list[FloatArray] = []
        self._divide()
        self._take_all_places()
        self._share_out()

    def _add(self, row: IntArray, column: IntArray, value: IntArray, least: _Limits, most: _Limits) -> None:
        """Rows of the model, numbered from 0."""
        self.entries.append((row + sum(map(len, self.least)), column, value))
        self.least.append(least.astype(np.float64))
        self.most.append(most.astype(np.float64))

    def _divide(self) -> None:
        """All groups are divided somehow, and there are as many bands of each class as that makes."""
        families = np.repeat(np.arange(len(self.ways)), self.ways)
        columns = self.numbers + np.arange(len(families))
        groups = np.array([len(family.groups) for family in self.classes.families])
        self._add(families, columns, np.ones_like(columns), groups, groups)
        made = [
            (c, self.numbers + way)
            for way, bands in enumerate(bands for ways in self.classes.of_division for bands in ways)
            for c in bands
        ]
        of_class, way = np.array(made, dtype=np.int64).T
        number = np.arange(self.numbers)
        row, column = np.concatenate([number % self.shape[1], of_class]), np.concatenate([number, way])
        value = np.repeat([1, -1], [len(number), len(way)])
        self._add(row, column, value, *np.zeros((2, self.shape[1]), dtype=np.int64))

    def _take_all_places(self) -> None:
        """On each array and for each size."""
        count, parts = self.spots.count, self.classes.parts
        c, size = np.nonzero(parts)
        a = np.arange(self.shape[0])[:, None]
        row, column = a * count.shape[1] + size, a * self.shape[1] + c
        value = np.broadcast_to(parts[c, size], row.shape)
        self._add(
            row.reshape(-1), column.reshape(-1), value.reshape(-1), count.reshape(-1), count.reshape(-1)
        )

    def _share_out(self) -> None:
        """No tile is busy with a level for longer than the level takes."""
        number = np.arange(self.numbers)
        a, c = np.divmod(number, self.shape[1])
        busy = self.spots.tile[a] * self.levels + self.classes.level[c]
        waits = np.arange((int(self.spots.tile.max()) + 1) * self.levels)
        over = self.columns - self.levels + waits % self.levels
        fits = (self.classes.parts[c] <= self.spots.count[a]).all(axis=1)  # else the number is 0 anyway
        cycles = np.where(fits, self.classes.cycles[self.spots.kind[a], c], 0)
        row, column = np.concatenate([busy, waits]), np.concatenate([number, over])
        value = np.concatenate([cycles, np.full(len(waits), -1)])
        self._add(row, column, value, np.full(len(waits), -np.inf), np.zeros(len(waits)))

    def solve(self, budget: Budget) -> tuple[IntArray, list[IntArray]] | None:
        """Numbers of bands on each array, and of groups of each family divided in each way, if found."""
        from scipy.optimize import Bounds, LinearConstraint, milp  # takes long to import
        from scipy.sparse import csr_array

        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        least, most = np.concatenate(self.least), np.concatenate(self.most)
        options: dict[str, float] = {"node_limit": _NODES}
        if budget.work is None:
            options["time_limit"] = min(_SECONDS, _SHARE * budget.remaining)
        budget.spent += _WORK * self.columns
        matrix = csr_array((value, (row, column)), shape=(len(least), self.columns))
        result = milp(
            np.arange(self.columns) >= self.columns - self.levels,
            constraints=LinearConstraint(matrix, least, most),
            integrality=np.ones(self.columns),
            bounds=Bounds(0, np.inf),
            options=options,
        )
        if result.x is None:
            return None
        x = np.round(result.x).astype(np.int64)
        ways = np.split(x[self.numbers : -self.levels], np.cumsum(self.ways)[:-1])
        return x[: self.numbers].reshape(self.shape), ways


def _assigned(
    bands: Sequence[Sequence[int]], size: IntArray, rows: dict[int, list[int]]
) -> Iterator[tuple[int, int]]:
    """A place of its size for each block, those of a band on the same row if there are such places.

    The largest bands come first, each on the row with the fewest places that suffice.
    """
    for band in sorted(bands, key=len, reverse=True):
        wanted = Counter(size[list(band)].tolist())
        fitting = [row for row, mine in rows.items() if Counter(size[mine].tolist()) >= wanted]
        chosen = min(fitting, key=lambda row: len(rows[row]), default=None)
        for block in band:
            there = rows if chosen is None else {chosen: rows[chosen]}
            row, place = next(
                (row, place) for row, mine in there.items() for place in mine if size[place] == size[block]
            )
            rows[row].remove(place)
            yield block, place
