"""Run CP-SAT goal by goal, and yield what it finds and proves while it runs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds
from sbdopt.goals import MOVED, Bound, Goals
from sbdopt.placement import Placement
from sbdopt.search.annealing import anneal, pays_beside_exact, share_before_exact
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.exact.decompose import can_decompose, decompose
from sbdopt.search.exact.minima import least_spans
from sbdopt.search.exact.model import Reading, build
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import NothingLeft, Outcome, Proven, Run, Search, race, search_model
from sbdopt.search.exact.slots import slots_of
from sbdopt.search.exact.task import Task
from sbdopt.search.greedy import finished
from sbdopt.search.method import Finding, Found, Infeasible
from sbdopt.search.score import rank, score
from sbdopt.timing import NEVER, block_cycles, longest_path

_SHARE = 0.5
"""Part of what is left of the budget that a goal may take while others wait."""
_BUILDING = 3e-4
"""Seconds for each pair of blocks that building models takes, which cannot be cut short."""
_TURN = 0.6
"""Part of that for the decompositions, if they and the model of everything have one worker between them."""


@dataclass
class _Best:
    """The best placement so far, and the values of the goals that it has."""

    placement: Placement | None = None
    values: dict[str, int] | None = None

    def note(self, blocks: Blocks, goals: Goals, placement: Placement) -> bool:
        """Keep a placement if it is better, and within the limits; whether it is."""
        values = score(blocks, placement)
        better = self.values is None or rank(goals, values) < rank(goals, self.values)
        if better and goals.allow(values):
            self.placement, self.values = placement, values
            return True
        return False


def exact_findings(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Goal by goal: least value of the first; of the second where the first has what it reached; ...

    What has less of a goal than the start is annealed before the next one: it was not built for that.
    """
    best = _Best()
    if start is not None:
        best.note(blocks, goals, start)
    for place, goal in enumerate(goals):
        if goal == MOVED:  # the model does not know where blocks stand
            return
        if place and best.placement is not None and best.placement is not start:
            for finding in anneal(
                blocks, goals, budget, seed, best.placement, share=share_before_exact(blocks)
            ):
                if isinstance(finding, Found) and best.note(blocks, goals, finding.placement):
                    yield finding
        waiting = len(goals) - place - 1
        reached = {} if best.values is None else {name: best.values[name] for name in goals[:place]}
        limits = goals.given(reached)
        for finding in _minimise(blocks, goals, goal, limits, best, budget, seed, waiting):
            yield finding
            if isinstance(finding, Infeasible):
                return
        if best.values is None or budget.used_up:
            return


def _minimise(
    blocks: Blocks,
    goals: Goals,
    goal: str,
    limits: dict[str, int],
    best: _Best,
    budget: Budget,
    seed: int,
    waiting: int,
) -> Iterator[Finding]:
    given = tuple(limits.items())
    known = max((bound.value for bound in lower_bounds(blocks, goal, limits)), default=0)
    if best.values is not None and best.values[goal] <= known:
        return
    task = Task(
        goal=goal,
        limits=limits,
        known=known,
        best=None if best.values is None else best.values[goal],
        horizon=_horizon(blocks, best.values, goal, limits),
    )
    relations = Relations(
        blocks, tuple(slots_of(blocks.hardware.arrays, _most_arrays(blocks, goal, limits, best)))
    )
    part = budget.part(_SHARE if waiting else 1.0)
    beside: Search = partial(_search_everything, relations, task)
    if goal == "makespan" and best.placement is not None and pays_beside_exact(blocks):
        beside = partial(_anneal_first, beside, blocks, goals, best.placement)
    for outcome in _outcomes(relations, task, beside, part, seed):
        if isinstance(outcome, Reading | Found):
            found = outcome if isinstance(outcome, Found) else _placement(blocks, outcome, budget)
            if best.note(blocks, goals, found.placement):
                yield found
        elif isinstance(outcome, Proven):
            if best.values is None or outcome.value <= best.values[goal]:
                yield Bound(goal, outcome.value, outcome.reason, given)
        elif best.values is None:
            within = f" within {_said(goals.limits)}" if goals.limits else ""
            yield Infeasible(f"CP-SAT finds no placement on the arrays that there are{within}")
        else:
            yield Bound(goal, best.values[goal], outcome.reason, given)
    budget.spent = part.spent


def _outcomes(
    relations: Relations, task: Task, beside: Search, budget: Budget, seed: int
) -> Iterator[Outcome]:
    """What the decompositions find and, `beside` them, the model of everything, perhaps after annealing.

    Each is quick where the other is slow: they run at once, or with one worker in turn. Problems that cannot
    be decomposed are asked for the least cycles of sets of operators first.
    """
    if _is_too_short(budget, relations.blocks):
        return
    if not can_decompose(relations, task):
        task = yield from _with_spans(relations, task, budget, seed)
        yield from race([(partial(_search_everything, relations, task), budget.workers)], budget, seed)
        return
    if budget.workers > 1:
        workers = budget.workers // 2
        yield from race(
            [
                (partial(_search_parts, relations, task), workers),
                (beside, budget.workers - workers),
            ],
            budget,
            seed,
        )
        return
    first = budget.part(_TURN)
    for outcome in race([(partial(_search_parts, relations, task), 1)], first, seed):
        yield outcome
        if isinstance(outcome, NothingLeft):
            return
    budget.spent = first.spent
    yield from race([(beside, 1)], budget, seed)


def _is_too_short(budget: Budget, blocks: Blocks) -> bool:
    """Whether there is less time than building models takes."""
    return budget.remaining < _BUILDING * len(blocks) ** 2


def _search_parts(relations: Relations, task: Task, run: Run) -> None:
    """All deals listed as far as can be, then arrays and places in turn.

    Deals are listed only if there is a solution to beat: where there is none at all, those of every makespan
    would have to be struck out.
    """
    outcomes: list[Outcome] = []

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        run.put(outcome)

    if task.best is not None and not run.budget.is_short:
        from sbdopt.search.exact.exhaust import exhaust, seconds_to_exhaust  # loads Numba

        if run.budget.remaining >= seconds_to_exhaust():
            exhaust(relations, task, replace(run, put=note))
    if not any(isinstance(outcome, NothingLeft) for outcome in outcomes):
        known = max(
            (outcome.value for outcome in outcomes if isinstance(outcome, Proven)), default=task.known
        )
        decompose(relations, replace(task, known=known), run)


def _with_spans(
    relations: Relations, task: Task, budget: Budget, seed: int
) -> Generator[Outcome, None, Task]:
    """The task with what operators take at least, if the makespan is to be less than that of a solution."""
    if task.goal != "makespan" or task.best is None:
        return task
    blocks = relations.blocks
    unhurried = _horizon(blocks, None, task.goal, {}) + task.best
    spans = least_spans(relations, task, unhurried, budget, seed)
    cycles = np.array([spans[(operator,)] for operator in range(len(blocks.predecessors))])
    known = max(task.known, longest_path(blocks, cycles))
    yield Proven(known, "CP-SAT, each operator by itself")
    if known >= task.best:
        yield NothingLeft("CP-SAT, each operator by itself")
    return replace(task, known=known, spans=spans)


def _search_everything(relations: Relations, task: Task, run: Run) -> None:
    model = build(relations, {task.goal, *task.limits}, task.horizon, task.unused(relations), task.spans)
    for name, value in task.limits.items():
        model.variables.model.add(model.goals[name] <= value)
    model.variables.model.add(model.goals[task.goal] >= task.known)
    if task.best is not None:
        model.variables.model.add(model.goals[task.goal] <= task.best - 1)
    model.variables.model.minimize(model.goals[task.goal])
    search_model(model, run)


def _anneal_first(search: Search, blocks: Blocks, goals: Goals, start: Placement, run: Run) -> None:
    """Annealing gone on with beside a proof, and another search after it."""
    budget = replace(run.budget, workers=run.workers)
    before = budget.spent
    for finding in anneal(blocks, goals, budget, run.seed + 1, start, stopped=run.halt.flag):
        if isinstance(finding, Found):
            run.put(finding)
    run.budget.spent += budget.spent - before
    if not (run.halt.halted or _is_too_short(run.budget, blocks)):
        search(run)


def _said(limits: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {most}" for name, most in limits.items())


def _placement(blocks: Blocks, reading: Reading, budget: Budget) -> Found:
    if reading.start is None:
        places = Places(reading.kind, reading.array, reading.row, reading.column)
        return finished(blocks, places, budget)
    return Found(Placement(reading.kind, reading.array, reading.row, reading.column, reading.start))


def _horizon(blocks: Blocks, values: dict[str, int] | None, goal: str, limits: dict[str, int]) -> int:
    """No better solution takes longer: the makespan to beat or the limit, or all steps one after another."""
    if goal == "makespan" and values is not None:
        return values["makespan"]
    cycles = block_cycles(blocks)
    slowest = [max(int(c) for c in column if c != NEVER) for column in cycles.T]
    serial = sum(slowest) + sum(operator.cycles or 0 for operator in blocks.problem.operators)
    return min(serial, limits.get("makespan", serial))


def _most_arrays(blocks: Blocks, goal: str, limits: dict[str, int], best: _Best) -> list[int]:
    """Of each kind the most arrays that a better solution can use."""
    unused = limits.get("unused_cells")
    if goal == "unused_cells" and best.values is not None:
        unused = best.values["unused_cells"]
    arrays = limits.get("arrays")
    if goal == "arrays" and best.values is not None:
        arrays = best.values["arrays"]
    result = []
    for kind in blocks.hardware.arrays:
        most = len(blocks)
        if arrays is not None:
            most = min(most, arrays)
        if unused is not None:
            most = min(most, (blocks.cells + unused) // kind.cells)
        result.append(most)
    return result
