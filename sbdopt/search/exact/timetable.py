"""The unknowns of time: steps, their durations, and when operators are ready and finished."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from ortools.sat.python.cp_model import BoolVarT, IntVar, LinearExpr, LinearExprT

from sbdopt.search.exact.variables import Variables
from sbdopt.timing import block_cycles, earliest_starts, operator_cycles, step_cycles, tails

Tile = tuple[int, int]


@dataclass(frozen=True)
class Level:
    """Up to `rows` wanted rows on a column take so many phases, and so many cycles a conversion."""

    rows: int
    phases: int
    conversion: int


@dataclass(eq=False)
class Timetable:
    """A step is held by its first block: the one of lowest number among those read together.

    Durations may be larger than the format's, never smaller; as nothing gains from a longer step, the least
    makespan and interval are exact.
    """

    variables: Variables
    horizon: int
    meet: dict[tuple[int, int], BoolVarT]
    """For pairs that may share columns, the literal that they do (from column agreement)."""
    leads: list[BoolVarT] = field(init=False)
    """leads[i]: block i is the first of its step - if and only if."""
    holds: dict[tuple[int, Tile], BoolVarT] = field(init=False)
    """holds[i, tile]: block i is the first of its step and stands on the tile - if and only if."""
    cycles: list[IntVar] = field(init=False)
    """Duration of the step of each block."""
    load: dict[tuple[int, Tile], IntVar] = field(init=False)
    """Duration of the step that a block holds on a tile, 0 if it holds none there."""
    start: dict[int, IntVar] = field(init=False)
    """Start of the blocks of operators that may run at the same time as others."""
    ready: list[IntVar] = field(init=False)
    finish: list[IntVar] = field(init=False)

    def __post_init__(self) -> None:
        variables = self.variables
        slots = variables.relations.slots
        self.tiles: list[Tile] = sorted({slot.tile for slot in slots})
        self.slots_of = {
            tile: [s for s, slot in enumerate(slots) if slot.tile == tile] for tile in self.tiles
        }
        self._make_operators()
        self._make_steps()
        self._make_durations()
        self._make_loads()

    def blocks_of(self, operator: int) -> range:
        """The blocks of an operator."""
        first = self.variables.blocks.first
        return range(int(first[operator]), int(first[operator + 1]))

    def _make_operators(self) -> None:
        variables, model = self.variables, self.variables.model
        blocks = variables.blocks
        cycles = operator_cycles(blocks)
        heads, ends = earliest_starts(blocks, cycles), self.horizon - tails(blocks, cycles)
        self.ready, self.finish = [], []
        for operator, (head, end, least) in enumerate(zip(heads, ends, cycles, strict=True)):
            latest = max(int(head), int(end - least))
            self.ready.append(model.new_int_var(int(head), latest, f"ready{operator}"))
            self.finish.append(
                model.new_int_var(int(head + least), max(int(head + least), int(end)), f"finish{operator}")
            )
        self.start = {
            i: model.new_int_var(
                int(heads[operator]), max(int(heads[operator]), int(ends[operator])), f"start{i}"
            )
            for stretch in variables.relations.stretches
            if len(stretch) > 1
            for operator in stretch
            for i in self.blocks_of(operator)
        }

    def _make_steps(self) -> None:
        """Reading together is an equivalence; its first blocks hold the steps."""
        variables, model = self.variables, self.variables.model
        count = len(variables.blocks)
        partners: list[list[int]] = [[] for _ in range(count)]
        for (i, j), together in variables.together.items():
            partners[i].append(j)
            partners[j].append(i)
            model.add_implication(together, variables.same_slot(i, j))
            if i in self.start and j in self.start:
                model.add(self.start[i] == self.start[j]).only_enforce_if(together)
        for i in range(count):
            for place, j in enumerate(partners[i]):
                for k in partners[i][place + 1 :]:
                    self._transitive(i, j, k)
        self.leads = [model.new_bool_var(f"leads{i}") for i in range(count)]
        for i, leads in enumerate(self.leads):
            earlier = [variables.together[j, i] for j in partners[i] if j < i]
            for together in earlier:
                model.add_implication(together, ~leads)
            model.add_bool_or(leads, *earlier)
        self.partners = partners

    def _transitive(self, i: int, j: int, k: int) -> None:
        variables = self.variables
        one, two = variables.read_together(i, j), variables.read_together(i, k)
        three = variables.read_together(j, k)
        assert one is not None
        assert two is not None
        variables.model.add_bool_or(~one, ~two, *([] if three is None else [three]))

    def _make_durations(self) -> None:
        """cycles[i] is never less than what the format gives the step of block i."""
        variables, model = self.variables, self.variables.model
        blocks, hardware = variables.blocks, variables.blocks.hardware
        least = block_cycles(blocks).min(axis=0).tolist()
        slots = variables.relations.slots
        longest = max(
            int(step_cycles(hardware, slot.adcs, np.array([slot.columns]), np.array([slot.rows]))[0])
            for slot in slots
        )
        self.cycles = [
            model.new_int_var(shortest, max(shortest, longest), f"cycles{i}")
            for i, shortest in enumerate(least)
        ]
        for (i, j), together in variables.together.items():
            model.add(self.cycles[i] == self.cycles[j]).only_enforce_if(together)
        self._make_shared()
        levels = self._levels()
        rows = self._rows_summed(levels)
        for i in range(len(blocks)):
            turns = self._turns(i)
            own = [level for level in levels if level.rows >= int(blocks.height[i])]
            active = [model.new_bool_var(f"level{i}.{level.rows}") for level in own]
            model.add_exactly_one(active)
            for level, literal in zip(own, active, strict=True):
                if rows:
                    model.add(rows[i] <= level.rows).only_enforce_if(literal)
                duration = hardware.settle_cycles + level.conversion * turns
                model.add(self.cycles[i] >= hardware.input_slices * level.phases * duration).only_enforce_if(
                    literal
                )

    def _make_shared(self) -> None:
        """What blocks count for when they add to the same columns."""
        variables, model = self.variables, self.variables.model
        self._shared: dict[tuple[int, int], BoolVarT] = {}
        for (i, j), meet in self.meet.items():
            together = variables.together[i, j]
            shared = variables.both(f"shared{i}.{j}", [together, meet])
            model.add_implication(shared, together)
            model.add_implication(shared, meet)
            self._shared[i, j] = self._shared[j, i] = shared
        self._counted: dict[int, list[tuple[int, BoolVarT]]] = {}
        for i, segments in variables.relations.segments.items():
            self._counted[i] = []
            for g, (columns, covering) in enumerate(segments):
                first = model.new_bool_var(f"first{i}.{g}")
                model.add_bool_or(first, *(self._shared[j, i] for j in covering if j < i))
                self._counted[i].append((columns, first))

    def _turns(self, i: int) -> IntVar:
        """How often the converters are used in the step of block i: at least columns read / converters."""
        variables, model = self.variables, self.variables.model
        blocks, slots = variables.blocks, variables.relations.slots
        columns: list[LinearExprT] = [self._own_columns(i)]
        for j in self.partners[i]:
            together = variables.read_together(i, j)
            assert together is not None
            if j not in self._counted:
                columns.append(int(blocks.columns[j]) * together)
                continue
            for g, (length, first) in enumerate(self._counted[j]):
                columns.append(length * variables.both(f"counted{i}.{j}.{g}", [together, first]))
        read = LinearExpr.sum(columns)
        fewest = min(slot.adcs for slot in slots)
        turns = model.new_int_var(0, -(-max(slot.columns for slot in slots) // fewest), f"turns{i}")
        if len({slot.adcs for slot in slots}) == 1:
            model.add(fewest * turns >= read)
        else:
            for slot, on in zip(slots, variables.on[i], strict=True):
                model.add(slot.adcs * turns >= read).only_enforce_if(on)
        return turns

    def _own_columns(self, i: int) -> LinearExprT:
        if i not in self._counted:
            return int(self.variables.blocks.columns[i])
        return LinearExpr.sum([length * first for length, first in self._counted[i]])

    def _levels(self) -> list[Level]:
        """Ranges of wanted rows on a column for which phases and bits are the same."""
        blocks = self.variables.blocks
        most = int(blocks.height.max())
        for i, segments in self.variables.relations.segments.items():
            for _, covering in segments:
                most = max(most, int(blocks.height[[i, *covering]].sum()))
        most = min(most, max(slot.rows for slot in self.variables.relations.slots))
        rows = np.arange(1, most + 1)
        limit = blocks.hardware.rows_per_phase or most
        phases = -(-rows // limit)
        bits = [max(1, (int(summed) - 1).bit_length()) for summed in np.minimum(rows, limit)]
        conversion = [
            blocks.hardware.conversion_cycles + blocks.hardware.conversion_cycles_per_bit * bit
            for bit in bits
        ]
        levels = {
            (int(phase), cycles): Level(int(row), int(phase), cycles)
            for row, phase, cycles in zip(rows, phases, conversion, strict=True)
        }
        return list(levels.values())

    def _rows_summed(self, levels: list[Level]) -> list[IntVar]:
        """The most wanted rows on one column in the step of each block, where that matters."""
        variables, model = self.variables, self.variables.model
        blocks = variables.blocks
        if len(levels) == 1:
            return []
        rows = []
        for i, height in enumerate(blocks.height.tolist()):
            rows.append(model.new_int_var(height, levels[-1].rows, f"rows{i}"))
            for _, covering in variables.relations.segments.get(i, ()):
                stacked = [int(blocks.height[j]) * self._shared[i, j] for j in covering]
                model.add(rows[i] >= height + LinearExpr.sum(stacked))
        for (i, j), together in variables.together.items():
            model.add(rows[i] == rows[j]).only_enforce_if(together)
        return rows

    def _make_loads(self) -> None:
        """Durations by tile, with what they must add up to at least (redundant, but strong)."""
        variables, model = self.variables, self.variables.model
        blocks, hardware = variables.blocks, variables.blocks.hardware
        least = block_cycles(blocks).min(axis=0).tolist()
        self.holds, self.load = {}, {}
        for tile in self.tiles:
            for i, leads in enumerate(self.leads):
                on_tile = [variables.on[i][s] for s in self.slots_of[tile]]
                holds = model.new_bool_var(f"holds{i}.{tile}")
                model.add_implication(holds, leads)
                model.add_bool_or(~holds, *on_tile)
                for on in on_tile:
                    model.add_bool_or(~on, ~leads, holds)
                load = model.new_int_var(0, self.horizon, f"load{i}.{tile}")
                model.add(load >= self.cycles[i]).only_enforce_if(holds)
                model.add(load >= least[i] * holds)
                self.holds[i, tile], self.load[i, tile] = holds, load
            adcs = variables.relations.slots[self.slots_of[tile][0]].adcs
            conversion = hardware.conversion_cycles + hardware.conversion_cycles_per_bit
            for stretch in variables.relations.stretches:
                members = [i for operator in stretch for i in self.blocks_of(operator)]
                work = [
                    hardware.input_slices * conversion * int(blocks.columns[i]) * variables.on[i][s]
                    for i in members
                    if i not in self._counted
                    for s in self.slots_of[tile]
                ]
                settling = hardware.input_slices * hardware.settle_cycles * adcs
                work += [settling * self.holds[i, tile] for i in members]
                model.add(
                    adcs * LinearExpr.sum([self.load[i, tile] for i in members]) >= LinearExpr.sum(work)
                )
