"""The exact model without what makes it fast, to compare with: all arrays, all places, and only the rules."""

from __future__ import annotations

from dataclasses import dataclass

from ortools.sat.python import cp_model

from sbdopt.blocks import Blocks
from sbdopt.search.exact import constraints
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.slots import Slot
from sbdopt.search.exact.timetable import Timetable
from sbdopt.search.exact.variables import Variables


@dataclass(frozen=True, eq=False)
class Everywhere(Relations):
    """Blocks may stand on any row and column: no units, no choice of places."""

    @property
    def row_unit(self) -> int:
        return 1

    @property
    def column_unit(self) -> int:
        return 1

    @property
    def row_places(self) -> list[list[int]]:
        rows = max(slot.rows for slot in self.slots)
        return [list(range(max(1, rows - height + 1))) for height in self.blocks.height.tolist()]

    @property
    def column_places(self) -> list[list[int]]:
        columns = max(slot.columns for slot in self.slots)
        return [list(range(max(1, columns - width + 1))) for width in self.blocks.columns.tolist()]


def every_slot(blocks: Blocks) -> tuple[Slot, ...]:
    """All arrays that there are; where they are unlimited a tile for each block, beyond all faults."""
    slots = []
    for number, kind in enumerate(blocks.hardware.arrays):
        with_faults = max((array + 1 for array, *_ in kind.faults), default=0)
        count = kind.count or (-(-with_faults // kind.tiers) + len(blocks)) * kind.tiers
        for array in range(count):
            faults = tuple((r, c, h, w) for at, r, c, h, w in kind.faults if at == array)
            tile = (number, array // kind.tiers)
            slots.append(Slot(number, array, kind.rows, kind.columns, kind.adcs, tile, faults))
    return tuple(slots)


def least_of_plain_model(blocks: Blocks, goal: str, limits: dict[str, int], horizon: int) -> int | None:
    """The least value of a goal where others are at most so much, or None if nothing is possible."""
    variables = Variables(Everywhere(blocks, every_slot(blocks)))
    model, slots = variables.model, variables.relations.slots
    constraints.complete(variables)
    constraints.inside(variables)
    constraints.disjoint(variables)
    constraints.row_agreement(variables)
    meet = constraints.column_agreement(variables)
    constraints.isolation(variables)
    timetable = Timetable(variables, horizon, meet)
    constraints.periphery(variables, timetable)
    constraints.precedence(variables, timetable)
    for on in variables.on:
        for literal, used in zip(on, variables.used, strict=True):
            model.add_implication(literal, used)
    cells = sum(slot.cells * used for slot, used in zip(slots, variables.used, strict=True))
    values = {"unused_cells": cells - blocks.cells}
    for name in ("makespan", "interval"):
        values[name] = model.new_int_var(0, horizon, name)
    for finish in timetable.finish:
        model.add(finish <= values["makespan"])
    for tile in timetable.tiles:
        loads = [timetable.load[i, tile] for i in range(len(blocks))]
        model.add(sum(loads) <= values["interval"])
    for name, limit in limits.items():
        model.add(values[name] <= limit)
    model.minimize(values[goal])
    return least(variables)


def feasible(variables: Variables) -> bool:
    """Whether the model has any solution."""
    return _solve(variables)[0]


def least(variables: Variables) -> int | None:
    """The least value of what the model minimises, or None if it has no solution."""
    possible, value = _solve(variables)
    return round(value) if possible else None


def _solve(variables: Variables) -> tuple[bool, float]:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(variables.model)
    assert status in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
    return status == cp_model.OPTIMAL, solver.objective_value
