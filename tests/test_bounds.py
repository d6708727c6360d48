"""No bound exceeds what trying everything finds; the arguments alone; examples calculated by hand."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from brute_force import front
from diagonals import diagonal
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_problems import tiny_problem

from sbdopt.blocks import Blocks
from sbdopt.bounds import infeasibility, lower_bounds
from sbdopt.bounds.cells import _rounded_up
from sbdopt.bounds.dual_feasible import _f0, _f1, _f2, fewest_arrays
from sbdopt.documents import IntArray
from sbdopt.goals import GOALS
from sbdopt.problem import ArrayKind, Problem


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=True))
def test_no_bound_is_above_what_there_is(random: Any) -> None:
    """Bounds for all solutions, and for those with no more than given values of other goals."""
    problem = tiny_problem(random)
    blocks = Blocks.of(problem)
    found = [one.values for one in front(problem)]
    if infeasibility(blocks) is not None:
        assert not found
    for goal in GOALS:
        for values in [{}, *found]:
            others = {name: value for name, value in values.items() if name != goal}
            for limits in [others, *({name: value} for name, value in others.items())]:
                best = [v[goal] for v in found if all(v[name] <= value for name, value in limits.items())]
                for bound in lower_bounds(blocks, goal, limits):
                    assert bound.goal == goal
                    assert set(bound.given) <= set(limits.items())
                    assert bound.value <= min(best, default=bound.value), bound


sizes = st.integers(1, 14).flatmap(
    lambda capacity: st.tuples(
        st.just(capacity),
        st.integers(1, max(1, capacity // 2)),
        st.lists(st.integers(1, capacity), min_size=1, max_size=8),
    )
)


@settings(max_examples=400, deadline=None)
@given(sizes)
def test_what_fits_still_fits_after_a_dual_feasible_function(
    drawn: tuple[int, int, list[int]],
) -> None:
    """All sets of the sizes that there are; f1 counts only these, f0 and f2 may have as many as they like."""
    capacity, k, there = drawn
    distinct, number = (column.astype(np.int64) for column in np.unique(there, return_counts=True))
    f1, most = _f1(distinct, number, capacity, k)
    for chosen in subsets(number.tolist()):
        if chosen @ distinct <= capacity:
            assert chosen @ f1 <= most
    everything = np.arange(1, capacity + 1)
    for values, most in (_f0(everything, capacity, k), _f2(everything, capacity, k)):
        assert (values >= 0).all()
        for count in range(1, capacity + 1 if capacity <= 8 else 4):
            for chosen in combinations_with_replacement(range(capacity), count):
                if everything[list(chosen)].sum() <= capacity:
                    assert values[list(chosen)].sum() <= most


def subsets(number: list[int]) -> IntArray:
    """All columns of counts from 0 to these numbers."""
    axes = [np.arange(most + 1) for most in number]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(number))


def test_the_functions_on_an_example() -> None:
    """Capacity 10, k = 3; sizes 2, 3, 4, 5, 7 and 8, one of each.

    f0: 8 is above 10 - 3, so it fills everything; 2 is below 3. f1: of 3, 4 and 5 two fit in 10, none in
    10 - 8, one in 10 - 7. f2: three times 3 fit in 10: 2 * 3 = 6; 8 leaves room for none, 7 for one.
    """
    size = np.array([2, 3, 4, 5, 7, 8])
    one_each = np.ones(6, dtype=np.int64)
    assert (_f0(size, 10, 3)[0] == [0, 3, 4, 5, 7, 10]).all()
    assert _f0(size, 10, 3)[1] == 10
    assert (_f1(size, one_each, 10, 3)[0] == [0, 1, 1, 1, 1, 2]).all()
    assert _f1(size, one_each, 10, 3)[1] == 2
    assert (_f2(size, 10, 3)[0] == [0, 2, 2, 3, 4, 6]).all()
    assert _f2(size, 10, 3)[1] == 6


def cut_up(random: Any, height: int, width: int) -> list[tuple[int, int]]:
    """A rectangle cut into pieces, straight through again and again."""
    if height * width > 1 and random.random() < 0.8:
        if width == 1 or (height > 1 and random.random() < 0.5):
            at = random.randint(1, height - 1)
            return cut_up(random, at, width) + cut_up(random, height - at, width)
        at = random.randint(1, width - 1)
        return cut_up(random, height, at) + cut_up(random, height, width - at)
    return [(height, width)]


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=True), st.integers(1, 12), st.integers(1, 12), st.integers(1, 3))
def test_arrays_that_are_cut_up_need_as_many_again(random: Any, rows: int, columns: int, arrays: int) -> None:
    """Area alone says so many; no function may say more."""
    pieces = [piece for _ in range(arrays) for piece in cut_up(random, rows, columns)]
    size, count = np.unique(pieces, axis=0, return_counts=True)
    assert fewest_arrays(size[:, 0], size[:, 1], count, rows, columns) == arrays


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=True), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
def test_pieces_of_arrays_do_not_need_more_arrays(random: Any, rows: int, columns: int, arrays: int) -> None:
    pieces = [piece for _ in range(arrays) for piece in cut_up(random, rows, columns)]
    pieces = random.sample(pieces, random.randint(1, len(pieces)))
    size, count = np.unique(pieces, axis=0, return_counts=True)
    area = sum(height * width for height, width in pieces)
    least = -(-area // (rows * columns))
    assert least <= fewest_arrays(size[:, 0], size[:, 1], count, rows, columns) <= arrays


@pytest.mark.parametrize(
    ("pieces", "rows", "columns", "arrays"),
    [
        ([(2, 2)] * 4, 3, 3, 4),  # only one 2x2 fits in 3x3, though by area 16 cells fit two arrays of 9
        ([(6, 6)] * 3 + [(4, 4)] * 3, 10, 10, 3),  # no two of 6x6 in 10x10
        ([(3, 10)] * 4, 10, 10, 2),  # three bars of 3 rows in an array of 10
    ],
)
def test_more_than_area(pieces: list[tuple[int, int]], rows: int, columns: int, arrays: int) -> None:
    size, count = np.unique(pieces, axis=0, return_counts=True)
    assert fewest_arrays(size[:, 0], size[:, 1], count, rows, columns) == arrays


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.lists(st.integers(1, 12), min_size=1, max_size=3))
def test_rounded_up_to_whole_arrays(cells: int, columns: list[int]) -> None:
    """The least sum of sizes from `cells` on; where many are needed, never more than that."""
    kinds = [ArrayKind(name=str(one), rows=1, columns=one, adcs=1) for one in columns]
    sums = {0}
    while (more := {one + size for one in sums for size in columns if one < cells} | sums) != sums:
        sums = more
    least = min(one for one in sums if one >= cells)
    value = _rounded_up(cells, kinds)
    assert cells <= value <= least
    if cells <= min(columns) * max(columns):
        assert value == least


def problem_of(operators: list[dict[str, Any]], arrays: list[dict[str, Any]], **hardware: Any) -> Blocks:
    document = {"name": "example", "hardware": {"arrays": arrays} | hardware, "operators": operators}
    return Blocks.of(Problem.model_validate(document))


def said(blocks: Blocks, goal: str, **given: int) -> dict[str, int]:
    return {bound.reason: bound.value for bound in lower_bounds(blocks, goal, given)}


def array(rows: int, columns: int, adcs: int, **more: Any) -> dict[str, Any]:
    return {"name": f"{rows}x{columns}", "rows": rows, "columns": columns, "adcs": adcs} | more


def test_gcd_area() -> None:
    """10,000 blocks of 1,152 cells are 11,520,000 cells: 175.8 arrays of 65,536, so area says 176.

    All sides are multiples of 24, of which 10 fit in 256: 240 * 240 = 57,600 cells of an array can be used,
    and 11,520,000 / 57,600 = 200.
    """
    blocks = problem_of([diagonal("a", [(48, 24), (24, 48)] * 5000)], [array(256, 256, 8)])
    assert blocks.cells == 11_520_000
    assert said(blocks, "unused_cells")["gcd area"] == 200 * 65_536 - 11_520_000


def test_blocks_of_one_kind_and_others() -> None:
    """A block of 8x8 fits only the large kind; one array of 64 cells for each of two. The four of 2x2, 16
    cells, would go on a small array of 4x4 = 16 cells: 2 * 64 + 16 - (128 + 16) = 0 cells unused. With one
    more of 2x2 there are 20 cells, which need two small ones: 12 unused."""
    arrays = [array(8, 8, 1), array(4, 4, 1)]
    for small, unused in ((4, 0), (5, 12)):
        blocks = problem_of([diagonal("a", [(8, 8)] * 2 + [(2, 2)] * small)], arrays)
        assert max(said(blocks, "unused_cells").values()) == unused


def test_too_few_arrays() -> None:
    """Two blocks of 3x3 do not fit one array of 4x4; three of 1x4 have no room beside 3 faulty rows."""
    two = [diagonal("a", [(3, 3)] * 2)]
    assert infeasibility(problem_of(two, [array(4, 4, 1, count=2)])) is None
    assert "at least 2 arrays" in str(infeasibility(problem_of(two, [array(4, 4, 1, count=1)])))
    three = [diagonal("a", [(1, 4)] * 3)]
    faulty = array(4, 4, 1, count=1, faults=[[0, 0, 0, 3, 4]])
    assert "12 cells" in str(infeasibility(problem_of(three, [faulty])))
    assert infeasibility(problem_of(three, [faulty | {"count": 2}])) is None


def test_critical_path() -> None:
    """4 columns on 2 converters, 1 cycle to settle: 1 + 4 / 2 = 3 cycles; 3 + 5 + 3 = 11."""
    operators = [
        diagonal("a", [(4, 4)] * 9),
        {"name": "b", "cycles": 5, "after": ["a"]},
        diagonal("c", [(2, 4)], ["b"]),
    ]
    blocks = problem_of(operators, [array(8, 8, 2)])
    assert said(blocks, "makespan") == {"critical path": 11}
    assert said(blocks, "interval") == {"slowest block": 3}


def test_phases_bits_and_slices() -> None:
    """5 rows in phases of 2: 3 phases; 2 rows are 1 bit; 3 columns on 2 converters: 2 turns.

    2 slices * 3 phases * (4 + 2 * (1 + 10 * 1)) = 156.
    """
    blocks = problem_of(
        [diagonal("a", [(5, 3)])],
        [array(8, 8, 2)],
        rows_per_phase=2,
        input_slices=2,
        settle_cycles=4,
        conversion_cycles_per_bit=10,
    )
    assert said(blocks, "makespan") == {"critical path": 156}


def test_conversions_on_one_array() -> None:
    """4 blocks of 2 columns on the one array with 1 converter: 8 conversions and at least one settling, 9."""
    blocks = problem_of([diagonal("a", [(2, 2)] * 4)], [array(8, 8, 1, count=1)])
    bounds = said(blocks, "makespan")
    assert bounds["critical path"] == 3
    assert bounds["critical path with conversions on tiles"] == 9
    assert said(blocks, "interval")["conversions on tiles"] == 9


def test_tiers_count_as_one_tile() -> None:
    """The same on two arrays of one tile; on two tiles one of them still converts 4 columns: 1 + 4 = 5."""
    operators = [diagonal("a", [(2, 2)] * 4)]
    for tiers, cycles in ((2, 9), (1, 5)):
        blocks = problem_of(operators, [array(8, 8, 1, count=2, tiers=tiers)])
        assert max(said(blocks, "makespan").values()) == cycles
        assert max(said(blocks, "interval").values()) == cycles


def test_full_arrays_are_read_block_by_block() -> None:
    """4 blocks of 2x2 leave nothing of 4x4; two in a step would leave 2 * 4 cells empty: 4 * (1 + 2) = 12.

    With 8 unused cells two can stand on a diagonal, which saves one settling: 11 on at most
    (16 + 8) // 16 = 1 array.
    """
    blocks = problem_of([diagonal("a", [(2, 2)] * 4)], [array(4, 4, 1)])
    assert max(said(blocks, "makespan", unused_cells=0).values()) == 12
    assert max(said(blocks, "makespan", unused_cells=7).values()) == 12
    assert max(said(blocks, "makespan", unused_cells=8).values()) == 11
    assert max(said(blocks, "makespan").values()) == 3
    assert max(said(blocks, "interval", unused_cells=0).values()) == 12


def test_partial_sums_and_shared_inputs_are_never_counted_as_read_alone() -> None:
    """Two blocks stacked in the full array are read at once: 2 columns, 1 + 2 = 3. So are two side by side
    with one input (1 + 4 = 5); for these both bounds must stay as low."""
    stacked = {"input": [0, 2], "output": [0, 0], "height": [2, 2], "width": [2, 2]}
    beside = {"input": [0, 0], "output": [0, 2], "height": [2, 2], "width": [2, 2]}
    for table, rows, columns, cycles in ((stacked, 4, 2, 3), (beside, 2, 4, 5)):
        operators = [{"name": "a", "shape": [4, 4], "blocks": table}]
        blocks = problem_of(operators, [array(rows, columns, 1)])
        assert max(said(blocks, "makespan", unused_cells=0).values()) == cycles


def test_operators_that_share_a_vector_are_never_counted_as_read_alone() -> None:
    """Side by side in the full array, both read x: 4 columns in one step, 1 + 4 = 5 cycles, not 3 + 3."""
    table = {"input": [0], "output": [0], "height": [2], "width": [2]}
    operators = [{"name": name, "input": "x", "shape": [2, 2], "blocks": table} for name in "ab"]
    blocks = problem_of(operators, [array(2, 4, 1)])
    assert max(said(blocks, "makespan", unused_cells=0).values()) == 5
    assert max(said(blocks, "interval", unused_cells=0).values()) == 5


def test_each_circle_of_blocks_needs_a_step_of_its_own() -> None:
    """Two operators read x, each with two blocks on the diagonal; all four fill an array of 4 x 4.

    Only blocks with the same inputs can be read together: two steps of 1 + 4 cycles. By columns alone it
    would be one of 1 + 8. Where cells may be empty, one step reads all.
    """
    table = {"input": [0, 2], "output": [0, 2], "height": [2, 2], "width": [2, 2]}
    operators = [{"name": name, "input": "x", "shape": [4, 4], "blocks": table} for name in "ab"]
    blocks = problem_of(operators, [array(4, 4, 1, count=1)])
    assert max(said(blocks, "interval", unused_cells=0).values()) == 10
    large = problem_of(operators, [array(4, 8, 1, count=1)])
    assert max(said(large, "interval", unused_cells=16).values()) == 9


def test_partial_sums_may_all_stand_on_the_tallest_array() -> None:
    """Four rows that add to the same 2 outputs, on one array of 4 rows: 1 + 2 = 3 cycles."""
    table = {"input": [0, 1, 2, 3], "output": [0] * 4, "height": [1] * 4, "width": [2] * 4}
    operators = [{"name": "a", "shape": [4, 2], "blocks": table}]
    blocks = problem_of(operators, [array(4, 2, 1, count=1), array(1, 2, 1, count=1)])
    assert max(said(blocks, "makespan").values()) == 3


def test_a_window_between_head_and_tail() -> None:
    """After 5 cycles two operators of 4 columns each share the one array, then the rest takes 7 cycles.

    5 + (1 + 8 / 1) + 7 = 21; the critical path says 5 + (1 + 4) + 7 = 17.
    """
    operators = [
        {"name": "before", "cycles": 5},
        diagonal("a", [(2, 4)], ["before"]),
        diagonal("b", [(2, 4)], ["before"]),
        {"name": "after", "cycles": 7, "after": ["a", "b"]},
    ]
    bounds = said(problem_of(operators, [array(8, 8, 1, count=1)]), "makespan")
    assert bounds["critical path with conversions on tiles"] == 17
    assert bounds["conversions on tiles in a window"] == 21
