"""Arrays, steps and cycles in one model, places in another: what has no places is forbidden, and again."""

from __future__ import annotations

import numpy as np
from ortools.sat.python.cp_model import LinearExpr

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.exact.answers import Answers
from sbdopt.search.exact.assignment import Assignment, Relaxation
from sbdopt.search.exact.candidates import Candidate, candidate_steps
from sbdopt.search.exact.fits import Fits
from sbdopt.search.exact.questions import Questions, Standing
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import NothingLeft, Proven, Run
from sbdopt.search.exact.scales import Scales
from sbdopt.search.exact.task import Task
from sbdopt.search.greedy import finished
from sbdopt.search.method import Found
from sbdopt.search.schedule import make_steps, schedule
from sbdopt.timing import longest_path, operator_cycles, step_cycles

_GOALS = {"unused_cells", "arrays", "makespan"}
_REASON = "CP-SAT, arrays and places in turn"
_ALONE = "cells that operators leave empty, one by one and several together"
_MOST_STEPS, _MOST_LITERALS = 3000, 24_000
"""Steps of an operator, or more if these times the arrays are not too many literals."""
_PAIRS = 3
"""Pairs of functions that are added for each step that they show to be impossible."""


def can_decompose(relations: Relations, task: Task) -> bool:
    """Whether arrays are all alike and nothing is shared, so that only sizes count."""
    slots = relations.slots
    return (
        {task.goal, *task.limits} <= _GOALS
        and len({slot.tile for slot in slots}) == len(slots)
        and len({slot.kind for slot in slots}) == 1
        and not any(slot.faults for slot in slots)
        and not (relations.sharing_rows or relations.sharing_columns)
        and all(len(stretch) == 1 for stretch in relations.stretches)
    )


def decompose(relations: Relations, task: Task, run: Run) -> None:
    """Solutions and bounds, then `NothingLeft` if there is no solution or none better (Hooker 2003).

    The relaxation knows of places only what dual feasible functions say and what has been forbidden. Its
    best assignment is a bound; if all its arrays have places it is a solution, and the best one. If an
    array has none, as few of its blocks as still have none are forbidden to meet again within its cycles.
    Ends without a proof when the time is up or when it cannot be decided whether blocks have places.
    """
    questions = questions_for(relations, task, run)
    if questions is None:
        return
    relaxation = Relaxation(
        relations,
        questions.fits.scales,
        questions.size,
        questions.candidates,
        task.goal,
        task.limits,
        task.horizon,
    )
    if task.best is not None:
        relaxation.model.add(relaxation.goals[task.goal] < task.best)
    known = max(task.known, _known_of_operators(relations, task, questions, relaxation, run))
    while not (run.budget.used_up or run.halt.halted):
        assignment = relaxation.solve(known, run)
        if assignment is False:
            run.put(NothingLeft(_REASON))
        if isinstance(assignment, bool):
            return
        if assignment.bound > known:
            known = assignment.bound
            run.put(Proven(known, _REASON))
        if relaxation.separate(assignment, _PAIRS):
            continue
        standings = _stand(relaxation, questions, assignment)
        if standings is None:
            return
        if len(standings) == len(assignment.blocks):
            run.put(found(relations, standings, bool(questions.candidates), run.budget))
            if assignment.value == known:
                run.put(NothingLeft(_REASON))
                return
            relaxation.model.add(relaxation.goals[task.goal] < assignment.value)


def _known_of_operators(
    relations: Relations, task: Task, questions: Questions, relaxation: Relaxation, run: Run
) -> int:
    """The makespan if every operator took the least cycles that it can take alone, which are added."""
    if task.goal != "makespan" or run.budget.is_short:
        return 0
    from sbdopt.search.exact.least_cycles import least_cycles, least_in_turn  # loads Numba

    cells = questions.fits.scales.rows * questions.fits.scales.columns
    unit = relations.row_unit * relations.column_unit
    filled = sum(height * width for height, width in questions.size)
    arrays = len(relations.slots)
    unused = min(arrays * cells - filled, task.unused(relations) // unit)
    cycles = operator_cycles(relations.blocks)
    least = least_cycles(questions, cycles, arrays, unused, run)
    for operators, value in least.items():
        relaxation.model.add(LinearExpr.sum([relaxation.cycles[o] for o in operators]) >= value)
        if len(operators) == 1:
            cycles[operators[0]] = max(cycles[operators[0]], value)
    known = longest_path(relations.blocks, cycles)
    if known == cycles.sum():
        known = least_in_turn(cycles, least)
    if known > task.known:
        run.put(Proven(known, _ALONE))
    return known


def questions_for(relations: Relations, task: Task, run: Run) -> Questions | None:
    """Questions about one array, within a budget and until halted; None if there are too many steps."""
    candidates = _steps(relations, task)
    if candidates is None:
        return None
    blocks = relations.blocks
    slot, row_unit, column_unit = relations.slots[0], relations.row_unit, relations.column_unit
    size = [
        (height // row_unit, width // column_unit)
        for height, width in zip(blocks.height.tolist(), blocks.columns.tolist(), strict=True)
    ]
    scales = Scales.of(slot.rows // row_unit, slot.columns // column_unit)
    fits = Fits(scales, Answers.of(size), run.budget, run.seed, run.halt)
    return Questions(fits, size, blocks.operator.tolist(), candidates)


def _steps(relations: Relations, task: Task) -> dict[int, list[tuple[Candidate, int]]] | None:
    """All steps of every operator with their cycles; none if time does not count; None if too many."""
    blocks = relations.blocks
    steps: dict[int, list[tuple[Candidate, int]]] = {}
    if "makespan" not in {task.goal, *task.limits}:
        return steps
    most = max(_MOST_STEPS, _MOST_LITERALS // len(relations.slots))
    for operator in range(len(blocks.predecessors)):
        members = list(range(int(blocks.first[operator]), int(blocks.first[operator + 1])))
        if not members:
            continue
        found = candidate_steps(relations, members, task.unused(relations), most)
        if found is None:
            return None
        cycles = step_cycles(
            blocks.hardware,
            relations.slots[0].adcs,
            np.array([candidate.columns for candidate in found]),
            np.array([candidate.rows for candidate in found]),
        )
        steps[operator] = list(zip(found, cycles.tolist(), strict=True))
    return steps


def _stand(relaxation: Relaxation, questions: Questions, assignment: Assignment) -> list[Standing] | None:
    """How the blocks of each array stand, of those that can; what others cannot is forbidden.

    None if that could not be decided for an array, and all others can.
    """
    standings, conflicts, undecided = [], 0, False
    for blocks in assignment.blocks:
        standing = questions.standing(blocks, assignment.cycles)
        if standing is None:
            relaxation.forbid(questions.conflict(blocks, assignment.cycles))
            conflicts += 1
        elif isinstance(standing, Standing):
            standings.append(standing)
        else:
            undecided = True
    return None if undecided and not conflicts else standings


def found(relations: Relations, standings: list[Standing], timed: bool, budget: Budget) -> Found:
    """Blocks of each of the first arrays at their places; those of a step are read together, soon."""
    blocks: Blocks = relations.blocks
    kind, array, row, column = np.zeros((4, len(blocks)), dtype=np.int64)
    group: IntArray = np.arange(len(blocks))
    for slot, standing in zip(relations.slots, standings, strict=False):
        for block, (r, c) in standing.places.items():
            kind[block], array[block] = slot.kind, slot.array
            row[block], column[block] = r * relations.row_unit, c * relations.column_unit
        for step in standing.steps:
            group[list(step)] = min(step)
    if not timed:
        return finished(blocks, Places(kind, array, row, column), budget)
    steps = make_steps(blocks, kind, array, column, group)
    return Found(Placement(kind, array, row, column, schedule(blocks, steps)))
