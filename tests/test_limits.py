"""Limits: only what is within them counts; that nothing is, is said only where it is proven."""

from __future__ import annotations

from random import Random

import pytest
from brute_force import VALUES, best, front
from commands import changed, good, kind, said, write
from diagonals import diagonal
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bounds import array, problem_of
from test_greedy import middling_problem
from tiny_problems import tiny_problem

from sbdopt.cli import main
from sbdopt.errors import InputError
from sbdopt.goals import Bound, Goals
from sbdopt.problem import Problem
from sbdopt.search import METHODS
from sbdopt.search.budget import Budget
from sbdopt.search.method import Found
from sbdopt.search.packing import Sizes, fill
from sbdopt.search.score import score
from sbdopt.search.widening import widen
from sbdopt.solution import Solution
from sbdopt.solve import solve

ORDERS = (
    ("makespan", "arrays"),
    ("unused_cells", "makespan"),
    ("arrays", "makespan"),
    ("makespan", "unused_cells"),
    ("interval", "arrays"),
    ("arrays",),
)


def drawn(random: Random) -> tuple[Problem, list[dict[str, int]], dict[str, int]]:
    """A tiny problem, what is possible, and limits that are somewhere near it."""
    problem = tiny_problem(random)
    found = front(problem)
    near = random.choice(found).values if found else dict.fromkeys(VALUES, 3)
    names = random.sample(VALUES, random.choice((1, 1, 2)))
    return problem, found, {name: max(0, near[name] + random.choice((-1, 0, 0, 2))) for name in names}


def check(random: Random, method: str) -> None:
    problem, found, limits = drawn(random)
    goals = random.choice(ORDERS)
    within = [one for one in found if Goals(goals, limits).allow(one.values)]
    budget = Budget(seconds=float("inf"), work=30.0)
    solution = solve(problem, method=method, goals=goals, limits=limits, budget=budget)
    assert "faults" not in solution.solver
    assert solution.solver["limits"] == limits
    if not within:
        assert solution.status == "infeasible"
        return
    values = best(within, goals).values
    assert solution.status == "optimal", values
    assert [getattr(solution.metrics, goal) for goal in goals] == [values[goal] for goal in goals]
    assert all(getattr(solution.metrics, name) <= most for name, most in limits.items())


@settings(max_examples=50, deadline=None)
@given(st.randoms(use_true_random=True), st.sampled_from(["exact", "auto"]))
def test_as_good_as_trying_everything(random: Random, method: str) -> None:
    check(random, method)


@pytest.mark.parametrize("seed", range(40))
def test_seeded_problems(seed: int) -> None:
    check(Random(seed), "auto")


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=True), st.sampled_from(sorted(METHODS)))
def test_no_method_says_what_is_not_so(random: Random, method: str) -> None:
    """It may find nothing, but then it says infeasible only if that is so, and optimal likewise."""
    problem, found, limits = drawn(random)
    goals = random.choice(ORDERS)
    within = [one for one in found if Goals(goals, limits).allow(one.values)]
    solution = solve(problem, method=method, goals=goals, limits=limits, budget=Budget(work=0.01))
    assert "faults" not in solution.solver
    assert solution.status != "infeasible" or not within
    if solution.status == "optimal":
        values = best(within, goals).values
        assert [getattr(solution.metrics, goal) for goal in goals] == [values[goal] for goal in goals]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("goals", ORDERS)
def test_constructions_keep_to_a_number_of_arrays(seed: int, goals: tuple[str, ...]) -> None:
    """Whatever number from the fewest that greedy finds: each is legal and within the limit."""
    problem = middling_problem(Random(seed))
    fewest = solve(problem, method="greedy", goals=("arrays",)).metrics.arrays
    for most in (fewest, fewest + 1, fewest + 3):
        solution = solve(problem, method="greedy", goals=goals, limits={"arrays": most})
        assert "faults" not in solution.solver
        assert solution.metrics.arrays <= most


def test_more_arrays_are_used_where_that_is_faster() -> None:
    """Twelve blocks of 4x4 of one operator, each 1 + 4 cycles on one converter: four fill an array of 8x8.
    Six arrays have two each, 10 cycles; three are full and take 20. With 10 cycles allowed six are found."""
    blocks = problem_of([diagonal("a", [(4, 4)] * 12)], [array(8, 8, 1)])

    def values(goals: tuple[str, ...], **limits: int) -> tuple[int, int]:
        metrics = solve(blocks.problem, method="greedy", goals=goals, limits=limits).metrics
        return metrics.arrays, metrics.makespan

    assert values(("makespan", "arrays"), arrays=6) == (6, 10)
    assert values(("makespan", "arrays"), arrays=3) == (3, 20)
    assert values(("makespan", "arrays"), arrays=5) == (4, 15)
    assert values(("arrays", "makespan"), makespan=10) == (6, 10)
    assert values(("unused_cells", "makespan"), interval=19) == (4, 15)


def test_widening_takes_arrays_without_faults_only() -> None:
    """Of five arrays two are faulty: one that is filled becomes three, and no more."""
    faults = [[1, 0, 0, 1, 1], [3, 2, 2, 1, 1]]
    blocks = problem_of([diagonal("a", [(4, 4)] * 4)], [array(8, 8, 1, count=5, faults=faults)])
    sizes = Sizes.of(blocks)
    fillings = fill(blocks.hardware.arrays, sizes, [0], Budget())
    assert len(fillings) == 1
    assert sorted(filling.array for filling in widen(blocks, fillings, 2)) == [0, 2]
    assert sorted(filling.array for filling in widen(blocks, fillings, 9)) == [0, 2, 4]
    assert {filling.places for filling in widen(blocks, fillings, 9)} == {fillings[0].places}


def test_a_bound_above_a_limit_proves_that_nothing_is_possible() -> None:
    """Two blocks of 8x8 need two arrays of 8x8 and, on one converter, 1 + 8 cycles."""
    problem = problem_of([diagonal("a", [(8, 8)] * 2)], [array(8, 8, 1)]).problem
    for limits, said_so in (
        ({"arrays": 1}, "arrays can be no less than 2 (gcd area), but the limit is 1"),
        ({"makespan": 8}, "makespan can be no less than 9 (critical path), but the limit is 8"),
        ({"makespan": 17, "interval": 8}, "interval can be no less than 9 (slowest block)"),
        ({"arrays": 2, "interval": 8}, "arrays can be no less than 3 (arrays for the interval)"),
    ):
        solution = solve(problem, limits=limits)
        assert solution.status == "infeasible"
        assert said_so in solution.solver["infeasible"]
    assert solve(problem, limits={"arrays": 2, "makespan": 9}).status == "optimal"


def test_a_proof_that_comes_from_a_method_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """But not one that supposes more than the limits say."""
    problem = problem_of([diagonal("a", [(8, 8)] * 2)], [array(8, 8, 1)]).problem
    for given_values, status in (((), "infeasible"), ((("arrays", 3),), "infeasible"),
                                 ((("arrays", 1),), "unknown"), ((("interval", 9),), "unknown")):  # fmt: skip
        proof = Bound("makespan", 99, "scripted", given_values)
        monkeypatch.setitem(METHODS, "scripted", lambda *_, proof=proof: iter([proof]))
        limits = {"makespan": 98, "arrays": 2}
        assert solve(problem, method="scripted", limits=limits).status == status


def test_what_is_beyond_the_limits_is_counted_and_no_fault() -> None:
    problem = problem_of([diagonal("a", [(4, 4)] * 4)], [array(8, 8, 1)]).problem
    solution = solve(problem, method="linear", limits={"arrays": 3})
    assert (solution.status, solution.metrics) == ("unknown", None)
    assert solution.solver["beyond_limits"] == 1
    assert "faults" not in solution.solver


def test_a_start_beyond_the_limits_does_not_count() -> None:
    problem = problem_of([diagonal("a", [(4, 4)] * 4)], [array(8, 8, 1)])
    (found,) = METHODS["linear"](problem, Goals(), Budget(), 0, None)
    assert isinstance(found, Found)
    assert score(problem, found.placement)["arrays"] == 4
    solution = solve(problem.problem, method="auto", limits={"arrays": 3}, start=found.placement)
    assert solution.metrics.arrays <= 3


@pytest.mark.parametrize("limits", [{"speed": 1}, {"arrays": -1}, {"steps": 4}])
def test_limits_that_cannot_be(limits: dict[str, int]) -> None:
    problem = problem_of([diagonal("a", [(4, 4)])], [array(8, 8, 1)]).problem
    with pytest.raises(InputError, match="limit"):
        solve(problem, limits=limits)


def test_the_command_keeps_to_limits(folder, capsys):
    """Three arrays are enough for the three blocks on arrays of their own; two suffice."""
    write(folder / "p.json", good())
    limits = ["--limit", "arrays=2", "--limit", "makespan=20"]
    assert main(["solve", "p.json", "-o", "s.json", *limits, "--goal", "makespan,arrays"]) == 0
    solution = Solution.load(folder / "s.json")
    assert solution.solver["limits"] == {"arrays": 2, "makespan": 20}
    assert solution.metrics.arrays == 2
    assert main(["check", "p.json", "s.json"]) == 0
    capsys.readouterr()
    line = said(capsys, "solve", "p.json", "--limit", "arrays=1", code=1)
    assert "good: infeasible: arrays can be no less than 2" in line
    line = said(capsys, "solve", "p.json", "--limit", "unused_cells=15", "--method", "linear", code=1)
    assert "good: unknown: nothing within the limits (1 beyond them) was found in " in line


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (["arrays"], "limit 'arrays' is not NAME=NUMBER, such as arrays=500"),
        (["arrays=-1"], "limit 'arrays=-1' is not NAME=NUMBER"),
        (["arrays=1.5"], "limit 'arrays=1.5' is not NAME=NUMBER"),
        (["speed=3"], "'speed' cannot be limited; only unused_cells, arrays, makespan, interval can"),
        (["arrays=1", "arrays=2"], "arrays is limited twice"),
    ],
)
def test_limits_that_are_wrong_are_one_line_and_exit_code_2(limits, message, folder, capsys):
    write(folder / "p.json", changed(kind(count=3)))
    options = [part for limit in limits for part in ("--limit", limit)]
    assert message in said(capsys, "solve", "p.json", *options, code=2)
