"""The door: run a method, keep the best that it finds with its bounds, and say what is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TypedDict

from sbdopt.blocks import Blocks
from sbdopt.bounds import infeasibility, lower_bounds
from sbdopt.errors import InputError
from sbdopt.goals import DEFAULT_GOALS, GOALS, MOVED, Goals
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.record import Record
from sbdopt.search import METHODS
from sbdopt.search.budget import Budget
from sbdopt.search.method import Finding, Found
from sbdopt.solution import Bounds, Solution
from sbdopt.standing import Standing

Watch = Callable[[Record, Budget], None]


class Asked(TypedDict, total=False):
    """What `solve` and `split` are asked, both in the same way."""

    method: str
    goals: Sequence[str]
    limits: Mapping[str, int] | None
    budget: Budget | None
    seed: int
    start: Placement | None
    watch: Watch | None


def solve(
    problem: Problem,
    *,
    method: str = "auto",
    goals: Sequence[str] = DEFAULT_GOALS,
    limits: Mapping[str, int] | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    start: Placement | None = None,
    standing: Standing | None = None,
    watch: Watch | None = None,
) -> Solution:
    """The best solution that a method finds within the budget, judged, with bounds and status.

    `goals` come in order of importance; only solutions with no more than `limits[name]` of each name in it
    count. The solution is never worse than a legal `start`. With `standing`, the blocks that are on the
    arrays already, goals may name moved_cells: the cells that must be written all the same. `watch` is
    called whenever something became better, and at least once. KeyboardInterrupt ends the search; what was
    found until then is returned. Raises InputError for an unknown method, goal or limit.
    """
    check_method(method)
    check_goals(goals, limits, kept=standing is not None)
    goals = Goals(tuple(goals), dict(limits or {}))
    budget = Budget() if budget is None else budget
    blocks = replace(Blocks.of(problem), standing=standing)
    record = Record(blocks, goals)
    interrupted = False
    try:
        reason = infeasibility(blocks)
        if reason is not None:
            record.infeasible = reason
        else:
            for goal in dict.fromkeys([*goals, *goals.limits]):
                for bound in lower_bounds(blocks, goal, goals.limits):
                    record.take(bound, budget.elapsed)
            if record.infeasible is None:
                _run(_findings(method, record, budget, seed, start), record, budget, watch)
    except BaseException as error:
        if not _is_interrupt(error):
            raise
        interrupted = not budget.used_up  # else it only enforced the limit
    try:
        return _solution(record, method, seed, budget, interrupted)
    except KeyboardInterrupt:  # it came late, and what was found must not be lost
        return _solution(record, method, seed, budget, interrupted or not budget.used_up)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether an error is an interrupt, or was caused by one: numpy's comparisons turn it into their own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _findings(
    method: str, record: Record, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """The start, so that whatever the method does it is not lost, and what the method finds."""
    if start is not None:
        yield Found(start)
    yield from METHODS[method](record.blocks, record.goals, budget, seed, start)


def _run(findings: Iterator[Finding], record: Record, budget: Budget, watch: Watch | None) -> None:
    with closing(findings):  # type: ignore[type-var]
        for finding in findings:
            better = record.take(finding, budget.elapsed)
            if better and watch is not None:
                watch(record, budget)
            if record.status in ("optimal", "infeasible"):
                return


def check_method(method: str) -> None:
    """Refuse a method that does not exist."""
    if method not in METHODS:
        raise InputError(f"there is no method {method!r}; take one of {', '.join(METHODS)}")


def check_goals(goals: Sequence[str], limits: Mapping[str, int] | None = None, *, kept: bool = False) -> None:
    """Refuse goals that do not exist, stand twice, or are none, and limits that cannot be.

    Moved cells are a goal only where an earlier solution is kept.
    """
    for goal in goals:
        if goal == MOVED and not kept:
            raise InputError(f"goal {MOVED} needs a solution that is kept; name it with --keep")
        if goal == MOVED:
            continue
        if goal not in GOALS:
            raise InputError(f"there is no goal {goal!r}; take some of {', '.join(GOALS)}")
    if not goals or len(set(goals)) < len(goals):
        raise InputError(f"goals are {','.join(goals) or 'empty'}; name at least one, and each only once")
    for name, most in (limits or {}).items():
        if name not in GOALS:
            raise InputError(f"{name!r} cannot be limited; only {', '.join(GOALS)} can")
        if most < 0:
            raise InputError(f"the limit of {name} is {most}; it must be at least 0")


def _solution(record: Record, method: str, seed: int, budget: Budget, interrupted: bool) -> Solution:
    """The document. Under a limit of work it holds no seconds, so that it is the same every time."""
    blocks = record.blocks
    timed = budget.work is None
    solver: dict[str, object] = {
        "method": method,
        "goals": list(record.goals),
        "version": version("sbdopt"),
        "seed": seed,
        "workers": budget.workers,
        "proofs": {goal: bound.reason for goal, bound in record.best_proofs().items()},
        "history": [
            {"seconds": round(elapsed, 3), **values} if timed else values
            for elapsed, numbers in record.history
            for values in [dict(zip(record.goals, numbers, strict=True))]
        ],
    }
    if timed:
        solver["seconds"] = round(budget.elapsed, 3)
    else:
        solver["work"] = budget.work
    bounds = record.bounds()
    if record.moved is not None:
        solver |= asdict(record.moved)
    if MOVED in bounds:
        solver["bounds"] = {MOVED: bounds.pop(MOVED)}
    if record.goals.limits:
        solver["limits"] = dict(record.goals.limits)
        solver["beyond_limits"] = record.beyond
    if interrupted:
        solver["interrupted"] = True
    if record.infeasible is not None:
        solver["infeasible"] = record.infeasible
    if record.faults:
        solver["faults"] = record.faults
    return Solution(
        problem=blocks.problem.name,
        problem_sha256=blocks.problem.sha256,
        operators={} if record.placement is None else record.placement.to_operators(blocks),
        metrics=None if record.measures is None else record.measures.to_document(),
        bounds=Bounds(**bounds),
        status=record.status,
        solver=solver,
    )
