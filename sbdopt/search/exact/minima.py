"""The least cycles of some operators, with all other blocks in the way but in no hurry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from ortools.sat.python.cp_model import LinearExpr

from sbdopt.bounds.work import measure_work
from sbdopt.search.budget import Budget
from sbdopt.search.exact.model import build
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import NothingLeft, race, search_model
from sbdopt.search.exact.task import Task
from sbdopt.timing import operator_cycles, step_unit

_SHARE_ALONE, _SHARE_TOGETHER = 0.05, 0.2
"""Parts of what is left of the budget that one question may take."""

Spans = dict[tuple[int, ...], int]
"""For sets of operators the least sum of their cycles from ready to finished."""


@dataclass(frozen=True)
class _Questions:
    relations: Relations
    unused: int
    """Unused cells that no solution may exceed."""
    horizon: int
    budget: Budget
    seed: int

    def raised(self, operators: tuple[int, ...], known: int, spans: Spans, share: float) -> int:
        """The least sum of cycles of these operators that cannot be refuted.

        Can they be done in the known least, if only their own blocks are read together and all others are
        read alone, whenever? If not, they take longer, by no less than what all steps take a multiple of,
        and are asked again. This forgets nothing that a real solution has: reading blocks of another
        operator in the same step makes a step no shorter; taking them out of it leaves a legal step (a block
        where a row of one own block meets a column of another adds to the latter's outputs, so it is an own
        block); and what else is to be read can be read before, between or after these operators, if they run
        one after the other.
        """
        timed = replace(self.relations, timed=frozenset(operators))
        unit = step_unit(self.relations.blocks.hardware)
        known = -(-known // unit) * unit
        while not self.budget.used_up:
            model = build(timed, {"makespan"}, self.horizon, self.unused, spans)
            assert model.timetable is not None
            cycles = [model.timetable.finish[o] - model.timetable.ready[o] for o in operators]
            model.variables.model.add(LinearExpr.sum(cycles) <= known)
            model.variables.model.add(model.goals["unused_cells"] <= self.unused)
            part = self.budget.part(share)
            outcomes = list(race([(partial(search_model, model), part.workers)], part, self.seed))
            self.budget.spent = part.spent
            if not any(isinstance(outcome, NothingLeft) for outcome in outcomes):
                break
            known += unit
        return known


def least_spans(relations: Relations, task: Task, horizon: int, budget: Budget, seed: int) -> Spans:
    """What operators take at least in any solution within the limits, one by one and in growing sets.

    First every operator by itself; then, of those that run at no time with another, the one with most
    blocks together with the next, and so on: much of what stands in the way of a short makespan is that two
    large operators cannot both have their best arrangement.
    """
    blocks = relations.blocks
    questions = _Questions(relations, task.unused(relations), horizon, budget, seed)
    work = measure_work(blocks, task.limits.get("unused_cells"))
    spans: Spans = {}
    size = (blocks.first[1:] - blocks.first[:-1]).tolist()
    for operator, cycles in enumerate(operator_cycles(blocks).tolist()):
        share = 0 if work is None else work.share([operator])
        spans[(operator,)] = max(cycles, share)
        if size[operator] > 1:
            known = spans[(operator,)]
            spans[(operator,)] = questions.raised((operator,), known, {}, _SHARE_ALONE)
    alone = [stretch[0] for stretch in relations.stretches if len(stretch) == 1]
    largest_first = sorted((o for o in alone if size[o] > 1), key=lambda o: (-size[o], o))
    for count in range(2, len(largest_first)):
        operators = tuple(largest_first[:count])
        known = spans[operators[:-1]] + spans[operators[-1:]]
        spans[operators] = questions.raised(operators, known, spans, _SHARE_TOGETHER)
    return spans
