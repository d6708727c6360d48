"""The format's own cases: whether each is legal, the rule it breaks first, its metrics."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from slow_judge import SlowJudge, stands

from sbdopt.blocks import Blocks
from sbdopt.judge import judge
from sbdopt.problem import Problem
from sbdopt.solution import Solution

CASES = Path(__file__).parent / "cases"
EXPECTED: dict[str, dict[str, Any]] = json.loads((CASES / "expected.json").read_text())


def load(name: str) -> tuple[Problem, Solution]:
    return Problem.load(CASES / f"{name}.problem.json"), Solution.load(CASES / f"{name}.solution.json")


def judged(problem: Problem, solution: Solution) -> dict[str, Any]:
    verdict = judge(Blocks.of(problem), solution)
    if verdict.metrics is None:
        return {"legal": verdict.legal, "rule": verdict.violations[0].rule}
    return {"legal": verdict.legal, "metrics": asdict(verdict.metrics)}


def judged_slowly(problem: Problem, solution: Solution) -> dict[str, Any]:
    placed = stands(problem, solution)
    if placed is None:
        return {"legal": False, "rule": "complete"}
    judge = SlowJudge(problem, placed)
    rule = judge.first_broken()
    return {"legal": True, "metrics": judge.metrics()} if rule is None else {"legal": False, "rule": rule}


@pytest.mark.parametrize("judgement", [judged, judged_slowly])
@pytest.mark.parametrize("name", EXPECTED)
def test_case_is_judged_as_expected(name, judgement):
    expected = {key: value for key, value in EXPECTED[name].items() if key != "says"}
    assert judgement(*load(name)) == expected


def test_every_file_is_of_a_case_and_every_case_has_its_files():
    files = {path.name for path in CASES.iterdir()} - {"expected.json"}
    assert files == {f"{name}.{part}.json" for name in EXPECTED for part in ("problem", "solution")}
    assert len(EXPECTED) == 28


@pytest.mark.parametrize("name", EXPECTED)
def test_solution_names_the_digest_of_its_problem(name):
    problem, solution = load(name)
    assert solution.problem == problem.name
    assert solution.problem_sha256 == problem.sha256
