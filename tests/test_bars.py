"""Bars: lines of an array that cannot hold some blocks and steps, and those that can."""

from __future__ import annotations

from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from test_decompose import legal

from sbdopt.search.exact.bars import _crossing, need_too_many_lines
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
    """All with one block of a step at most that have room beside the rest of the largest of their steps."""
    across, of_step = [size for size, _ in blocks], [step for _, step in blocks]
    expected = set()
    for chosen in product((0, 1), repeat=len(blocks)):
        mine = [i for i, there in enumerate(chosen) if there]
        steps = [of_step[i] for i in mine if of_step[i] >= 0]
        rest = [
            sum(size for size, step in blocks if step == of_step[i]) - across[i]
            for i in mine
            if of_step[i] >= 0
        ]
        filled = sum(across[i] for i in mine) + max(rest, default=0)
        if mine and len(set(steps)) == len(steps) and filled <= length:
            expected.add(chosen)
    sets = _crossing(across, of_step, length)
    assert sets is not None
    assert sorted(map(tuple, sets.tolist())) == sorted(expected)


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
