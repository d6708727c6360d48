"""What a document claims is compared with what the judge says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sbdopt import InputError, Problem, Solution, check, solve
from sbdopt.documents import parse

CASES = Path(__file__).parent / "cases"


def problem(name: str = "two") -> Problem:
    return Problem.load(CASES / "diagonal.problem.json")


def claiming(**claims: object) -> Solution:
    """A legal and optimal solution, of which some keys are replaced."""
    document = json.loads(solve(problem()).to_bytes())
    metrics = document["metrics"] | claims.pop("metrics", {})
    bounds = document["bounds"] | claims.pop("bounds", {})
    kept = {name: bound for name, bound in bounds.items() if bound is not None}
    return parse(Solution, document | {"metrics": metrics, "bounds": kept} | claims, "solution")


def test_a_solution_that_claims_what_is_true():
    report = check(problem(), claiming())
    assert report.agrees
    assert report.wrong_claims == ()
    assert check(problem(), claiming(metrics={"utilization": 0.5 + 1e-12})).agrees
    assert check(problem(), claiming(bounds={"makespan": None}, status="feasible")).agrees
    assert check(problem(), claiming(solver={"goals": ["makespan"]})).agrees
    assert check(problem(), claiming(solver={"goals": 3, "method": "by hand"})).agrees


def test_a_solution_that_claims_nothing():
    for name in ("diagonal", "single", "digital"):
        report = check(
            Problem.load(CASES / f"{name}.problem.json"), Solution.load(CASES / f"{name}.solution.json")
        )
        assert report.agrees


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"metrics": {"arrays": 2}}, "arrays is said to be 2, but it is 1"),
        ({"metrics": {"utilization": 0.51}}, "utilization is said to be 0.51, but it is 0.5"),
        ({"bounds": {"makespan": 99}}, "makespan is said to be at least 99, but it is "),
        ({"bounds": {"arrays": 2}}, "arrays is said to be at least 2, but it is 1"),
        ({"bounds": {"unused_cells": 0}}, "status is optimal, but unused_cells is 32 and its bound only 0"),
        ({"bounds": {"unused_cells": None}}, "status is optimal, but goal unused_cells has no bound"),
        ({"bounds": {"unused_cells": None, "makespan": None}, "solver": None}, "but there are no bounds"),
        ({"status": "infeasible"}, "status is infeasible, but the placement is legal"),
        ({"status": "unknown"}, "status is unknown, but the placement is legal"),
        ({"problem": "other"}, "problem is called 'other', but its name is 'diagonal'"),
    ],
)
def test_a_claim_that_is_wrong(claims, message):
    report = check(problem(), claiming(**claims))
    assert report.verdict.legal
    assert not report.agrees
    assert len(report.wrong_claims) == 1
    assert message in report.wrong_claims[0]


def test_a_document_without_placements_does_not_agree():
    report = check(problem(), claiming(operators={}, status="unknown", metrics={}))
    assert [violation.rule for violation in report.verdict.violations] == ["complete"]
    assert not report.agrees
    assert not all(agreement.agrees for agreement in report.agreements)


def test_a_solution_of_another_problem():
    other = Problem.load(CASES / "single.problem.json")
    with pytest.raises(InputError, match="solution of another problem: it is for 'diagonal'"):
        check(other, claiming())


def test_every_case_agrees_exactly_if_it_is_legal():
    expected = json.loads((CASES / "expected.json").read_text())
    for name, case in expected.items():
        report = check(
            Problem.load(CASES / f"{name}.problem.json"), Solution.load(CASES / f"{name}.solution.json")
        )
        assert report.agrees == case["legal"], name


def test_seeds_give_other_numbers_and_the_same_verdict():
    reports = [check(problem(), claiming(), seed=seed) for seed in (0, 0, 1)]
    assert [report.agrees for report in reports] == [True] * 3
