"""The array that holds most of some blocks: by hand, by enumeration, by brute force, and on full arrays."""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from random import Random
from typing import Any

import numpy as np
from brute_force import front
from diagonals import chained, diagonal
from hypothesis import given, settings
from hypothesis import strategies as st

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds
from sbdopt.bounds.heaviest import _longer, fullest_array, longer_on_one_array
from sbdopt.bounds.stages import TimedStage, timed_stages
from sbdopt.judge import judge_placement
from sbdopt.problem import ArrayKind, Hardware, Problem
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.greedy import finished
from sbdopt.timing import operator_cycles

REASON = "an array that holds much"


def problem_of(operators: list[dict[str, Any]], side: int, **hardware: Any) -> Problem:
    arrays = [{"name": "a", "rows": side, "columns": side, "adcs": 1}]
    document = {"name": "p", "hardware": {"arrays": arrays} | hardware, "operators": operators}
    return Problem.model_validate(document)


def said(problem: Problem, **limits: int) -> int:
    bounds = lower_bounds(Blocks.of(problem), "makespan", limits)
    return {bound.reason: bound.value for bound in bounds}[REASON]


def test_small_blocks_fill_an_array_together() -> None:
    """A block of 2x2 fills one of two arrays, both of 2x1 (2 cycles) the other: they take 4 cycles, not 2."""
    problem = problem_of([diagonal("small", [(2, 1)] * 2, []), diagonal("large", [(2, 2)], ["small"])], 2)
    assert said(problem, unused_cells=0) == 4 + 3
    assert said(problem, unused_cells=4) == 2 + 3  # three arrays
    assert min(best.values["makespan"] for best in front(problem) if best.values["unused_cells"] == 0) == 7


def test_stages_have_room_for_some_of_them() -> None:
    """One block of 4x4 and eight of 2x2 (3 cycles) on three arrays of 4x4: two arrays hold four of these.

    If two stages have four each, two of each are read on some array anyway, 6 cycles a stage. If one has
    three, one on each array would do, and two of the other five: the fourth block takes 3 cycles more.
    """

    def two_stages(first: int, second: int) -> Problem:
        small = [diagonal("a", [(2, 2)] * first, []), diagonal("b", [(2, 2)] * second, ["a"])]
        return problem_of([*small, diagonal("large", [(4, 4)], ["b"])], 4)

    assert said(two_stages(4, 4), unused_cells=0) == 6 + 6 + 5
    assert said(two_stages(3, 5), unused_cells=0) == 3 + 6 + 3 + 5


def test_blocks_that_share_inputs_share_the_settling() -> None:
    """Two arrays of 4x4 with one block of 4x4 and two operators of two blocks of 2x2 that read one vector.

    All four stand on one array. Two steps of 1 + 4 cycles read them, one by one they would take 12.
    """
    readers = [diagonal(name, [(2, 2)] * 2, [], input="x") for name in "ab"]
    problem = problem_of([*readers, diagonal("large", [(4, 4)], ["a", "b"])], 4)
    assert said(problem, unused_cells=0) == 2 * 5 + 5


@settings(max_examples=100, deadline=None)
@given(
    unit=st.integers(1, 3),
    count=st.integers(1, 9),
    divisor=st.integers(2, 8),
    cells=st.integers(4, 16),
    unused=st.integers(0, 12),
    arrays=st.integers(1, 4),
)
def test_no_way_to_fill_arrays_has_less_on_the_fullest(
    unit: int, count: int, divisor: int, cells: int, unused: int, arrays: int
) -> None:
    """What the others leave empty of an array is at least the rest of what is left, divided."""
    said = fullest_array(np.full(count, unit), divisor, cells, unused, arrays)
    for shares in combinations_with_replacement(range(0, cells + 1, unit), arrays):
        if sum(shares) == unit * count and sum((cells - one) % divisor for one in shares) <= unused:
            assert said <= max(shares)


@settings(max_examples=100, deadline=None)
@given(
    operators=st.lists(
        st.lists(st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 2)]), min_size=1, max_size=3), max_size=3
    ),
    data=st.data(),
)
def test_whatever_the_array_reads_takes_as_long(
    operators: list[list[tuple[int, int]]], data: st.DataObject
) -> None:
    """Of all sets of chosen blocks with so many cells none makes stages longer by less."""
    operators = [*operators, [(2, 2)]]
    blocks = Blocks.of(problem_of(chained(operators), 4))
    stages = [TimedStage(np.array([o]), np.zeros(1), np.zeros(1), 0) for o in range(len(operators))]
    numbers = st.integers(0, 4)
    rates = np.array([data.draw(numbers) for _ in range(len(blocks))], dtype=np.float64)
    least = [data.draw(st.integers(0, 6)) for _ in stages]
    chosen = np.array([data.draw(st.booleans()) for _ in range(len(blocks) - 1)] + [True])
    areas = blocks.height * blocks.columns
    cells = data.draw(st.integers(1, int(areas[chosen].sum())))
    longer = []
    for some in product((False, True), repeat=len(blocks)):
        read = np.array(some)
        if (read <= chosen).all() and areas[read].sum() >= cells:
            taken = [float((rates * areas)[read & (blocks.operator == o)].sum()) for o in range(len(stages))]
            longer.append(sum(max(0.0, one - low) for one, low in zip(taken, least, strict=True)))
    assert _longer(blocks, stages, least, chosen, areas, rates, cells) <= min(longer) + 1e-9


def test_blocks_that_add_to_the_same_outputs_are_converted_once() -> None:
    """Two arrays of 4x4 with one block of 4x4 and two of 2x4, stacked: 5 cycles for either array."""
    stacked = diagonal("stacked", [(2, 4)] * 2) | {"shape": [4, 4]}
    stacked["blocks"]["output"] = [0, 0]
    problem = problem_of([stacked, diagonal("large", [(4, 4)], ["stacked"])], 4)
    assert said(problem, unused_cells=0) == 5 + 5
    assert min(best.values["makespan"] for best in front(problem) if best.values["unused_cells"] == 0) == 10


def test_arrays_of_several_sizes_say_nothing() -> None:
    operators = [diagonal("small", [(2, 1)] * 2), diagonal("large", [(2, 2)], ["small"])]
    blocks = Blocks.of(problem_of(operators, 2))
    stages = timed_stages(blocks, operator_cycles(blocks))
    assert longer_on_one_array(blocks, stages, [2, 3], 0, 2) == 2
    kinds = [ArrayKind(name=f"{side}", rows=side, columns=2, adcs=1) for side in (2, 4)]
    other = blocks.problem.model_copy(update={"hardware": Hardware(arrays=kinds)})
    assert longer_on_one_array(Blocks.of(other), stages, [2, 3], 0, 2) == 0


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_brute_force_finds_nothing_below(random: Random) -> None:
    sizes = [(2, 2), (2, 1), (1, 2), (1, 1), (3, 1), (1, 3), (3, 2), (3, 3)]
    operators: list[dict[str, Any]] = []
    for name in "abc"[: random.randint(1, 3)]:
        blocks = [random.choice(sizes)] * random.randint(1, 2)
        before = [one["name"] for one in operators if random.random() < 0.6]
        more = {"input": "x"} if random.random() < 0.4 else {}
        operator = diagonal(name, blocks, before, **more)
        if random.random() < 0.3:  # one below the other, so that they add to the same outputs
            operator["blocks"]["output"] = [0] * len(blocks)
        operators.append(operator)
    problem = problem_of(operators, 3)
    if len(Blocks.of(problem)) > 4:
        return
    for best in front(problem):
        for given_name in ("unused_cells", "arrays"):
            limits = {given_name: best.values[given_name]}
            for bound in lower_bounds(Blocks.of(problem), "makespan", limits):
                assert bound.value <= best.values["makespan"], bound


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_bound_is_above_what_full_arrays_take(random: Random) -> None:
    """Arrays of quarters, each a large block or four small ones, which are read in bands if they can be."""
    arrays, stages = random.randint(2, 5), random.randint(1, 3)
    quarters = [random.random() < 0.6 for _ in range(4 * arrays)]
    spots = [
        (size, a, 4 * (q // 2) + row, 4 * (q % 2) + column)
        for number, large in enumerate(quarters)
        for a, q in [divmod(number, 4)]
        for size, row, column in ([(4, 0, 0)] if large else [(2, r, c) for r in (0, 2) for c in (0, 2)])
    ]
    of_stage = [random.randrange(2 * stages) for _ in spots]
    operators, order = [], []
    for stage in range(2 * stages):
        mine = [number for number, one in enumerate(of_stage) if one == stage]
        if mine:
            before = [f"s{one}" for one in range(stage // 2 * 2) if one in of_stage]
            shared = {"input": f"x{stage // 2}"} if random.random() < 0.5 else {}
            operators.append(diagonal(f"s{stage}", [(spots[m][0],) * 2 for m in mine], before, **shared))
            order += mine
    problem = problem_of(operators, 8, settle_cycles=random.randint(1, 3))
    blocks = Blocks.of(problem)
    _, array, row, column = (np.array([spots[number][k] for number in order]) for k in range(4))
    found = finished(blocks, Places(np.zeros_like(array), array, row, column), Budget(work=1.0))
    metrics = judge_placement(blocks, found.placement).metrics
    assert metrics is not None
    assert metrics.unused_cells == 0
    for bound in lower_bounds(blocks, "makespan", {"unused_cells": 0}):
        assert bound.value <= metrics.makespan, bound
