"""The least cycles of each operator by itself, with all other blocks in the way but in no hurry."""

from __future__ import annotations

from dataclasses import replace

from ortools.sat.python.cp_model import LinearExprT

from sbdopt.bounds.work import measure_work
from sbdopt.documents import IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.exact.model import ExactModel, build
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import NothingLeft, run
from sbdopt.timing import operator_cycles

_SHARE = 0.05
"""Part of what is left of the budget that one question may take."""


def operator_minima(
    relations: Relations, limits: dict[str, int], unused: int, horizon: int, budget: Budget, seed: int
) -> IntArray:
    """Cycles from ready to finished that each operator takes at least in any solution within the limits.

    For one operator at a time: can it be done in its known least cycles, if only its own blocks are read
    together and all others are read alone at any time? If not, it takes a cycle more, and is asked again.
    This forgets nothing that a real solution has: reading another operator's blocks in the same step makes
    a step no shorter, taking them out of it leaves a legal step (a block where a row of one own block meets
    a column of another shares outputs with the latter, so it is an own block), and what they need meanwhile
    can be done before or after.
    """
    blocks = relations.blocks
    least = operator_cycles(blocks)
    work = measure_work(blocks, limits.get("unused_cells"))
    places = {name: value for name, value in limits.items() if name == "unused_cells"}
    for operator in blocks.order:
        if blocks.first[operator + 1] - blocks.first[operator] < 2:
            continue
        if work is not None:
            least[operator] = max(int(least[operator]), work.share([operator]))
        alone = replace(relations, timed=operator)
        while least[operator] < horizon and not budget.used_up:  # longer only if nothing fits at all
            model = build(alone, {"makespan", *places}, horizon, unused)
            if not _is_impossible(model, operator, int(least[operator]), places, budget, seed):
                break
            least[operator] += 1
    return least


def _is_impossible(
    model: ExactModel, operator: int, cycles: int, limits: dict[str, int], budget: Budget, seed: int
) -> bool:
    assert model.timetable is not None
    span: LinearExprT = model.timetable.finish[operator] - model.timetable.ready[operator]
    model.variables.model.add(span <= cycles)
    for name, value in limits.items():
        model.variables.model.add(model.goals[name] <= value)
    return any(isinstance(outcome, NothingLeft) for outcome in run(model, budget, seed, _SHARE))
