"""Run several methods on several problems, and gather what they reach in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sbdopt.errors import SbdoptError
from sbdopt.goals import DEFAULT_GOALS, gap
from sbdopt.problem import Problem
from sbdopt.search import METHODS
from sbdopt.search.budget import Budget
from sbdopt.solution import Solution
from sbdopt.solve import check_goals, check_method, solve


@dataclass(frozen=True)
class Row:
    """What a method reached on a problem; None where it found nothing, or nothing is proven."""

    problem: str
    method: str
    status: str
    """That of the solution, or `failed` if the method came to no end."""
    seconds: float
    arrays: int | None = None
    utilization: float | None = None
    unused_cells: int | None = None
    makespan: int | None = None
    interval: int | None = None
    gaps: tuple[float | None, ...] = ()
    """Of each goal: by what share of the value its bound is smaller."""
    note: str = ""
    """Why there is no solution, or what was wrong with one."""


def bench(
    problems: Sequence[Problem],
    *,
    methods: Sequence[str] = tuple(METHODS),
    goals: Sequence[str] = DEFAULT_GOALS,
    seconds: float = 20.0,
    workers: int = 1,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Row]:
    """One row for each problem and method, as soon as it is there.

    Each method may take `seconds`. KeyboardInterrupt ends the method that runs, whose row is the last.
    Raises InputError for an unknown method or goal.
    """
    for method in methods:
        check_method(method)
    check_goals(goals)
    for problem in problems:
        for method in methods:
            budget = Budget(seconds=seconds, workers=workers, clock=clock)
            try:
                solution = solve(problem, method=method, goals=goals, budget=budget, seed=seed)
            except (SbdoptError, MemoryError) as error:
                note = str(error) or "not enough memory"
                yield Row(problem.name, method, "failed", round(budget.elapsed, 3), note=note)
                continue
            yield row_of(solution, method, goals, budget.elapsed)
            if solution.solver is not None and solution.solver.get("interrupted"):
                return


def row_of(solution: Solution, method: str, goals: Sequence[str], seconds: float) -> Row:
    """The row of a solution that a method found in so many seconds."""
    solver, metrics, status = solution.solver or {}, solution.metrics, solution.status or "unknown"
    if metrics is None:
        note = str(solver.get("infeasible", "found nothing"))
        return Row(solution.problem, method, status, round(seconds, 3), note=note)
    return Row(
        problem=solution.problem,
        method=method,
        status=status,
        seconds=round(seconds, 3),
        arrays=metrics.arrays,
        utilization=metrics.utilization,
        unused_cells=metrics.unused_cells,
        makespan=metrics.makespan,
        interval=metrics.interval,
        gaps=tuple(gap(getattr(metrics, goal), getattr(solution.bounds, goal, None)) for goal in goals),
        note="; ".join(solver.get("faults", [])),
    )
