"""Which blocks can be read together at all, and what they could share; facts of a problem, no variables."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import gcd

from sbdopt.blocks import Blocks
from sbdopt.search.exact.slots import Slot


@dataclass(frozen=True, eq=False)
class Relations:
    """What the exact model needs to know of pairs of blocks, for a problem of few blocks."""

    blocks: Blocks
    slots: tuple[Slot, ...]
    timed: frozenset[int] | None = None
    """The only operators whose blocks may be read together; None: all."""

    @cached_property
    def before(self) -> list[set[int]]:
        """For each operator all that must have finished before it starts."""
        before: list[set[int]] = [set() for _ in self.blocks.predecessors]
        for operator in self.blocks.order:
            for direct in self.blocks.predecessors[operator]:
                before[operator] |= before[direct] | {direct}
        return before

    def concurrent(self, one: int, two: int) -> bool:
        """Whether two operators may run at the same time; an operator with itself may."""
        return one not in self.before[two] and two not in self.before[one]

    @cached_property
    def stretches(self) -> list[list[int]]:
        """The crossbar operators in runs that follow one another completely.

        Runs are the connected components of "may run at the same time". Of two components every operator of
        one is before every operator of the other: else two of them could run at the same time.
        """
        operators = [o for o in self.blocks.order if self.blocks.problem.operators[o].blocks is not None]
        runs: list[list[int]] = []
        for operator in operators:
            touched = [run for run in runs if any(self.concurrent(operator, other) for other in run)]
            merged = [other for run in touched for other in run] + [operator]
            runs = [run for run in runs if run not in touched] + [merged]
        return runs

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs i < j of blocks that some legal step may hold."""
        operator = self.blocks.operator.tolist()
        count = len(operator)
        return [
            (i, j)
            for i in range(count)
            for j in range(i + 1, count)
            if self.timed is None or self.timed >= {operator[i], operator[j]}
            if self.concurrent(operator[i], operator[j]) and self._fit_together(i, j)
        ]

    def _fit_together(self, i: int, j: int) -> bool:
        """Whether some array holds both with rows and columns apart wherever they cannot be shared."""
        blocks = self.blocks
        rows = int(blocks.height[i] + blocks.height[j])
        columns = int(blocks.columns[i] + blocks.columns[j])
        return any(
            (rows <= slot.rows or self.inputs_meet(i, j))
            and (columns <= slot.columns or self.outputs_meet(i, j))
            for slot in self.slots
        )

    def inputs_meet(self, i: int, j: int) -> bool:
        """Whether two blocks read an element of the same vector, so that they could share a row."""
        blocks = self.blocks
        return bool(
            blocks.vector[i] == blocks.vector[j]
            and blocks.input[i] < blocks.input[j] + blocks.height[j]
            and blocks.input[j] < blocks.input[i] + blocks.height[i]
        )

    def outputs_meet(self, i: int, j: int) -> bool:
        """Whether two blocks add to an output of the same operator, so that they could share a column."""
        blocks = self.blocks
        return bool(
            blocks.operator[i] == blocks.operator[j]
            and blocks.output[i] < blocks.output[j] + blocks.width[j]
            and blocks.output[j] < blocks.output[i] + blocks.width[i]
        )

    @cached_property
    def sharing_rows(self) -> list[tuple[int, int]]:
        """Pairs that may share rows in a step."""
        return [pair for pair in self.pairs if self.inputs_meet(*pair)]

    @cached_property
    def sharing_columns(self) -> list[tuple[int, int]]:
        """Pairs that may share columns in a step."""
        return [pair for pair in self.pairs if self.outputs_meet(*pair)]

    @cached_property
    def segments(self) -> dict[int, list[tuple[int, tuple[int, ...]]]]:
        """Of blocks that may share columns, runs of their outputs: (columns, all others that cover it)."""
        partners: dict[int, set[int]] = defaultdict(set)
        for i, j in self.sharing_columns:
            partners[i].add(j)
            partners[j].add(i)
        blocks = self.blocks
        per_weight = blocks.hardware.columns_per_weight
        result = {}
        for i, others in partners.items():
            begin, end = int(blocks.output[i]), int(blocks.output[i] + blocks.width[i])
            edges = {begin, end}
            for j in others:
                edges |= {int(blocks.output[j]), int(blocks.output[j] + blocks.width[j])}
            cuts = sorted(edge for edge in edges if begin <= edge <= end)
            result[i] = [
                (
                    (high - low) * per_weight,
                    tuple(
                        sorted(
                            j
                            for j in others
                            if blocks.output[j] <= low and high <= blocks.output[j] + blocks.width[j]
                        )
                    ),
                )
                for low, high in pairwise(cuts)
            ]
        return result

    @cached_property
    def row_unit(self) -> int:
        """Rows may be counted in this unit without losing a solution.

        Given which blocks are above which, every block can be pushed up until it meets a block, a fault or
        the edge, or the block that it shares rows with; then its row is a sum of heights, ends of faults and
        differences of inputs, all multiples of this.
        """
        blocks = self.blocks
        lengths = blocks.height.tolist()
        for slot in self.slots:
            lengths += [edge for row, _, height, _ in slot.faults for edge in (row, row + height)]
        lengths += [int(blocks.input[i] - blocks.input[j]) for i, j in self.sharing_rows]
        return gcd(*lengths) or 1

    @cached_property
    def column_unit(self) -> int:
        """Columns may be counted in this unit without losing a solution; see `row_unit`."""
        blocks = self.blocks
        lengths = blocks.columns.tolist()
        for slot in self.slots:
            lengths += [edge for _, column, _, width in slot.faults for edge in (column, column + width)]
        lengths += [
            int(blocks.output[i] - blocks.output[j]) * blocks.hardware.columns_per_weight
            for i, j in self.sharing_columns
        ]
        return gcd(*lengths) or 1

    @cached_property
    def row_places(self) -> list[list[int]]:
        """For each block the rows, in units, that some best solution can do with; see `row_unit`."""
        if self.sharing_rows:
            free = max(slot.rows for slot in self.slots) // self.row_unit
            return [list(range(max(1, free + 1 - int(h) // self.row_unit))) for h in self.blocks.height]
        ends = {row + height for slot in self.slots for row, _, height, _ in slot.faults}
        return _places(self.blocks.height.tolist(), ends, max(s.rows for s in self.slots), self.row_unit)

    @cached_property
    def column_places(self) -> list[list[int]]:
        """For each block the columns, in units, that some best solution can do with."""
        if self.sharing_columns:
            free = max(slot.columns for slot in self.slots) // self.column_unit
            return [list(range(max(1, free + 1 - int(w) // self.column_unit))) for w in self.blocks.columns]
        ends = {column + width for slot in self.slots for _, column, _, width in slot.faults}
        most = max(slot.columns for slot in self.slots)
        return _places(self.blocks.columns.tolist(), ends, most, self.column_unit)

    @cached_property
    def interchangeable(self) -> list[list[int]]:
        """Groups of blocks whose exchange changes nothing: same operator and size, nothing shared."""
        blocks = self.blocks
        sharing = {block for pair in (*self.sharing_rows, *self.sharing_columns) for block in pair}
        groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        for block in range(len(blocks)):
            if block not in sharing:
                key = (int(blocks.operator[block]), int(blocks.height[block]), int(blocks.width[block]))
                groups[key].append(block)
        return [group for group in groups.values() if len(group) > 1]


def _places(sizes: list[int], ends: set[int], most: int, unit: int) -> list[list[int]]:
    """For each size the sums of other sizes, from 0 or an end of a fault, that leave room for it."""
    origin = 1
    for end in ends:
        origin |= 1 << (end // unit)
    before = [origin]
    room = (1 << (most // unit + 1)) - 1
    for size in sizes:
        before.append((before[-1] | before[-1] << size // unit) & room)
    result: list[list[int]] = []
    for place, size in enumerate(sizes):
        sums = before[place]
        for other in sizes[place + 1 :]:
            sums |= (sums << other // unit) & room
        fitting = [row for row in range(most // unit - size // unit + 1) if sums >> row & 1]
        result.append(fitting or [0])
    return result
