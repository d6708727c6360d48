"""What empty cells save: by hand, and no bound above what arrays full of joint steps take; stages."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
from diagonals import diagonal
from hypothesis import given, settings
from hypothesis import strategies as st

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds
from sbdopt.bounds.stages import stages
from sbdopt.judge import judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem

Place = tuple[int, int]
REASON = "steps that empty cells allow"


def problem_of(operators: list[dict[str, Any]], rows: int, columns: int, **more: Any) -> Blocks:
    kind = {"name": "a", "rows": rows, "columns": columns}
    kind |= {"adcs": more.pop("adcs", 1), "count": more.pop("count", None)}
    document = {"name": "p", "hardware": {"arrays": [kind]} | more, "operators": operators}
    return Blocks.of(Problem.model_validate(document))


def said(blocks: Blocks, goal: str, **limits: int) -> int:
    return {bound.reason: bound.value for bound in lower_bounds(blocks, goal, limits)}[REASON]


def test_a_pair_for_eight_empty_cells() -> None:
    """Ten blocks of 2x2 on three arrays of 4x4, 3 cycles each; 8 cells are empty, which one pair needs.

    That saves one cycle. In 11 cycles an array reads three blocks; the tenth makes it 12, or 11 with the
    pair. In 10 cycles it would need two cycles less than 12.
    """
    blocks = problem_of([diagonal("a", [(2, 2)] * 10, [])], 4, 4)
    assert said(blocks, "makespan", arrays=3) == 11
    assert said(blocks, "makespan", unused_cells=8) == 11
    assert said(blocks, "interval", unused_cells=8) == 11
    assert max(bound.value for bound in lower_bounds(blocks, "makespan", {"unused_cells": 7})) >= 11


def test_stages_share_what_empty_cells_save() -> None:
    """Three operators of ten such blocks each, one after another, on eight arrays with 8 empty cells.

    Each takes 6 cycles, as two arrays read two of its blocks. One pair makes that 5 on one array, but the
    other still takes 6; both would need two pairs. So 18 cycles, where each by itself could be said to
    take 5 by columns: 10 * 2 / 8 is 2.5.
    """
    operators = [
        diagonal(name, [(2, 2)] * 10, after) for name, after in (("a", []), ("b", ["a"]), ("c", ["b"]))
    ]
    blocks = problem_of(operators, 4, 4)
    assert 128 - blocks.cells == 8
    assert said(blocks, "makespan", arrays=8) == 18


def test_operators_that_cross_on_any_array_share_none() -> None:
    """Two rows of 1x4 (5 cycles) and then two columns of 4x1 (2 cycles) on three arrays of 4x4.

    A row and a column would cross. Rows on two arrays: 5, and both columns on the third: 2 + 2. On four
    arrays, or with columns of 3x1, all have their own: 5 + 2.
    """
    for tall, arrays, cycles in ((4, 3, 9), (4, 4, 7), (3, 3, 7)):
        operators = [diagonal("a", [(1, 4)] * 2, []), diagonal("b", [(tall, 1)] * 2, ["a"])]
        bounds = lower_bounds(problem_of(operators, 4, 4), "makespan", {"arrays": arrays})
        assert max(bound.value for bound in bounds) == cycles


@st.composite
def full_arrays(draw: st.DrawFn) -> tuple[Blocks, Placement]:
    """Bands of rows and of columns, whose crossings are blocks or empty, with many joint steps."""
    random = draw(st.randoms(use_true_random=True))
    heights, widths = ([random.choice((1, 1, 2, 3)) for _ in range(random.randint(2, 6))] for _ in range(2))
    if random.random() < 0.5:
        heights, widths = [2] * len(heights), [random.choice((1, 2, 3))] * len(widths)
    steps, empty = _steps(random, len(heights), len(widths))
    top, left = np.cumsum([0, *heights]), np.cumsum([0, *widths])
    places = [place for step in steps for place in step]
    sizes = [(heights[i], widths[j]) for i, j in places]
    start = np.repeat(np.arange(len(steps)), [len(step) for step in steps])
    blocks = problem_of(
        [diagonal("a", sizes, [])],
        int(top[-1]),
        int(left[-1]),
        count=1,
        adcs=random.choice((1, 2, 3)),
        settle_cycles=random.choice((0, 1, 3)),
        conversion_cycles_per_bit=random.choice((0, 0, 1)),
        rows_per_phase=random.choice((None, None, 1, 2)),
        input_slices=random.choice((1, 2)),
    )
    zero = np.zeros(len(blocks), dtype=np.int64)
    row, column = np.array([top[i] for i, _ in places]), np.array([left[j] for _, j in places])
    assert empty == {(i, j) for i in range(len(heights)) for j in range(len(widths))} - set(places)
    return blocks, Placement(kind=zero, array=zero, row=row, column=column, start=start * 10_000)


def _steps(random: Random, rows: int, columns: int) -> tuple[list[list[Place]], set[Place]]:
    """Steps of crossings with no line in common, and the crossings that they leave empty."""
    steps: list[list[Place]] = []
    used: set[Place] = set()
    empty = {(k, k) for k in range(min(rows, columns, random.randint(0, 6)))}
    grow = random.random() < 0.3
    free = [(i, j) for i in range(rows) for j in range(columns) if (i, j) not in empty]
    random.shuffle(free)
    for place in free:
        if place in used or place in empty:
            continue
        step = [place]
        for other in free:
            crossing = {(i, other[1]) for i, _ in step} | {(other[0], j) for _, j in step}
            lines = all(other[0] != i and other[1] != j for i, j in step)
            if lines and other not in used | empty and (crossing <= empty or (grow and not crossing & used)):
                step.append(other)
                empty |= crossing
        used.update(step)
        steps.append(step)
    return steps, empty


@settings(max_examples=300, deadline=None)
@given(full_arrays())
def test_no_bound_is_above_an_array_full_of_joint_steps(drawn: tuple[Blocks, Placement]) -> None:
    """All on one array, so that the interval is the sum of all steps, which are the least time of all."""
    blocks, placement = drawn
    verdict = judge_placement(blocks, placement)
    assert verdict.metrics is not None, verdict.violations
    for goal in ("makespan", "interval"):
        for bound in lower_bounds(blocks, goal, {"unused_cells": verdict.metrics.unused_cells}):
            assert bound.value <= verdict.metrics.interval, bound


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=True), st.integers(1, 9))
def test_stages_follow_one_another_and_cannot_be_parted(random: Any, count: int) -> None:
    before = [[k for k in range(number) if random.random() < 0.5] for number in range(count)]
    operators = [
        {"name": str(number), "cycles": 1, "after": [str(k) for k in mine]}
        for number, mine in enumerate(before)
    ]
    random.shuffle(operators)
    blocks = problem_of(operators, 1, 1)
    earlier: list[set[int]] = [set() for _ in operators]
    for number in blocks.order:
        for one in blocks.predecessors[number]:
            earlier[number] |= {one} | earlier[one]
    found = [set(stage.tolist()) for stage in stages(blocks)]
    assert sorted(number for stage in found for number in stage) == list(range(count))
    for one, other in pairwise(found):
        assert all(one <= earlier[number] for number in other)
    cuts = sum(
        all(set(blocks.order[:place]) <= earlier[number] for number in blocks.order[place:])
        for place in range(1, count)
    )
    assert len(found) == cuts + 1
