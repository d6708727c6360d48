"""What the exact model leaves out - arrays, places, solutions that are alike - costs nothing."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from diagonals import diagonal
from exact_models import every_slot, least_of_plain_model
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_problems import small_problem

from sbdopt.blocks import Blocks
from sbdopt.problem import ArrayKind, Problem
from sbdopt.search.budget import Budget
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.slots import Rectangle, _apart, alike, slots_of
from sbdopt.solve import solve

GOALS = (
    ("unused_cells", "makespan"),
    ("makespan", "unused_cells"),
    ("interval", "unused_cells"),
    ("unused_cells", "interval"),
    ("makespan", "interval"),
)


def check(problem: Problem, goals: tuple[str, ...]) -> None:
    """The exact method finds what a model of nothing but the rules finds."""
    blocks = Blocks.of(problem)
    solution = solve(problem, method="exact", goals=goals, budget=Budget(seconds=float("inf"), work=30.0))
    limits: dict[str, int] = {}
    for goal in goals:
        value = least_of_plain_model(blocks, goal, limits, horizon=1000)
        if value is None:
            assert solution.status == "infeasible"
            return
        limits[goal] = value
    assert solution.status == "optimal"
    assert {goal: getattr(solution.metrics, goal) for goal in goals} == limits


@pytest.mark.parametrize("blocks", [5, 6, 7])
@pytest.mark.parametrize("seed", range(12))
def test_as_good_as_the_rules_alone(blocks: int, seed: int) -> None:
    random = Random(1000 * blocks + seed)
    check(small_problem(random, blocks), GOALS[seed % len(GOALS)])


def problem_of(sizes: list[tuple[int, int]], arrays: list[dict[str, Any]], **hardware: Any) -> Problem:
    """One operator of blocks on the diagonal of its matrix."""
    operators = [diagonal("a", sizes)]
    document = {"name": "alike", "hardware": {"arrays": arrays} | hardware, "operators": operators}
    return Problem.model_validate(document)


def array(rows: int, columns: int, **more: Any) -> dict[str, Any]:
    return {"name": f"{rows}x{columns}", "rows": rows, "columns": columns, "adcs": 2} | more


@pytest.mark.parametrize(
    ("sizes", "arrays"),
    [
        pytest.param([(2, 2)] * 6, [array(5, 5, count=2)], id="alike on arrays with room"),
        pytest.param([(2, 2)] * 4, [array(5, 5, count=2, faults=[[0, 2, 2, 1, 1]])], id="around a fault"),
        pytest.param([(1, 3), (3, 1)] * 2, [array(4, 4, faults=[[0, 0, 0, 1, 1]])], id="a pinwheel"),
        pytest.param(
            [(2, 3), (3, 2)] * 2 + [(1, 1)], [array(5, 5, count=1)], id="a pinwheel with a block inside"
        ),
        pytest.param([(2, 1)] * 5, [array(3, 4), array(2, 5, count=1, tiers=2)], id="kinds"),
        pytest.param([(2, 2)] * 5, [array(4, 3, count=5, tiers=2)], id="tiles of two and of one"),
        pytest.param(
            [(3, 3)] * 2 + [(1, 1)] * 3,
            [array(5, 5, count=2, faults=[[1, 0, 0, 2, 5], [1, 1, 1, 4, 1]])],
            id="faults that overlap",
        ),
        pytest.param([(2, 2)] * 3, [array(7, 7, count=1, faults=[[0, 1, 1, 1, 5]])], id="odd places"),
    ],
)
@pytest.mark.parametrize("goals", [("unused_cells", "makespan"), ("makespan", "unused_cells")])
def test_families(sizes: list[tuple[int, int]], arrays: list[dict[str, Any]], goals: tuple[str, ...]) -> None:
    check(problem_of(sizes, arrays, settle_cycles=2), goals)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_shared_lines_decide_where_blocks_stand(first: int, turned: bool) -> None:
    """Two blocks of 3x2 that read inputs 0 to 2 and 1 to 3 stand side by side in 4 rows, one row apart: no
    sum of heights, and never the other way up. In one step they take 1 + 4 cycles, apart at least 6. The same
    for blocks of 2x3 that add to outputs 0 to 2 and 1 to 3: 1 + 4 cycles against 8."""
    begin, nothing = [first, 1 - first], [0, 2]
    table = {"input": begin, "output": nothing, "height": [3, 3], "width": [2, 2]}
    if turned:
        table = {"input": nothing, "output": begin, "height": [2, 2], "width": [3, 3]}
    operators = [{"name": "a", "shape": [4, 4], "blocks": table}]
    hardware = {"arrays": [array(4, 4, count=1) | {"adcs": 1}]}
    problem = Problem.model_validate({"name": "shared", "hardware": hardware, "operators": operators})
    solution = solve(problem, method="exact", goals=("makespan",), budget=Budget(work=30.0))
    assert (solution.status, solution.metrics.makespan) == ("optimal", 5)


def test_places_around_a_fault() -> None:
    """One 2x2 and one 3x3 on 7x7 with a fault in row and column 1: from 0 or 2 on, or after the other."""
    problem = problem_of([(2, 2), (3, 3)], [array(7, 7, count=1, faults=[[0, 1, 1, 1, 1]])])
    relations = Relations(Blocks.of(problem), tuple(slots_of(problem.hardware.arrays, [2])))
    assert relations.row_places == [[0, 2, 3, 5], [0, 2, 4]]
    assert relations.column_places == [[0, 2, 3, 5], [0, 2, 4]]


def test_units() -> None:
    """Heights 4 and 6 and faults on even rows: 2; widths 3 and 3, and no fault on odd columns: 3."""
    faults = [[0, 8, 3, 2, 3]]
    problem = problem_of([(4, 3), (6, 3)], [array(11, 11, count=1, faults=faults)])
    relations = Relations(Blocks.of(problem), tuple(slots_of(problem.hardware.arrays, [2])))
    assert (relations.row_unit, relations.column_unit) == (2, 3)


def slots(most: int, **more: Any) -> list[tuple[int, int]]:
    """Array and tile of the slots for at most so many arrays."""
    kind = ArrayKind.model_validate(array(4, 4, **more))
    return [(slot.array, slot.tile[1]) for slot in slots_of([kind], [most])]


def test_slots() -> None:
    """A tile each where there are as many; else all arrays, but no more of one tile than are needed."""
    assert slots(2) == [(0, 0), (1, 1)]
    assert slots(2, tiers=3) == [(0, 0), (3, 1)]
    assert slots(2, tiers=2, faults=[[0, 0, 0, 1, 1], [2, 0, 0, 1, 1], [3, 0, 0, 1, 1]]) == [(1, 0), (4, 2)]
    assert slots(2, tiers=2, count=2) == [(0, 0), (1, 0)]
    assert slots(2, tiers=4, count=6) == [(0, 0), (4, 1)]
    assert slots(3, tiers=4, count=6) == [(0, 0), (1, 0), (2, 0), (4, 1), (5, 1)]
    assert slots(1, count=2, faults=[[0, 0, 0, 1, 1]]) == [(1, 1)]
    assert slots(2, count=2, faults=[[0, 0, 0, 1, 1]]) == [(0, 0), (1, 1)]
    assert slots(2, tiers=3, count=3, faults=[[a, 0, 0, 1, 1] for a in (0, 1)]) == [(0, 0), (1, 0), (2, 0)]


def test_alike() -> None:
    """Arrays of one tile, or each with a tile of its own; never one with faults, nor of another kind."""
    kinds = [
        ArrayKind.model_validate(array(4, 4, count=4, faults=[[1, 0, 0, 1, 1]])),
        ArrayKind.model_validate(array(5, 4, count=5, tiers=2)),
    ]
    all_slots = slots_of(kinds, [5, 5])
    assert [(slot.kind, slot.array) for slot in all_slots] == [(0, a) for a in range(4)] + [
        (1, a) for a in range(5)
    ]
    assert sorted(alike(all_slots)) == [[0, 2, 3], [4, 5], [6, 7]]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 2, *[st.integers(1, 4)] * 2), max_size=5))
def test_faults_cut_apart_are_the_same_cells(faults: list[Rectangle]) -> None:
    cells = np.zeros((9, 9), dtype=np.int64)
    pieces = np.zeros((9, 9), dtype=np.int64)
    for row, column, height, width in faults:
        cells[row : row + height, column : column + width] = 1
    for row, column, height, width in _apart(faults):
        assert height > 0
        assert width > 0
        pieces[row : row + height, column : column + width] += 1
    assert (cells == pieces).all()


def test_every_slot_of_the_plain_model() -> None:
    problem = problem_of([(2, 2)] * 2, [array(4, 4, tiers=2, faults=[[2, 0, 0, 1, 1]])])
    assert [slot.array for slot in every_slot(Blocks.of(problem))] == list(range(8))
