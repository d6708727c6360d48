"""All placements and schedules of a few small blocks on tiny arrays: what is possible, and nothing clever.

It shares nothing with sbdopt.search, sbdopt.bounds or sbdopt.timing. Three things are tried one by one: the
arrays that blocks stand on, the cells that they take on one array, and the steps in which each array is read.
Of the cells only this matters: which of its blocks can be read together, and how long that takes. For each
set of blocks on an array that is worked out for all places at once, with numpy. What cannot be told apart is
tried once; what is at least as slow in every step as something else is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations, product

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement
from sbdopt.problem import Problem

VALUES = ("unused_cells", "arrays", "makespan", "interval")
NOT_LEGAL = 1 << 40
"""Duration of a step that breaks a rule."""

Fault = tuple[int, int, int, int]
Members = tuple[int, ...]
Step = tuple[Members, int, int]
"""Its blocks, its tile, its duration."""


@dataclass(frozen=True)
class Stand:
    """A way to put some blocks on one array: where they are, and how long each legal step of them takes."""

    row: tuple[int, ...]
    column: tuple[int, ...]
    cycles: dict[Members, int]


@dataclass(frozen=True)
class Best:
    """Values that no placement beats in every goal at once, and a placement that has them."""

    values: dict[str, int]
    placement: Placement


def best(found: list[Best], goals: tuple[str, ...]) -> Best:
    """The lexicographically best, the first goal first."""
    return min(found, key=lambda one: tuple(one.values[goal] for goal in goals))


def front(problem: Problem) -> list[Best]:
    """One placement for each combination of values that no other has or beats; empty if nothing is legal."""
    return _Search(problem).front()


class _Search:
    def __init__(self, problem: Problem) -> None:
        self.blocks = Blocks.of(problem)
        self.kinds = problem.hardware.arrays
        self.stands = lru_cache(maxsize=None)(self._stands)
        self.shortest = lru_cache(maxsize=None)(lambda steps: shortest_schedule(self.blocks, steps))

    def front(self) -> list[Best]:
        found: dict[tuple[int, ...], Best] = {}
        for groups, arrays in self.assignments():
            cells = sum(self.kinds[kind].rows * self.kinds[kind].columns for kind, _ in arrays)
            unused = cells - self.blocks.cells
            tiles = [(kind, array // self.kinds[kind].tiers) for kind, array in arrays]
            tile = [tiles.index(one) for one in tiles]
            options = [
                self.stands(kind, self.faults(kind, array), members)
                for members, (kind, array) in zip(groups, arrays, strict=True)
            ]
            for stands in product(*options):
                for steps in readings(groups, stands, tile):
                    load = [0] * len(tile)
                    for _, on, cycles in steps:
                        load[on] += cycles
                    makespan, start = self.shortest(tuple(sorted(steps)))
                    if start is None:
                        continue
                    values = (unused, len(arrays), makespan, max(load, default=0))
                    if any(all(a <= b for a, b in zip(other, values, strict=True)) for other in found):
                        continue
                    placement = self.placement(groups, arrays, stands, dict(start))
                    named = dict(zip(VALUES, values, strict=True))
                    found[values] = Best(named, placement)
        kept = [
            values
            for values in found
            if not any(
                other != values and all(a <= b for a, b in zip(other, values, strict=True)) for other in found
            )
        ]
        return [found[values] for values in kept]

    def placement(
        self,
        groups: tuple[Members, ...],
        arrays: tuple[tuple[int, int], ...],
        stands: tuple[Stand, ...],
        start: dict[int, int],
    ) -> Placement:
        table = np.zeros((5, len(self.blocks)), dtype=np.int64)
        for members, where, stand in zip(groups, arrays, stands, strict=True):
            for block, row, column in zip(members, stand.row, stand.column, strict=True):
                table[:, block] = (*where, row, column, start[block])
        return Placement(*table)

    def faults(self, kind: int, array: int) -> tuple[Fault, ...]:
        return tuple(tuple(fault[1:]) for fault in self.kinds[kind].faults if fault[0] == array)

    def assignments(self) -> Iterator[tuple[tuple[Members, ...], tuple[tuple[int, int], ...]]]:
        """Blocks in groups, and an array for each; of those that differ only in names of arrays one."""
        count = len(self.blocks)
        all_arrays = [
            (number, array)
            for number, kind in enumerate(self.kinds)
            for array in range(self.arrays_enough(number) if kind.count is None else kind.count)
        ]
        for groups in partitions(tuple(range(count))):
            chosen: list[tuple[tuple[int, int], ...]] = [()]
            for members in groups:
                alike = {}
                for before in chosen:
                    for where in all_arrays:
                        if where not in before and self.stands(where[0], self.faults(*where), members):
                            alike.setdefault(self.name_free((*before, where)), (*before, where))
                chosen = list(alike.values())
            for arrays in chosen:
                yield groups, arrays

    def arrays_enough(self, kind: int) -> int:
        """Of arrays without limit: a tile without faults for each block, beyond all that have faults."""
        tiers = self.kinds[kind].tiers
        with_faults = max((fault[0] + 1 for fault in self.kinds[kind].faults), default=0)
        return (-(-with_faults // tiers) + len(self.blocks)) * tiers

    def name_free(self, arrays: tuple[tuple[int, int], ...]) -> tuple[object, ...]:
        """What is left of arrays without their numbers: kinds, faults, and which share a tile.

        A tile also counts by the faults of its arrays, since later blocks may stand there.
        """
        tiles = [(kind, array // self.kinds[kind].tiers) for kind, array in arrays]
        return tuple(
            (kind, self.faults(kind, array), tiles.index(tile), self.tile_faults(*tile))
            for (kind, array), tile in zip(arrays, tiles, strict=True)
        )

    def tile_faults(self, kind: int, tile: int) -> tuple[object, ...]:
        tiers, count = self.kinds[kind].tiers, self.kinds[kind].count
        end = (tile + 1) * tiers if count is None else min((tile + 1) * tiers, count)
        return tuple(sorted(self.faults(kind, array) for array in range(tile * tiers, end)))

    def _stands(self, kind: int, faults: tuple[Fault, ...], members: Members) -> list[Stand]:
        rows, columns = all_places(self.blocks, kind, faults, members)
        if not len(rows):
            return []
        steps = [step for size in range(len(members)) for step in combinations(members, size + 1)]
        cycles = np.stack(
            [duration(self.blocks, kind, faults, members, rows, columns, step) for step in steps], axis=1
        )
        number = np.zeros(len(cycles), dtype=np.int64)
        for column in cycles.T:
            values, place = np.unique(column, return_inverse=True)
            _, number = np.unique(number * len(values) + place.reshape(-1), return_inverse=True)
        first = np.unique(number, return_index=True)[1]
        different = cycles[first]
        slower = (different[:, None] >= different).all(axis=2) & (different[:, None] > different).any(axis=2)
        return [
            Stand(
                tuple(rows[place].tolist()),
                tuple(columns[place].tolist()),
                {step: c for step, c in zip(steps, cycles[place].tolist(), strict=True) if c < NOT_LEGAL},
            )
            for place in first[~slower.any(axis=1)].tolist()
        ]


def partitions(members: Members) -> Iterator[tuple[Members, ...]]:
    """All ways to part a set."""
    if not members:
        yield ()
        return
    first, rest = members[0], members[1:]
    for size in range(len(rest) + 1):
        for others in combinations(rest, size):
            left = tuple(one for one in rest if one not in others)
            for parts in partitions(left):
                yield ((first, *others), *parts)


def readings(
    groups: tuple[Members, ...], stands: tuple[Stand, ...], tile: list[int]
) -> Iterator[tuple[Step, ...]]:
    """All ways to part the blocks of every array into legal steps."""
    options = [
        [
            [(step, on, stand.cycles[step]) for step in parts]
            for parts in partitions(members)
            if all(step in stand.cycles for step in parts)
        ]
        for members, stand, on in zip(groups, stands, tile, strict=True)
    ]
    for chosen in product(*options):
        yield tuple(step for steps in chosen for step in steps)


def all_places(
    blocks: Blocks, kind: int, faults: tuple[Fault, ...], members: Members
) -> tuple[IntArray, IntArray]:
    """Rows and columns of the members, an entry for each way to put them on an array without overlap."""
    hardware_kind = blocks.hardware.arrays[kind]
    rows = columns = np.zeros((1, 0), dtype=np.int64)
    for member in members:
        height, width = int(blocks.height[member]), int(blocks.columns[member])
        places = [
            (row, column)
            for row in range(hardware_kind.rows - height + 1)
            for column in range(hardware_kind.columns - width + 1)
            if not any(
                row < r + h and r < row + height and column < c + w and c < column + width
                for r, c, h, w in faults
            )
        ]
        place = np.array(places, dtype=np.int64).reshape(-1, 2)
        before = np.repeat(np.arange(len(rows)), len(place))
        again = np.tile(place, (len(rows), 1))
        rows = np.column_stack([rows[before], again[:, 0]])
        columns = np.column_stack([columns[before], again[:, 1]])
        apart = np.ones(len(rows), dtype=bool)
        for earlier, other in enumerate(members[: rows.shape[1] - 1]):
            overlap = _meet(rows[:, earlier], blocks.height[other], rows[:, -1], height)
            overlap &= _meet(columns[:, earlier], blocks.columns[other], columns[:, -1], width)
            apart &= ~overlap
        rows, columns = rows[apart], columns[apart]
    return rows, columns


def _meet(begin: IntArray, size: int, other: IntArray | int, other_size: int) -> np.ndarray:
    return (begin < other + other_size) & (other < begin + size)


def duration(
    blocks: Blocks,
    kind: int,
    faults: tuple[Fault, ...],
    members: Members,
    rows: IntArray,
    columns: IntArray,
    step: Members,
) -> IntArray:
    """Cycles of a step of some of the members in each of these places; NOT_LEGAL where it breaks a rule."""
    hardware = blocks.hardware
    row, column = dict(zip(members, rows.T, strict=True)), dict(zip(members, columns.T, strict=True))
    legal = np.ones(len(rows), dtype=bool)
    for i, j in combinations(step, 2):
        share_row = _meet(row[i], blocks.height[i], row[j], blocks.height[j])
        agree = row[i] - blocks.input[i] == row[j] - blocks.input[j]
        legal &= ~share_row | (agree & (blocks.vector[i] == blocks.vector[j]))
        share_column = _meet(column[i], blocks.columns[i], column[j], blocks.columns[j])
        outputs = (blocks.output[i] - blocks.output[j]) * hardware.columns_per_weight
        legal &= ~share_column | (
            (column[i] - column[j] == outputs) & (blocks.operator[i] == blocks.operator[j])
        )
    others = [
        (row[k], column[k], int(blocks.height[k]), int(blocks.columns[k])) for k in members if k not in step
    ]
    for top, left, height, width in [*others, *faults]:
        driven = read = np.zeros(len(rows), dtype=bool)
        for i in step:
            driven = driven | _meet(row[i], blocks.height[i], top, height)
            read = read | _meet(column[i], blocks.columns[i], left, width)
        legal &= ~(driven & read)
    cells = np.zeros((len(rows), hardware.arrays[kind].columns), dtype=np.int64)
    for i in step:
        reads = np.arange(cells.shape[1])
        on = (column[i][:, None] <= reads) & (reads < column[i][:, None] + blocks.columns[i])
        cells += on * blocks.height[i]
    wanted, highest = (cells > 0).sum(axis=1), cells.max(axis=1)
    limit = hardware.rows_per_phase or hardware.arrays[kind].rows
    phases, summed = -(-highest // limit), np.minimum(highest, limit)
    bits = np.maximum(1, (summed[:, None] > 2 ** np.arange(20)).sum(axis=1))
    conversion = hardware.conversion_cycles + hardware.conversion_cycles_per_bit * bits
    turns = -(-wanted // hardware.arrays[kind].adcs)
    cycles = hardware.input_slices * phases * (hardware.settle_cycles + turns * conversion)
    return np.where(legal, cycles, NOT_LEGAL)


def shortest_schedule(
    blocks: Blocks, steps: tuple[Step, ...]
) -> tuple[int, tuple[tuple[int, int], ...] | None]:
    """Least makespan of these steps over all orders, and the start of every block; None if none is legal.

    In the order of their starts, no step of a best schedule begins later than it could.
    """
    least, starts = NOT_LEGAL, None
    for order in permutations(steps):
        makespan, start = _in_order(blocks, order)
        if makespan < least:
            least, starts = makespan, tuple(start.items())
    return least, starts


def _in_order(blocks: Blocks, order: tuple[Step, ...]) -> tuple[int, dict[int, int]]:
    operators = blocks.problem.operators
    left = [0 if operator.blocks is None else len(operator.blocks) for operator in operators]
    ends = [0] * len(operators)
    start: dict[int, int] = {}
    free: dict[int, int] = {}

    def finish(operator: int) -> int:
        """When it has finished, or NOT_LEGAL if steps are to come that it waits for."""
        if left[operator]:
            return NOT_LEGAL
        return max(ends[operator], ready(operator) + (operators[operator].cycles or 0))

    def ready(operator: int) -> int:
        return max((finish(before) for before in blocks.predecessors[operator]), default=0)

    for members, tile, cycles in order:
        mine = {int(blocks.operator[block]) for block in members}
        begin = max(free.get(tile, 0), *(ready(operator) for operator in mine))
        if begin >= NOT_LEGAL:
            return NOT_LEGAL, {}
        free[tile] = begin + cycles
        for block in members:
            operator = int(blocks.operator[block])
            start[block] = begin
            left[operator] -= 1
            ends[operator] = max(ends[operator], begin + cycles)
    return max(finish(operator) for operator in range(len(operators))), start
