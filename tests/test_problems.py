"""Every problem has a solution, which is judged again, and compared crosswise with a new one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from sbdopt import Blocks, Budget, Problem, Solution, check, judge, solve
from sbdopt.goals import DEFAULT_GOALS

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "problems").glob("*.json"))
MOST_CELLS_SIMULATED = 40_000_000


def load(name: str) -> tuple[Problem, Solution]:
    return Problem.load(ROOT / f"problems/{name}.json"), Solution.load(ROOT / f"solutions/{name}.json")


def test_the_problems_are_what_the_script_makes(tmp_path):
    spec = importlib.util.spec_from_file_location("make_problems", ROOT / "scripts" / "make_problems.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    stored = {path.name: path.read_bytes() for path in (ROOT / "problems").iterdir()}
    assert stored.pop("pruned.safetensors")  # made by another script
    assert made == stored
    assert len(made) == len(NAMES) + 1


def test_paths_may_be_strings(tmp_path):
    name = NAMES[0]
    problem, solution = load(name)
    copies = [str(tmp_path / f"{kind}.json") for kind in ("problem", "solution")]
    problem.save(copies[0])
    solution.save(copies[1])
    assert Problem.load(copies[0]).to_bytes() == problem.to_bytes()
    assert Solution.load(copies[1]).to_bytes() == solution.to_bytes()


def test_every_problem_has_a_solution():
    assert sorted(path.stem for path in (ROOT / "solutions").glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_its_solution_is_legal_and_claims_what_is_true(name):
    problem, solution = load(name)
    assert (solution.problem, solution.problem_sha256) == (name, problem.sha256)
    assert solution.status in ("optimal", "feasible")
    assert solution.metrics is not None
    blocks = Blocks.of(problem)
    if blocks.cells <= MOST_CELLS_SIMULATED:
        report = check(problem, solution)
        assert report.agrees, report.wrong_claims or report.verdict.violations
    else:
        assert judge(blocks, solution).metrics.to_document() == solution.metrics


@pytest.mark.parametrize("name", NAMES)
def test_neither_an_old_nor_a_new_solution_beats_the_bounds_of_the_other(name):
    """A bound of the second goal holds where the first is no larger than in the solution it came with."""
    problem, old = load(name)
    new = solve(problem, method="greedy", budget=Budget(seconds=5))
    assert new.metrics is not None
    assert "faults" not in new.solver
    for better, other in ((old, new), (new, old)):
        for goal in DEFAULT_GOALS:
            assert getattr(better.metrics, goal) >= (getattr(other.bounds, goal) or 0)
            if getattr(better.metrics, goal) > getattr(other.metrics, goal):
                break
