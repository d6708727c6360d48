"""Same problem, seed and limit of work, one worker: the same bytes, for every kind of problem."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest

from sbdopt import Budget, Problem, solve

PROBLEMS = Path(__file__).parent.parent / "problems"
CELLS, TIME = ("unused_cells", "makespan"), ("makespan", "unused_cells")


@pytest.mark.parametrize(
    ("name", "goals", "work"),
    [
        ("cells-or-cycles", CELLS, 0.1),
        ("mixed-20", CELLS, 0.1),
        ("mixed-40", TIME, 0.1),
        ("minilm-l6-1-layer", CELLS, 0.05),
        ("pruned-300", TIME, 0.05),
        ("two-kinds", CELLS, 0.1),
        ("faults", TIME, 0.1),
    ],
)
def test_the_same_bytes(name, goals, work):
    problem = Problem.load(PROBLEMS / f"{name}.json")

    def solved() -> bytes:
        budget = Budget(seconds=inf, work=work, workers=1)
        return solve(problem, goals=goals, budget=budget, seed=1).to_bytes()

    assert solved() == solved()
