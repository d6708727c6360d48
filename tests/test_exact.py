"""The exact method finds what trying everything finds, proves it, and says what cannot be."""

from __future__ import annotations

from random import Random

import pytest
from brute_force import best, front
from diagonals import chained
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_problems import tiny_problem

from sbdopt.problem import Problem
from sbdopt.search.budget import Budget
from sbdopt.solution import Solution
from sbdopt.solve import solve

GOALS = (
    ("unused_cells", "makespan"),
    ("makespan", "unused_cells"),
    ("interval",),
    ("interval", "unused_cells"),
    ("unused_cells", "interval", "makespan"),
    ("makespan", "interval", "unused_cells"),
    ("interval", "makespan"),
)
tiny_problems = st.randoms(use_true_random=True).map(tiny_problem)


def solved(problem: Problem, method: str, goals: tuple[str, ...]) -> Solution:
    budget = Budget(seconds=float("inf"), work=30.0, workers=1)
    return solve(problem, method=method, goals=goals, budget=budget, seed=0)


def check(problem: Problem, method: str, goals: tuple[str, ...]) -> None:
    found, solution = front(problem), solved(problem, method, goals)
    assert "faults" not in solution.solver
    if not found:
        assert solution.status == "infeasible"
        assert not solution.operators
        return
    values = best(found, goals).values
    assert solution.metrics is not None, f"{solution.status}, but there is {values}"
    assert [getattr(solution.metrics, goal) for goal in goals] == [values[goal] for goal in goals]
    assert solution.status == "optimal"


@settings(max_examples=60, deadline=None)
@given(tiny_problems, st.sampled_from(GOALS))
def test_as_good_as_trying_everything(problem: Problem, goals: tuple[str, ...]) -> None:
    check(problem, "exact", goals)


@settings(max_examples=40, deadline=None)
@given(tiny_problems, st.sampled_from(GOALS))
def test_auto_too(problem: Problem, goals: tuple[str, ...]) -> None:
    check(problem, "auto", goals)


@pytest.mark.parametrize("seed", range(60))
def test_seeded_problems(seed: int) -> None:
    random = Random(seed)
    check(tiny_problem(random), "exact", random.choice(GOALS))


@pytest.mark.parametrize("seed", range(0, 60, 4))
def test_cycles_may_be_short(seed: int) -> None:
    """A thousand times as many cycles for everything: the same problem, and no more work."""
    problem = tiny_problem(Random(seed))
    found = front(problem)
    if not found:
        return
    old = problem.hardware
    names = ("settle_cycles", "conversion_cycles", "conversion_cycles_per_bit")
    hardware = old.model_copy(update={name: 1000 * getattr(old, name) for name in names})
    operators = [
        one if one.cycles is None else one.model_copy(update={"cycles": 1000 * one.cycles})
        for one in problem.operators
    ]
    problem = problem.model_copy(update={"hardware": hardware, "operators": operators})
    for goals in (("unused_cells", "makespan"), ("makespan", "unused_cells")):
        values = best(found, goals).values
        solution = solve(problem, method="auto", goals=goals, budget=Budget(work=1.0))
        assert solution.status == "optimal"
        assert solution.metrics.unused_cells == values["unused_cells"]
        assert solution.metrics.makespan == 1000 * values["makespan"]


@pytest.mark.parametrize("method", ["exact", "auto"])
@pytest.mark.parametrize("goals", GOALS)
def test_nothing_fits_around_the_faults(method: str, goals: tuple[str, ...]) -> None:
    """Three bars of 1x4 on the one array of 4x4, whose first two rows have a faulty cell each: 12 cells of
    14, so no bound says it, but CP-SAT does, and soon."""
    table = {"input": [0, 1, 2], "output": [0, 4, 8], "height": [1, 1, 1], "width": [4, 4, 4]}
    faults = [[0, 0, 0, 1, 1], [0, 1, 1, 1, 1]]
    document = {
        "name": "faults",
        "hardware": {
            "arrays": [{"name": "a", "rows": 4, "columns": 4, "adcs": 1, "count": 1, "faults": faults}]
        },
        "operators": [{"name": "a", "shape": [3, 12], "blocks": table}],
    }
    problem = Problem.model_validate(document)
    solution = solve(problem, method=method, goals=goals, budget=Budget(work=0.2))
    assert solution.status == "infeasible"
    assert "CP-SAT" in solution.solver["infeasible"]


@pytest.mark.parametrize("goals", GOALS[:3])
def test_a_limit_of_work_ends_what_is_not_proven(goals: tuple[str, ...]) -> None:
    """Long before the seconds are over, and twice with the same bytes."""
    sizes = [[(4, 4), (3, 5), (8, 8), (6, 2), (5, 7)] * 4, [(8, 3), (2, 9), (6, 6)] * 3]
    arrays = [{"name": "a", "rows": 16, "columns": 16, "adcs": 4}]
    problem = Problem.model_validate(
        {"name": "hard", "hardware": {"arrays": arrays}, "operators": chained(sizes)}
    )
    written = set()
    for _ in range(2):
        budget = Budget(seconds=60.0, work=0.2)
        solution = solve(problem, method="exact", goals=goals, budget=budget)
        assert solution.status != "optimal"
        assert budget.spent < 1.0
        written.add(solution.to_bytes())
    assert len(written) == 1
