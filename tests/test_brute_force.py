"""What the tests of the methods trust: that trying everything agrees with the judge and misses nothing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from brute_force import NOT_LEGAL, VALUES, all_places, duration, front
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_problems import tiny_problem

from sbdopt.blocks import Blocks
from sbdopt.judge import judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem

tiny_problems = st.randoms(use_true_random=True).map(tiny_problem)


def without_order(problem: Problem) -> Problem:
    operators = [operator.model_copy(update={"after": []}) for operator in problem.operators]
    return problem.model_copy(update={"operators": operators})


@settings(max_examples=200, deadline=None)
@given(tiny_problems, st.data())
def test_legal_steps_and_their_durations(problem: Problem, data: st.DataObject) -> None:
    """All blocks stand on one array; a step is read last, the other blocks one by one before."""
    problem = without_order(problem)
    blocks = Blocks.of(problem)
    number = data.draw(st.integers(0, len(problem.hardware.arrays) - 1))
    kind = problem.hardware.arrays[number]
    array = data.draw(st.integers(0, (kind.count or 3) - 1))
    faults = tuple(tuple(fault[1:]) for fault in kind.faults if fault[0] == array)
    members = tuple(range(len(blocks)))
    rows, columns = all_places(blocks, number, faults, members)
    if not (len(rows) and members):
        return
    place = data.draw(st.integers(0, len(rows) - 1))
    step = tuple(sorted(data.draw(st.sets(st.sampled_from(members), min_size=1))))
    row, column = rows[place : place + 1], columns[place : place + 1]
    cycles = int(duration(blocks, number, faults, members, row, column, step)[0])
    everywhere = np.ones(len(blocks), dtype=np.int64)
    start = 1000 * np.arange(len(blocks))
    start[list(step)] = last = 1000 * len(blocks)
    placement = Placement(number * everywhere, array * everywhere, row[0], column[0], start)
    verdict = judge_placement(blocks, placement)
    assert verdict.legal == (cycles < NOT_LEGAL)
    if verdict.metrics is not None:
        assert verdict.metrics.makespan == last + cycles


@settings(max_examples=100, deadline=None)
@given(tiny_problems)
def test_what_it_finds_is_legal_and_has_these_values(problem: Problem) -> None:
    blocks = Blocks.of(problem)
    for found in front(problem):
        metrics = judge_placement(blocks, found.placement).metrics
        assert metrics is not None
        assert {name: getattr(metrics, name) for name in VALUES} == found.values


def naive(problem: Problem, most_arrays: int, latest: int) -> set[tuple[int, ...]]:
    """The values of all legal placements whatsoever, one by one."""
    blocks = Blocks.of(problem)
    one = [
        (number, array, row, column, start)
        for number, kind in enumerate(problem.hardware.arrays)
        for array in range(min(kind.count or most_arrays, most_arrays))
        for row in range(kind.rows)
        for column in range(kind.columns)
        for start in range(latest + 1)
    ]
    values = set()
    for places in product(one, repeat=len(blocks)):
        metrics = judge_placement(blocks, Placement(*np.array(places, dtype=np.int64).T)).metrics
        if metrics is not None:
            values.add(tuple(getattr(metrics, name) for name in VALUES))
    return values


def least(values: set[tuple[int, ...]]) -> set[tuple[int, ...]]:
    """Those that no other is at most as large as in every place."""
    return {
        one
        for one in values
        if not any(other != one and all(map(int.__le__, other, one)) for other in values)
    }


ONE = {"input": [0], "output": [0], "height": [1], "width": [1]}
STACKED = {"input": [0, 1], "output": [0, 0], "height": [1, 1], "width": [1, 1]}
NARROW = {"name": "a", "rows": 2, "columns": 2, "adcs": 1}


@pytest.mark.parametrize(
    ("arrays", "operators", "latest"),
    [
        pytest.param(
            [NARROW | {"count": 1}],
            [
                {"name": "p", "input": "x", "shape": [2, 1], "blocks": STACKED},
                {"name": "q", "input": "x", "shape": [2, 1], "blocks": ONE},
            ],
            2,
            id="partial sums and a shared input",
        ),
        pytest.param(
            [NARROW | {"count": 3, "tiers": 2}],
            [{"name": "p", "shape": [2, 2], "blocks": STACKED | {"output": [0, 1], "width": [1, 1]}}],
            3,
            id="arrays on one tile and not",
        ),
        pytest.param(
            [NARROW | {"count": 1, "faults": [[0, 1, 1, 1, 1]]}],
            [
                {"name": "p", "shape": [2, 1], "blocks": STACKED},
                {"name": "wait", "cycles": 1, "after": ["p"]},
                {"name": "q", "after": ["wait"], "shape": [1, 1], "blocks": ONE},
            ],
            3,
            id="a chain beside a fault",
        ),
        pytest.param(
            [NARROW | {"faults": [[0, 0, 0, 2, 1]]}, {"name": "b", "rows": 1, "columns": 1, "adcs": 1}],
            [
                {"name": "p", "shape": [1, 2], "blocks": ONE | {"width": [2]}},
                {"name": "q", "shape": [1, 1], "blocks": ONE},
            ],
            4,
            id="two kinds",
        ),
        pytest.param(
            [NARROW | {"count": 1}],
            [
                {"name": "p", "shape": [2, 2], "blocks": ONE | {"width": [2], "height": [2]}},
                {"name": "q", "shape": [1, 1], "blocks": ONE},
            ],
            4,
            id="no room",
        ),
    ],
)
def test_nothing_is_missed(
    arrays: list[dict[str, object]], operators: list[dict[str, object]], latest: int
) -> None:
    hardware = {"arrays": arrays, "settle_cycles": 0}
    problem = Problem.model_validate({"name": "small", "hardware": hardware, "operators": operators})
    values = {tuple(found.values[name] for name in VALUES) for found in front(problem)}
    assert values == least(naive(problem, 3, latest))
