"""The door: what methods say is judged, bounds decide the status, and what is wrong is reported."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from brute_force import best, front
from test_greedy import middling_problem
from tiny_problems import tiny_problem

from sbdopt.blocks import Blocks
from sbdopt.errors import InputError
from sbdopt.goals import Bound, Goals
from sbdopt.judge import judge
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.record import Record
from sbdopt.search import METHODS
from sbdopt.search.budget import Budget
from sbdopt.search.method import Finding, Found, Infeasible
from sbdopt.solution import Solution
from sbdopt.solve import solve

GOALS = ("unused_cells", "makespan")


@pytest.fixture
def blocks() -> Blocks:
    """Two operators, one after the other, of one block of 2x2: 3 cycles each, on arrays of 2x4.

    Best is one array, 0 unused cells, and 6 cycles; on an array each it is 8 unused cells and 6 cycles.
    """
    table = {"input": [0], "output": [0], "height": [2], "width": [2]}
    operators = [
        {"name": "one", "shape": [2, 2], "blocks": table},
        {"name": "two", "after": ["one"], "shape": [2, 2], "blocks": table},
    ]
    arrays = [{"name": "a", "rows": 2, "columns": 4, "adcs": 1}]
    document = {"name": "two", "hardware": {"arrays": arrays}, "operators": operators}
    return Blocks.of(Problem.model_validate(document))


def placement(array: tuple[int, int], column: tuple[int, int], start: tuple[int, int]) -> Placement:
    nothing = np.zeros(2, dtype=np.int64)
    return Placement(nothing, np.array(array), nothing, np.array(column), np.array(start))


BEST = placement((0, 0), (0, 2), (0, 3))
SLOW = placement((0, 0), (0, 2), (0, 4))
SPREAD = placement((0, 1), (0, 0), (0, 3))
OVERLAPPING = placement((0, 0), (0, 1), (0, 3))


def scripted(
    monkeypatch: pytest.MonkeyPatch, blocks: Blocks, *findings: Finding, goals: Any = GOALS
) -> Solution:
    """What comes out if a method says this."""

    def method(*_: object) -> Iterator[Finding]:
        yield from findings

    monkeypatch.setitem(METHODS, "scripted", method)
    return solve(blocks.problem, method="scripted", goals=goals, budget=Budget(work=1.0))


def test_optimal_where_bounds_meet_values(monkeypatch: pytest.MonkeyPatch, blocks: Blocks) -> None:
    """The critical path, 6, and the area, 0, prove it, and nothing is asked for after that."""
    solution = scripted(monkeypatch, blocks, Found(SPREAD), Found(BEST), Found(OVERLAPPING))
    assert solution.status == "optimal"
    assert solution.metrics.model_dump()["unused_cells"] == 0
    assert solution.bounds.model_dump(exclude_none=True) == {"unused_cells": 0, "makespan": 6}
    assert solution.solver["history"] == [
        {"unused_cells": 8, "makespan": 6},
        {"unused_cells": 0, "makespan": 6},
    ]
    assert judge(blocks, solution).legal


def test_the_best_is_kept(monkeypatch: pytest.MonkeyPatch, blocks: Blocks) -> None:
    solution = scripted(monkeypatch, blocks, Found(SLOW), Found(SPREAD))
    assert (solution.metrics.unused_cells, solution.metrics.makespan) == (0, 7)
    assert solution.status == "feasible"


def test_nothing_is_known(monkeypatch: pytest.MonkeyPatch, blocks: Blocks) -> None:
    solution = scripted(monkeypatch, blocks)
    assert (solution.status, solution.metrics, solution.operators) == ("unknown", None, {})
    assert solution.bounds.makespan == 6


def test_a_method_may_prove_that_nothing_is_possible(monkeypatch: pytest.MonkeyPatch, blocks: Blocks) -> None:
    solution = scripted(monkeypatch, blocks, Infeasible("so it is"), Found(BEST))
    assert solution.status == "infeasible"
    assert solution.solver["infeasible"] == "so it is"


def test_a_bound_given_values_counts_only_where_they_are_reached(
    monkeypatch: pytest.MonkeyPatch, blocks: Blocks
) -> None:
    """SLOW has no unused cells: a bound of 7 for all with at most that many proves it, one given makespan
    does not speak of it, and one that is given what is not among the goals neither."""
    proof = Bound("makespan", 7, "scripted", (("unused_cells", 0),))
    assert scripted(monkeypatch, blocks, Found(SLOW), proof).status == "optimal"
    assert scripted(monkeypatch, blocks, proof, Found(SLOW)).status == "optimal"
    assert scripted(monkeypatch, blocks, proof, Found(SPREAD)).bounds.makespan == 6
    proof = Bound("makespan", 7, "scripted", (("interval", 100),))
    assert scripted(monkeypatch, blocks, Found(SLOW), proof).status == "feasible"


def test_an_illegal_placement_is_a_fault(monkeypatch: pytest.MonkeyPatch, blocks: Blocks) -> None:
    solution = scripted(monkeypatch, blocks, Found(OVERLAPPING))
    assert (solution.status, solution.operators) == ("unknown", {})
    assert len(solution.solver["faults"]) == 1
    assert "not legal: disjoint" in solution.solver["faults"][0]


@pytest.mark.parametrize("bound_first", [True, False])
@pytest.mark.parametrize(
    "bound",
    [
        Bound("makespan", 8, "scripted"),
        Bound("unused_cells", 1, "scripted"),
        Bound("makespan", 8, "scripted", (("unused_cells", 3),)),
    ],
)
def test_a_bound_above_a_judged_value_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, blocks: Blocks, bound: Bound, bound_first: bool
) -> None:
    findings = [bound, Found(SLOW)] if bound_first else [Found(SLOW), bound]
    solution = scripted(monkeypatch, blocks, *findings)
    assert solution.status == "feasible"
    assert solution.bounds.model_dump(exclude_none=True) == {"unused_cells": 0, "makespan": 6}
    assert len(solution.solver["faults"]) == 1
    assert "scripted" in solution.solver["faults"][0]


def test_a_placement_that_is_not_the_best_refutes_a_bound_too(blocks: Blocks) -> None:
    """SPREAD takes 6 cycles; that SLOW is better in cells does not make a bound of 7 right."""
    record = Record(blocks, Goals(GOALS))
    for finding in (Bound("makespan", 7, "scripted"), Found(SLOW), Found(SPREAD)):
        record.take(finding, 0.0)
    assert record.values() == (0, 7)
    assert len(record.faults) == 1
    assert record.status == "feasible"


def test_a_wrong_proof_that_nothing_is_possible_is_a_fault(blocks: Blocks) -> None:
    for findings in ([Infeasible("not so"), Found(BEST)], [Found(BEST), Infeasible("not so")]):
        record = Record(blocks, Goals(GOALS))
        for finding in findings:
            record.take(finding, 0.0)
        assert record.infeasible is None
        assert len(record.faults) == 1
        assert record.values() == (0, 6)


def test_what_take_says(blocks: Blocks) -> None:
    """Whether anything became better."""
    record = Record(blocks, Goals(GOALS))
    assert record.take(Bound("makespan", 5, "scripted"), 0.0)
    assert not record.take(Bound("makespan", 4, "scripted"), 0.0)
    assert record.take(Found(SPREAD), 0.0)
    assert not record.take(Found(SPREAD), 0.0)
    assert not record.take(Found(OVERLAPPING), 0.0)
    assert record.take(Found(BEST), 0.0)
    assert not record.take(Found(SLOW), 0.0)


def test_an_interrupt_returns_the_best_so_far(blocks: Blocks) -> None:
    def interrupt(record: Record, budget: Budget) -> None:
        raise KeyboardInterrupt

    solution = solve(blocks.problem, method="exact", budget=Budget(work=5.0), watch=interrupt)
    assert solution.solver["interrupted"] is True
    assert solution.bounds.makespan == 6


def test_an_interrupt_may_come_as_the_cause_of_another_error(blocks: Blocks) -> None:
    """As from within a comparison of numpy; an error of another cause is not swallowed."""

    def interrupt(record: Record, budget: Budget) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise TypeError("cannot compare") from error

    def fail(record: Record, budget: Budget) -> None:
        raise TypeError("cannot compare")

    solution = solve(blocks.problem, method="greedy", watch=interrupt)
    assert solution.solver["interrupted"] is True
    with pytest.raises(TypeError, match="cannot compare"):
        solve(blocks.problem, method="greedy", watch=fail)


def test_an_interrupt_that_comes_late_loses_nothing(blocks: Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Placement.to_operators

    def interrupt_once(placement: Placement, blocks: Blocks) -> dict[str, Any]:
        monkeypatch.setattr(Placement, "to_operators", write)
        raise KeyboardInterrupt

    monkeypatch.setattr(Placement, "to_operators", interrupt_once)
    solution = solve(blocks.problem, method="greedy")
    assert solution.solver["interrupted"] is True
    assert judge(blocks, solution).legal


def test_a_start_is_where_the_search_begins(blocks: Blocks) -> None:
    """It is never lost, even if no time is left."""
    spent = Budget(work=0.0)
    solution = solve(blocks.problem, method="auto", budget=spent, start=SLOW)
    assert solution.metrics is not None
    assert solution.metrics.unused_cells == 0


@pytest.mark.parametrize("goals", [(), ("makespan", "makespan"), ("speed",), ("utilization",)])
def test_goals_that_cannot_be(blocks: Blocks, goals: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="goal"):
        solve(blocks.problem, goals=goals)


def test_a_method_that_does_not_exist(blocks: Blocks) -> None:
    with pytest.raises(InputError, match=r"'magic'.*auto"):
        solve(blocks.problem, method="magic")


@pytest.mark.parametrize("method", ["auto", "exact", "greedy"])
@pytest.mark.parametrize("goals", [GOALS, ("makespan", "unused_cells"), ("interval", "unused_cells")])
def test_the_same_bytes_twice(method: str, goals: tuple[str, ...]) -> None:
    """One worker, a seed and a limit of work; the tiny ones are solved to the end, the last is not."""
    problems = [tiny_problem(Random(seed)) for seed in range(5)] + [middling_problem(Random(10))]
    for problem in problems:
        one, two = (
            solve(problem, method=method, goals=goals, budget=Budget(work=0.1), seed=7).to_bytes()
            for _ in range(2)
        )
        assert one == two


@pytest.mark.parametrize("method", sorted(METHODS))
def test_problems_without_blocks(method: str) -> None:
    """Digital operators only, and an operator with no block between them: 4 + 3 cycles, no array."""
    nothing: dict[str, list[int]] = {"input": [], "output": [], "height": [], "width": []}
    operators = [
        {"name": "d", "cycles": 4},
        {"name": "e", "shape": [2, 2], "blocks": nothing, "after": ["d"]},
        {"name": "f", "cycles": 3, "after": ["e"]},
    ]
    hardware = {"arrays": [{"name": "a", "rows": 2, "columns": 4, "adcs": 1}]}
    problem = Problem.model_validate({"name": "none", "hardware": hardware, "operators": operators})
    solution = solve(problem, method=method, budget=Budget(work=1.0))
    assert solution.status == "optimal"
    assert (solution.metrics.arrays, solution.metrics.unused_cells, solution.metrics.makespan) == (0, 0, 7)


@pytest.mark.parametrize("method", ["greedy", "linear", "sparsemap", "densemap"])
def test_no_method_says_optimal_of_what_is_not(method: str) -> None:
    for seed in range(40):
        problem = tiny_problem(Random(seed))
        found, solution = front(problem), solve(problem, method=method, budget=Budget(work=1.0))
        assert "faults" not in solution.solver
        assert solution.status != "infeasible" or not found
        if solution.status == "optimal":
            values = best(found, GOALS).values
            assert [getattr(solution.metrics, goal) for goal in GOALS] == [values[goal] for goal in GOALS]
