"""All trade-offs of arrays and makespan: limit one, minimise the other, again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sbdopt.pareto.files import load_front, save_front, solutions_folder
from sbdopt.pareto.walk import NothingFoundError, Solved, Walk, front_of
from sbdopt.problem import Problem
from sbdopt.search.budget import Budget
from sbdopt.solve import check_method, solve

__all__ = [
    "NothingFoundError",
    "Solved",
    "front_of",
    "load_front",
    "pareto",
    "save_front",
    "solutions_folder",
]


def pareto(
    problem: Problem,
    *,
    method: str = "auto",
    points: int = 16,
    budget: Callable[[], Budget] = lambda: Budget(seconds=10.0),
    seed: int = 0,
    known: Sequence[Solved] = (),
) -> Iterator[tuple[Solved, ...]]:
    """Everything solved so far, by limit; again whenever something is.

    First the fewest arrays, then the least makespan; then, one limit of arrays after another, what lies
    between, where the makespan falls most, until nothing is left to be found or `points` are solved. Each
    may take a `budget` of its own, and begins with the best known that keeps to its limit. What is `known`
    is solved again only if it is not proven and had less time. An interrupt ends it after what was found is
    handed over. Raises `NothingFoundError` if there is no solution, InputError for an unknown method.
    """
    check_method(method)
    walk = Walk(problem, known)
    for _ in range(points):
        allowed = budget()
        task = walk.next_task(allowed.seconds)
        if task is None:
            return
        solution = solve(
            problem,
            method=method,
            goals=task.goals,
            limits={} if task.limit is None else {"arrays": task.limit},
            budget=allowed,
            seed=seed,
            start=walk.start(task),
        )
        interrupted = bool((solution.solver or {}).get("interrupted"))
        if solution.metrics is None:
            raise NothingFoundError(solution)
        walk.take(task, solution, 0.0 if interrupted else allowed.seconds)
        yield walk.solved
        if interrupted:
            return
