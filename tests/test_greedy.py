"""The constructions: always an answer where room is unlimited, always legal, scored as the judge does."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pytest
from brute_force import NOT_LEGAL, all_places, duration, front
from diagonals import chained
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import placements, problems
from tiny_problems import tiny_problem

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.judge import judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.greedy import greedy
from sbdopt.search.joining import can_be_read, join
from sbdopt.search.method import Found
from sbdopt.search.schedule import make_steps, schedule
from sbdopt.search.score import score

GOALS = (("unused_cells", "makespan"), ("makespan", "unused_cells"), ("interval",), ("interval", "makespan"))
randoms = st.randoms(use_true_random=True)


def unlimited(problem: Problem) -> Problem:
    """As many arrays of the kinds as anyone wants."""
    arrays = [kind.model_copy(update={"count": None}) for kind in problem.hardware.arrays]
    hardware = problem.hardware.model_copy(update={"arrays": arrays})
    return problem.model_copy(update={"hardware": hardware})


def constructed(problem: Problem, goals: tuple[str, ...]) -> list[Placement]:
    """All that greedy finds, each of which is legal and worth what its own score says."""
    blocks = Blocks.of(problem)
    result = []
    for finding in greedy(blocks, Goals(goals), Budget(seconds=float("inf")), 0, None):
        assert isinstance(finding, Found)
        metrics = judge_placement(blocks, finding.placement).metrics
        assert metrics is not None, judge_placement(blocks, finding.placement).violations
        values = score(blocks, finding.placement)
        assert {name: getattr(metrics, name) for name in values} == values
        result.append(finding.placement)
    return result


@settings(max_examples=300, deadline=None)
@given(problems().map(unlimited), st.sampled_from(GOALS))
def test_unlimited_room(problem: Problem, goals: tuple[str, ...]) -> None:
    assert constructed(problem, goals)


@settings(max_examples=100, deadline=None)
@given(problems(), st.sampled_from(GOALS))
def test_limited_room(problem: Problem, goals: tuple[str, ...]) -> None:
    """It may find nothing, but what it finds is legal."""
    constructed(problem, goals)


@settings(max_examples=100, deadline=None)
@given(randoms, st.sampled_from(GOALS))
def test_no_better_than_possible(random: Random, goals: tuple[str, ...]) -> None:
    problem = tiny_problem(random)
    found = front(problem)
    for placement in constructed(problem, goals):
        values = score(Blocks.of(problem), placement)
        assert any(all(one.values[name] <= values[name] for name in values) for one in found)


def middling_problem(random: Random) -> Problem:
    """Some dozens of blocks of up to 8x8, on arrays of two kinds; operators in a graph of some depth."""
    operators: list[dict[str, Any]] = []
    for number in range(random.randint(3, 10)):
        before = [operator["name"] for operator in operators]
        after = random.sample(before, min(len(before), random.choice((0, 1, 1, 2))))
        if random.random() < 0.2:
            operators.append({"name": f"o{number}", "after": after, "cycles": random.randint(0, 9)})
            continue
        height, width = random.randint(1, 8), random.randint(1, 8)
        grid = [(i, j) for i in range(4) for j in range(4)]
        chosen = random.sample(grid, random.randint(1, 8))
        table = {
            "input": [i * height for i, _ in chosen],
            "output": [j * width for _, j in chosen],
            "height": [random.randint(1, height) for _ in chosen],
            "width": [random.randint(1, width) for _ in chosen],
        }
        operators.append(
            {
                "name": f"o{number}",
                "after": after,
                "input": random.choice((None, "x", "y")),
                "shape": [4 * height, 4 * width],
                "blocks": table,
            }
        )
    faults = [[random.randrange(5), random.randrange(12), random.randrange(12), 2, 3] for _ in range(3)]
    arrays = [
        {"name": "a", "rows": 16, "columns": 16, "adcs": 4, "tiers": random.choice((1, 2)), "faults": faults},
        {"name": "b", "rows": 8, "columns": 12, "adcs": 2, "count": random.choice((None, 2))},
    ]
    hardware = {"arrays": arrays, "rows_per_phase": random.choice((None, 4)), "conversion_cycles_per_bit": 1}
    return Problem.model_validate({"name": "middling", "hardware": hardware, "operators": operators})


@pytest.mark.parametrize("seed", range(20))
def test_dozens_of_blocks(seed: int) -> None:
    for goals in GOALS:
        assert constructed(middling_problem(Random(seed)), goals)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_score_is_what_the_judge_says(data: st.DataObject) -> None:
    problem = data.draw(problems())
    placement = data.draw(placements(problem))
    blocks = Blocks.of(problem)
    metrics = judge_placement(blocks, placement).metrics
    if metrics is not None:
        values = score(blocks, placement)
        assert {name: getattr(metrics, name) for name in values} == values


@settings(max_examples=60, deadline=None)
@given(problems().map(unlimited))
def test_no_step_could_begin_earlier(problem: Problem) -> None:
    """Each is put into the earliest gap that its operators allow; so none alone can be moved forward."""
    blocks = Blocks.of(problem)
    for placement in constructed(problem, ("unused_cells", "makespan"))[:1]:
        steps = np.stack([placement.kind, placement.array, placement.start], axis=1)
        for step in np.unique(steps, axis=0):
            here = (steps[:, :2] == step[:2]).all(axis=1)
            begins = set(placement.start[here].tolist())
            for start in set(range(min(20, step[2]))) - begins:  # else it would join another step
                earlier = np.where(here & (placement.start == step[2]), start, placement.start)
                moved = Placement(placement.kind, placement.array, placement.row, placement.column, earlier)
                assert not judge_placement(blocks, moved).legal


@settings(max_examples=200, deadline=None)
@given(randoms)
def test_what_can_be_read_in_one_step(random: Random) -> None:
    problem = tiny_problem(random)
    blocks = Blocks.of(problem)
    number = random.randrange(len(problem.hardware.arrays))
    faults = tuple(tuple(fault[1:]) for fault in problem.hardware.arrays[number].faults if fault[0] == 0)
    members = tuple(range(len(blocks)))
    rows, columns = all_places(blocks, number, faults, members)
    if not (len(rows) and members):
        return
    some = random.sample(range(len(rows)), min(len(rows), 20))
    for step in (step for size in members for step in combinations(members, size + 1)):
        legal = duration(blocks, number, faults, members, rows, columns, step) < NOT_LEGAL
        for place in [*some, *np.flatnonzero(legal)[:3]]:
            everywhere = np.zeros(len(blocks), dtype=np.int64)
            places = Places(everywhere + number, everywhere, rows[place], columns[place])
            faulty = np.array(faults, dtype=np.int64).reshape(-1, 4)
            assert can_be_read(blocks, places, list(step), np.array(members), faulty) == legal[place]


def problem_of(sizes: list[list[tuple[int, int]]], chain: bool, adcs: int, **hardware: Any) -> Blocks:
    """Operators of blocks on the diagonals of their matrices, on 8x8 arrays."""
    operators = chained(sizes)
    if not chain:
        operators = [operator | {"after": []} for operator in operators]
    arrays = [{"name": "a", "rows": 8, "columns": 8, "adcs": adcs}]
    document = {"name": "example", "hardware": {"arrays": arrays} | hardware, "operators": operators}
    return Blocks.of(Problem.model_validate(document))


def joined(blocks: Blocks, row: list[int], column: list[int]) -> list[int]:
    nothing = np.zeros(len(blocks), dtype=np.int64)
    places = Places(nothing, nothing, np.array(row), np.array(column))
    return join(blocks, places, Budget()).tolist()


def test_joined_on_the_diagonal_where_that_is_shorter() -> None:
    """Two of 2x2 on 4 converters: 1 + 1 cycles together, twice that apart. A third crosses the first two.

    On one converter without settling nothing is gained: 4 conversions are 4 cycles either way.
    """
    sizes = [[(2, 2), (2, 2)], [(2, 2)]]
    blocks = problem_of(sizes, chain=True, adcs=4)
    assert joined(blocks, [0, 2, 4], [0, 2, 4]) == [0, 0, 2]
    assert joined(blocks, [0, 2, 2], [0, 2, 0]) == [0, 1, 2]
    blocks = problem_of(sizes, chain=True, adcs=1, settle_cycles=0)
    assert joined(blocks, [0, 2, 4], [0, 2, 4]) == [0, 1, 2]


def test_joined_with_an_operator_that_is_ready_at_the_same_time() -> None:
    assert joined(problem_of([[(2, 2)], [(2, 2)]], chain=False, adcs=4), [0, 2], [0, 2]) == [0, 0]
    assert joined(problem_of([[(2, 2)], [(2, 2)]], chain=True, adcs=4), [0, 2], [0, 2]) == [0, 1]


def test_a_step_fills_the_gap_before_one_that_must_wait() -> None:
    """On one array o2 waits for o0 and o1 (3 cycles each, on arrays of their own), and o3, which is free to
    run, has 3 cycles: it runs before o2 though it comes last, and nothing takes longer than 6 cycles."""
    problem = problem_of([[(2, 2)]] * 4, chain=False, adcs=1).problem
    operators = [*problem.operators]
    operators[2] = operators[2].model_copy(update={"after": ["o0", "o1"]})
    blocks = Blocks.of(problem.model_copy(update={"operators": operators}))
    array, place = np.array([0, 1, 2, 2]), np.array([0, 0, 0, 2])
    steps = make_steps(blocks, np.zeros(4, dtype=np.int64), array, place, np.arange(4))
    assert steps.cycles.tolist() == [3, 3, 3, 3]
    assert schedule(blocks, steps).tolist() == [0, 0, 3, 0]


def test_a_step_waits_for_all_its_operators() -> None:
    """o2 is after o0 and read together with o1, which could begin at once: 3 cycles later they may."""
    problem = problem_of([[(2, 2)]] * 3, chain=False, adcs=1).problem
    operators = [*problem.operators]
    operators[2] = operators[2].model_copy(update={"after": ["o0"]})
    blocks = Blocks.of(problem.model_copy(update={"operators": operators}))
    array, place = np.array([0, 1, 1]), np.array([0, 0, 2])
    steps = make_steps(blocks, np.zeros(3, dtype=np.int64), array, place, np.array([0, 1, 1]))
    assert steps.cycles.tolist() == [3, 5]
    assert schedule(blocks, steps).tolist() == [0, 3, 3]


def test_operators_that_run_one_after_the_other_share_arrays() -> None:
    """Four operators of four 4x4 blocks fill four arrays of 8x8, each operator on all four: 4 * (1 + 4)."""
    blocks = problem_of([[(4, 4)] * 4] * 4, chain=True, adcs=1)
    metrics = judge_placement(blocks, constructed(blocks.problem, ("unused_cells", "makespan"))[-1]).metrics
    assert metrics is not None
    assert (metrics.unused_cells, metrics.makespan) == (0, 20)


def test_operators_that_run_at_the_same_time_get_arrays_of_their_own() -> None:
    """Makespan first: eight blocks that run together take eight arrays, and 1 + 4 cycles."""
    blocks = problem_of([[(4, 4)] * 4] * 2, chain=False, adcs=1)
    metrics = judge_placement(blocks, constructed(blocks.problem, ("makespan", "unused_cells"))[0]).metrics
    assert metrics is not None
    assert (metrics.arrays, metrics.makespan) == (8, 5)
