"""Packing with proof: single arrays by CP-SAT, and the method that puts it all together."""

from __future__ import annotations

from itertools import count, islice
from random import Random
from typing import Any

import numpy as np
import pytest
from diagonals import diagonal
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import problems
from test_packing import random_kind, random_sizes
from test_patterns import check_fillings

from sbdopt import Budget, Problem, solve
from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.goals import Goals
from sbdopt.judge import judge
from sbdopt.problem import ArrayKind
from sbdopt.search.correction import corrected
from sbdopt.search.exact.repack import Place, Space, empty_last, repack
from sbdopt.search.exact.valuable import Valued, most_valuable
from sbdopt.search.greedy import orders
from sbdopt.search.method import Found
from sbdopt.search.pack import pack
from sbdopt.search.packing import Sizes, fill
from sbdopt.search.repacking import Repacking

randoms = st.randoms(use_true_random=True)
CELLS = ("unused_cells",)


def packing_problem(sizes: list[tuple[int, int]], arrays: list[dict[str, Any]], **hardware: Any) -> Problem:
    kinds = [{"name": f"kind{k}", "adcs": 1, **array} for k, array in enumerate(arrays)]
    return Problem.model_validate(
        {"name": "p", "hardware": {"arrays": kinds, **hardware}, "operators": [diagonal("o", sizes)]}
    )


def taken_cells(
    height: IntArray, width: IntArray, spaces: list[Space], places: tuple[Place, ...]
) -> list[int]:
    """Used cells of each space; rectangles lie inside, overlap nothing and cover no fault."""
    grids = [np.zeros((space.rows, space.columns), dtype=np.int64) for space in spaces]
    for h, w, (space, row, column) in zip(height.tolist(), width.tolist(), places, strict=True):
        assert 0 <= row <= spaces[space].rows - h
        assert 0 <= column <= spaces[space].columns - w
        grids[space][row : row + h, column : column + w] += 1
    for grid, space in zip(grids, spaces, strict=True):
        assert grid.max(initial=0) <= 1
        for row, column, h, w in space.faults:
            assert not grid[row : row + h, column : column + w].any()
    return [int(grid.sum()) for grid in grids]


def fits(items: list[tuple[int, int]], rows: int, columns: int, spaces: int) -> bool:
    """Whether rectangles fit, by trying every place of each in turn."""
    free = [np.ones((rows, columns), dtype=bool) for _ in range(spaces)]

    def put(k: int) -> bool:
        if k == len(items):
            return True
        h, w = items[k]
        for grid in free:
            untouched = bool(grid.all())
            for row in range(rows - h + 1):
                for column in range(columns - w + 1):
                    if grid[row : row + h, column : column + w].all():
                        grid[row : row + h, column : column + w] = False
                        if put(k + 1):
                            return True
                        grid[row : row + h, column : column + w] = True
            if untouched:
                return False
        return False

    return put(0)


@settings(max_examples=40, deadline=None)
@given(randoms)
def test_repacking_agrees_with_trying_everything(random: Random) -> None:
    rows, columns, spaces = random.randint(3, 5), random.randint(3, 5), random.randint(1, 2)
    items = [(random.randint(1, rows), random.randint(1, columns)) for _ in range(random.randint(1, 6))]
    height, width = np.array(items).T
    room = [Space(rows, columns)] * spaces
    outcome = repack(height, width, room, Budget(), 10.0, 0)
    items.sort(key=lambda item: -item[0] * item[1])
    assert outcome.impossible == (not fits(items, rows, columns, spaces))
    assert outcome.impossible == (outcome.places is None)
    if outcome.places is not None:
        taken_cells(height, width, room, outcome.places)


@settings(max_examples=30, deadline=None)
@given(randoms)
def test_the_last_array_becomes_emptier(random: Random) -> None:
    """Spaces of several shapes, with a fault in the first."""
    spaces = [Space(random.randint(4, 7), random.randint(4, 7)) for _ in range(random.randint(1, 3))]
    spaces[0] = Space(spaces[0].rows, spaces[0].columns, ((0, 0, 1, 2), (0, 1, 2, 1)))
    spaces.append(Space(6, 6))
    items = [(random.randint(1, 3), random.randint(1, 3)) for _ in range(4)]
    height, width = np.array(items).T
    places = [(len(spaces) - 1, 3 * (k // 2), 3 * (k % 2)) for k in range(4)]
    before = taken_cells(height, width, spaces, tuple(places))[-1]
    moved = empty_last(height, width, spaces, places, Budget(), 10.0, 0)
    if moved is None:
        assert len(spaces) == 2
    else:
        assert taken_cells(height, width, spaces, moved)[-1] < before


def test_most_valuable_is_best_and_proven() -> None:
    """The pinwheel of four 3x2 and 2x3 in 5x5: 24 of 25 cells; nothing is worth more."""
    height, width = np.array([3, 2]), np.array([2, 3])
    most, space = np.array([2, 2]), Space(5, 5)
    found = most_valuable(height, width, most, height * width, space, 18, Budget(), 20.0, 0)
    assert found is not None
    assert found.most == 24
    values = [sum(int((height * width)[size]) for size, _, _ in places) for places in found.fillings]
    assert values == sorted(values)
    assert values[-1] == 24
    best = found.fillings[-1]
    sizes = np.array([size for size, _, _ in best])
    taken_cells(height[sizes], width[sizes], [space], tuple((0, row, column) for _, row, column in best))
    nothing = most_valuable(height, width, most, height * width, space, 24, Budget(), 20.0, 0)
    assert nothing == Valued((), 24)


def test_most_valuable_stands_clear_of_faults() -> None:
    height, width = np.array([2]), np.array([2])
    space = Space(4, 4, ((1, 1, 1, 1),))
    found = most_valuable(height, width, np.array([4]), np.array([1]), space, 0, Budget(), 20.0, 0)
    assert found is not None
    assert len(found.fillings[-1]) == 3
    assert (0, 0, 0) not in found.fillings[-1]


def test_patterns_under_a_limit_of_work_are_repeatable() -> None:
    """Few sizes, where the first patterns leave a gap: all steps from column generation to CP-SAT."""
    sizes = [size for size, count in (((7, 5), 300), ((4, 9), 250), ((3, 2), 40)) for _ in range(count)]
    problem = packing_problem(sizes, [{"rows": 20, "columns": 20}])
    for work in (0.01, 3.0):
        found = [
            solve(problem, goals=CELLS, budget=Budget(seconds=float("inf"), work=work)).to_bytes()
            for _ in range(2)
        ]
        assert found[0] == found[1]


def test_repacking_saves_an_array() -> None:
    """First fit in the given order leaves 3x3 in an array of its own; two 3x3 fit beside one another."""
    kind = ArrayKind(name="x", rows=3, columns=6, adcs=1)
    count = np.array([2, 2])
    sizes = Sizes(np.array([3, 3]), np.array([2, 4]), count, np.repeat([0, 1], count))
    poor = fill([kind], sizes, [0, 1], Budget())
    assert poor is not None
    assert len(poor) == 3
    better = list(Repacking([kind], sizes, poor, 0).search(Budget(seconds=20)))
    assert [len(fillings) for fillings in better] == [2]
    assert sorted(size for filling in better[-1] for size, _, _ in filling.places) == [0, 0, 1, 1]


@settings(max_examples=40, deadline=None)
@given(randoms)
def test_corrected_fillings_are_legal_and_complete(random: Random) -> None:
    kinds = [random_kind(random, name, random.choice((None, 9))) for name in "ab"[: random.randint(1, 2)]]
    sizes = random_sizes(random)
    first = fill(kinds, sizes, range(len(sizes.count)), Budget())
    if first is not None:
        for fillings in islice(corrected(kinds, sizes, first, random.randint(0, 9), Budget()), 5):
            if fillings is None:
                assert all(kind.count is not None for kind in kinds)
            else:
                check_fillings(kinds, sizes, fillings)


def test_correction_finds_what_no_simple_order_does() -> None:
    """Sixty rectangles of class 8 of Martello and Vigo."""
    random = np.random.default_rng([8, 60, 1])
    height = np.concatenate([random.integers(67, 101, 42), random.integers(1, 51, 18)])
    width = np.concatenate([random.integers(1, 51, 42), random.integers(1, 101, 18)])
    sizes = Sizes(height, width, np.ones(60, dtype=np.int64), np.arange(60))
    kind = ArrayKind(name="x", rows=100, columns=100, adcs=1)
    first = fill([kind], sizes, np.argsort(-height * width).tolist(), Budget())
    assert first is not None
    later = [len(fillings or first) for fillings in islice(corrected([kind], sizes, first, 0, Budget()), 100)]
    assert min(later) < len(first)


@settings(max_examples=40, deadline=None)
@given(problems())
def test_whatever_it_finds_is_legal_and_above_its_bounds(problem: Problem) -> None:
    """Faults, several kinds, limited counts, sliced weights, orders of operators: solve judges everything."""
    for goals in (CELLS, ("unused_cells", "makespan")):
        solution = solve(problem, method="pack", goals=goals, budget=Budget(seconds=2.0))
        assert "faults" not in (solution.solver or {})
        if solution.metrics is not None:
            assert judge(Blocks.of(problem), solution).legal


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_the_exact_method(seed: int) -> None:
    """Two kinds, one with a fault and few, weights of two columns: both prove the same."""
    random = Random(seed)
    sizes = [(random.randint(1, 4), random.randint(1, 2)) for _ in range(8)]
    arrays = [
        {"rows": 5, "columns": 6},
        {"rows": 4, "columns": 4, "count": 2, "faults": [[0, 0, 0, 1, 1]]},
    ]
    problem = packing_problem(sizes, arrays, columns_per_weight=2)
    exact = solve(problem, method="exact", goals=CELLS, budget=Budget(seconds=30))
    packed = solve(problem, method="auto", goals=CELLS, budget=Budget(seconds=30))
    assert exact.status == packed.status == "optimal"
    assert exact.metrics is not None
    assert packed.metrics is not None
    assert exact.metrics.unused_cells == packed.metrics.unused_cells


def test_ten_thousand_blocks_of_five_sizes() -> None:
    five = ((32, 32), (64, 16), (16, 64), (48, 24), (24, 48))
    problem = packing_problem([size for size in five for _ in range(2000)], [{"rows": 256, "columns": 256}])
    solution = solve(problem, goals=CELLS)
    assert solution.status == "optimal"
    assert solution.metrics is not None
    assert solution.metrics.arrays == 165


def test_the_position_bound_proves_where_area_does_not() -> None:
    """It is named as the proof."""
    sizes = [(5, 5)] * 40 + [(3, 4)] * 60 + [(2, 7)] * 30
    problem = packing_problem(sizes, [{"rows": 12, "columns": 12}])
    solution = solve(problem, method="pack", goals=CELLS, budget=Budget(seconds=20))
    assert solution.solver is not None
    assert "faults" not in solution.solver
    assert solution.status == "optimal"


@pytest.mark.parametrize("method", ["pack", "auto"])
def test_work_is_repeatable(method: str) -> None:
    random = Random(3)
    sizes = [(random.randint(2, 9), random.randint(2, 9)) for _ in range(30)]
    problem = packing_problem(sizes, [{"rows": 14, "columns": 14}])
    found = [
        solve(problem, method=method, goals=CELLS, budget=Budget(seconds=float("inf"), work=1.0)).to_bytes()
        for _ in range(2)
    ]
    assert found[0] == found[1]


def test_limited_arrays_that_only_patterns_suffice_for() -> None:
    """Two arrays of 5x5 for two pinwheels, which no order of first fit finds."""
    sizes = [(3, 2)] * 4 + [(2, 3)] * 4
    problem = packing_problem(sizes, [{"rows": 5, "columns": 5, "count": 2}])
    solution = solve(problem, method="auto", goals=CELLS, budget=Budget(seconds=20))
    assert solution.status == "optimal"


def test_the_first_filling_takes_as_long_as_it_needs() -> None:
    """The part of the time for cells ends in the middle of it; what is left is not put on shelves."""
    random = Random(3)
    drawn = [(random.randint(4, 16), random.randint(4, 16)) for _ in range(300)]
    problem = packing_problem(drawn, [{"name": "a", "rows": 32, "columns": 32, "adcs": 4}])
    blocks = Blocks.of(problem)
    sizes = Sizes.of(blocks)
    in_peace = fill(blocks.hardware.arrays, sizes, next(orders(sizes)), Budget())
    assert in_peace is not None
    ticks = count(0, 0.05)
    budget = Budget(seconds=3.0, clock=lambda: next(ticks))
    assert len(in_peace) > 0.3 * 3.0 / 0.05  # a look at the clock for each array
    found = [one for one in pack(blocks, Goals(), budget, 0, None) if isinstance(one, Found)]
    arrays = np.unique(found[0].placement.array)
    assert len(arrays) == len(in_peace)


def test_nothing_is_loaded_when_little_time_is_left() -> None:
    assert Budget(seconds=0.5, clock=lambda: 0.0).is_short
    assert not Budget(seconds=5.0, clock=lambda: 0.0).is_short
    assert not Budget(seconds=float("inf"), work=0.1, clock=lambda: 0.0).is_short
