"""Bars: lines of an array that cannot hold some blocks and steps, and those that can."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from test_decompose import legal

from sbdopt.search.exact.bars import _crossing, _exceed, need_too_many_lines
from sbdopt.search.exact.scales import Size


def test_lines_that_cannot_hold_all_blocks() -> None:
    """Each fits by area; the last ones only if two are not read together, or with one row more."""
    assert need_too_many_lines([(3, 2)] * 3 + [(2, 4)] * 3, [-1] * 6, (5, 8))
    assert not need_too_many_lines([(3, 2)] * 3 + [(2, 2)] * 3, [-1] * 6, (5, 6))
    assert need_too_many_lines([(2, 2), (2, 2), (1, 3)], [0, 0, -1], (4, 6))
    assert not need_too_many_lines([(2, 2), (2, 2), (1, 3)], [-1, -1, -1], (4, 6))
    assert not need_too_many_lines([(2, 2), (2, 2), (1, 3)], [0, 0, -1], (5, 6))


def test_steps_on_one_line_leave_the_same_cells_empty() -> None:
    """Three steps on 3x3, two blocks each: a line crosses one block of two steps, and one cell is empty."""
    sizes, of_step = [(1, 1)] * 6, [0, 0, 1, 1, 2, 2]
    places = ((0, 0), (1, 1), (0, 2), (2, 1), (1, 2), (2, 0))
    assert legal(sizes, of_step, places)
    assert not need_too_many_lines(sizes, of_step, (3, 3))
    assert need_too_many_lines([*sizes, (1, 1)], [*of_step, -1], (3, 3))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(-1, 2)), min_size=1, max_size=6), st.integers(1, 6))
def test_sets_that_cross_a_line(blocks: list[tuple[int, int]], length: int) -> None:
    """The largest with one block of a step at most that have room beside the rest of the largest step."""
    across, of_step = [size for size, _ in blocks], [step for _, step in blocks]
    expected = [chosen for chosen in range(1, 1 << len(blocks)) if crosses(across, of_step, length, chosen)]
    largest = {some for some in expected if not any(some != other == some | other for other in expected)}
    sets = _crossing(np.array(across), np.array(of_step), length)
    assert set(sets.tolist()) == (largest or {0})
    assert len(set(sets.tolist())) == len(sets)


def crosses(across: list[int], of_step: list[int], length: int, chosen: int) -> bool:
    mine = [i for i in range(len(across)) if chosen >> i & 1]
    steps = [of_step[i] for i in mine if of_step[i] >= 0]
    rest = [
        sum(size for size, step in zip(across, of_step, strict=True) if step == of_step[i]) - across[i]
        for i in mine
        if of_step[i] >= 0
    ]
    filled = sum(across[i] for i in mine) + max(rest, default=0)
    return len(set(steps)) == len(steps) and filled <= length


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(-1, 2)), min_size=1, max_size=9),
    st.integers(4, 9),
    st.integers(3, 12),
)
def test_linear_programs_agree(blocks: list[tuple[int, int, int]], length: int, lines: int) -> None:
    """With SciPy's, but for what is less than a thousandth of a line from its bound."""
    across, along, of_step = (list(column) for column in zip(*blocks, strict=True))
    sets = [
        [chosen >> i & 1 for i in range(len(blocks))]
        for chosen in range(1, 1 << len(blocks))
        if crosses(across, of_step, length, chosen)
    ]
    exceeds = _exceed(np.array(across), np.array(along), np.array(of_step), length, lines)
    if len(sets) == 0 or not np.array(sets).any(axis=0).all():
        assert exceeds
        return
    solution = linprog(np.ones(len(sets)), A_ub=-np.array(sets).T, b_ub=-np.array(along))
    if abs(solution.fun - lines) > 1e-3 or solution.fun < lines + 1e-9:
        assert exceeds == (solution.fun > lines + 1e-9)


def test_too_many_sets_say_nothing() -> None:
    """Of 20 blocks any sixteen cross a line of 16; of 17 there are few enough sets."""
    ones, alone = np.ones(20, dtype=np.int64), np.full(20, -1)
    assert _crossing(ones, alone, 16)[-1] == -1
    assert not _exceed(ones, ones, alone, 16, 1)
    assert _exceed(ones[:17], ones[:17], alone[:17], 16, 1)
    assert not need_too_many_lines([], [], (16, 16))


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_array_that_is_legal_has_too_few_lines(random: Random) -> None:
    """Blocks put down one after the other on 3x3, alone or in one of three steps, where that is legal."""
    sizes: list[Size] = []
    of_step: list[int] = []
    places: tuple[tuple[int, int], ...] = ()
    for _ in range(40):
        size = random.choice([(1, 1), (1, 1), (1, 2), (2, 1)])
        place = random.randint(0, 3 - size[0]), random.randint(0, 3 - size[1])
        step = random.choice([0, 1, 2, 0, 1, 2, -1])
        if legal([*sizes, size], [*of_step, step], (*places, place)):
            sizes.append(size)
            of_step.append(step)
            places = (*places, place)
    assert not need_too_many_lines(sizes, of_step, (3, 3))
