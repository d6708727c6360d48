"""Build the CP-SAT model of a problem for one goal, with limits on others, and read its solutions back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ortools.sat.python.cp_model import CpSolverSolutionCallback, IntVar, LinearExpr, LinearExprT

from sbdopt.documents import IntArray
from sbdopt.search.exact import candidates, constraints, symmetry
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.timetable import Tile, Timetable
from sbdopt.search.exact.variables import Variables

TIMED_GOALS = ("makespan", "interval")


@dataclass(frozen=True, eq=False)
class ExactModel:
    """A CP-SAT model, and the expression of each goal in it."""

    variables: Variables
    timetable: Timetable | None
    goals: dict[str, LinearExprT]


@dataclass(frozen=True, eq=False)
class Reading:
    """A solution of the model: where blocks stand, and which are read together in which order."""

    kind: IntArray
    array: IntArray
    row: IntArray
    column: IntArray
    group: IntArray
    start: IntArray | None


def build(
    relations: Relations,
    goals: set[str],
    horizon: int,
    unused: int,
    least: Mapping[tuple[int, ...], int] | None = None,
) -> ExactModel:
    """The model with all rules; without time if no goal needs it, since any packing can be read somehow.

    No solution with more than `unused` unused cells, or that takes longer than `horizon`, is of interest;
    `least` are cycles that sets of operators are known to take at least, from ready to finished, in sum.
    """
    variables = Variables(relations)
    constraints.complete(variables)
    constraints.inside(variables)
    constraints.disjoint(variables)
    symmetry.pack_arrays(variables)
    symmetry.break_symmetries(variables)
    expressions: dict[str, LinearExprT] = {
        "unused_cells": _unused_cells(variables),
        "arrays": LinearExpr.sum(variables.used),
    }
    if not goals & set(TIMED_GOALS):
        return ExactModel(variables, None, expressions)
    constraints.row_agreement(variables)
    meet = constraints.column_agreement(variables)
    constraints.isolation(variables)
    symmetry.limit_crossings(variables, expressions["unused_cells"])
    timetable = Timetable(variables, horizon, meet)
    constraints.periphery(variables, timetable)
    constraints.precedence(variables, timetable)
    candidates.list_steps(variables, timetable, unused)
    for operators, cycles in (least or {}).items():
        spans = [timetable.finish[operator] - timetable.ready[operator] for operator in operators]
        variables.model.add(LinearExpr.sum(spans) >= cycles)
    expressions["makespan"] = _makespan(variables, timetable)
    if "interval" in goals:
        expressions["interval"] = _interval(variables, timetable)
    return ExactModel(variables, timetable, expressions)


def _unused_cells(variables: Variables) -> LinearExprT:
    """Cells of the used arrays less those of the blocks."""
    slots = variables.relations.slots
    for s, used in enumerate(variables.used):
        for on in variables.on:
            variables.model.add_implication(on[s], used)
    cells = [slot.cells * used for slot, used in zip(slots, variables.used, strict=True)]
    return LinearExpr.sum(cells) - variables.blocks.cells


def _makespan(variables: Variables, timetable: Timetable) -> IntVar:
    makespan = variables.model.new_int_var(0, timetable.horizon, "makespan")
    for finish in timetable.finish:
        variables.model.add(finish <= makespan)
    return makespan


def _interval(variables: Variables, timetable: Timetable) -> IntVar:
    interval = variables.model.new_int_var(0, timetable.horizon, "interval")
    for tile in timetable.tiles:
        loads = [timetable.load[i, tile] for i in range(len(variables.blocks))]
        variables.model.add(LinearExpr.sum(loads) <= interval)
    return interval


def read(model: ExactModel, values: CpSolverSolutionCallback) -> Reading:
    """The solution that the solver stands at."""
    variables, relations = model.variables, model.variables.relations
    slot = [next(s for s, literal in enumerate(on) if values.boolean_value(literal)) for on in variables.on]
    group = list(range(len(slot)))
    if model.timetable is not None:
        for (i, j), together in variables.together.items():
            if values.boolean_value(together):
                group[j] = min(group[j], group[i])
    return Reading(
        kind=np.array([relations.slots[s].kind for s in slot], dtype=np.int64),
        array=np.array([relations.slots[s].array for s in slot], dtype=np.int64),
        row=np.array([values.value(row) for row in variables.row], dtype=np.int64) * relations.row_unit,
        column=np.array([values.value(column) for column in variables.column], dtype=np.int64)
        * relations.column_unit,
        group=np.array(group, dtype=np.int64),
        start=_starts(model, values, group),
    )


def _starts(model: ExactModel, values: CpSolverSolutionCallback, group: list[int]) -> IntArray | None:
    """Start of each block; in a stretch of one operator its steps follow one another on each tile."""
    timetable = model.timetable
    if timetable is None:
        return None
    starts = [0] * len(group)
    free: dict[tuple[int, Tile], int] = {}
    for i, first in enumerate(group):
        if i in timetable.start:
            starts[i] = values.value(timetable.start[i])
        elif first < i:
            starts[i] = starts[first]
        else:
            operator = int(model.variables.blocks.operator[i])
            tile = next(tile for tile in timetable.tiles if values.boolean_value(timetable.holds[i, tile]))
            begin = free.get((operator, tile), values.value(timetable.ready[operator]))
            starts[i] = begin
            free[operator, tile] = begin + values.value(timetable.cycles[i])
    return np.array(starts, dtype=np.int64)
