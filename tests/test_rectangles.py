from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbdopt import rectangles
from sbdopt.rectangles import first_overlap, overlapping_intervals

Rectangle = tuple[int, int, int, int, int, bool]
"""Group, top, left, height, width, fixed."""

place, size = st.integers(-5, 20), st.sampled_from((1, 1, 2, 3, 5, 12))
one_rectangle = st.tuples(st.integers(-1, 2), place, place, size, size, st.booleans())


def columns(drawn: list[Rectangle]) -> list[np.ndarray]:
    table = np.array(drawn, dtype=np.int64).reshape(-1, 6).T
    return [*table[:5], table[5].astype(bool)]


def overlap(one: Rectangle, two: Rectangle) -> bool:
    def cells(rectangle: Rectangle) -> set[tuple[int, int]]:
        _, top, left, height, width, _ = rectangle
        return {(row, column) for row in range(top, top + height) for column in range(left, left + width)}

    return one[0] == two[0] and bool(cells(one) & cells(two))


def pairs_that_overlap(drawn: list[Rectangle]) -> set[tuple[int, int]]:
    return {(i, j) for j in range(len(drawn)) for i in range(j) if overlap(drawn[i], drawn[j])}


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((0, 3, 3, 2, 2, False), (0, 1)),
        ((0, 3, 4, 2, 2, False), None),
        ((0, 4, 3, 2, 2, False), None),
        ((1, 3, 3, 2, 2, False), None),
        ((0, 0, 0, 1, 1, False), (0, 1)),
        ((0, -9, 2, 20, 1, False), (0, 1)),
    ],
)
def test_two_rectangles(second, expected):
    assert first_overlap(*columns([(0, 0, 0, 4, 4, False), second])) == expected


@pytest.mark.parametrize(("fixed", "expected"), [((True, True), None), ((True, False), (0, 1))])
def test_fixed_rectangles_may_overlap_each_other(fixed, expected):
    drawn = [(0, 0, 0, 2, 2, fixed[0]), (0, 1, 1, 2, 2, fixed[1])]
    assert first_overlap(*columns(drawn)) == expected


@pytest.mark.parametrize("drawn", [[], [(7, 1, 2, 3, 4, False)]])
def test_fewer_than_two_rectangles_do_not_overlap(drawn):
    assert first_overlap(*columns(drawn)) is None


@settings(deadline=None, max_examples=400)
@given(st.lists(one_rectangle, max_size=14), st.booleans(), st.sampled_from((1, 3, 1 << 21)))
def test_first_overlap_agrees_with_cells(drawn, use_fixed, chunk):
    expected = pairs_that_overlap(drawn)
    if use_fixed:
        expected = {(i, j) for i, j in expected if not (drawn[i][5] and drawn[j][5])}
    *table, fixed = columns(drawn)
    with patch.object(rectangles, "_CHUNK", chunk):
        found = first_overlap(*table, fixed if use_fixed else None)
    assert (found in expected) if expected else (found is None)


@pytest.mark.parametrize("moved", [None, 4321])
def test_many_rectangles_in_one_group(moved):
    """A full grid, its rows and columns too long to be compared pair by pair; then one is moved by a cell."""
    row, column = np.divmod(np.arange(90_000), 300)
    top, left, side = row * 7, column * 5, np.ones(90_000, dtype=np.int64)
    if moved is not None:
        left[moved] += 1
    found = first_overlap(np.zeros_like(side), top, left, 7 * side, 5 * side)
    assert found == (None if moved is None else (moved, moved + 1))


def test_largest_sizes():
    largest = 2**31 - 1
    tall, wide, single = (largest, 1), (1, largest), (1, 1)
    drawn = [(0, 0, 0, *tall, False), (0, 0, 1, *wide, False), (0, 0, largest, *single, False)]
    table = columns(drawn)
    assert first_overlap(*table) == (1, 2)
    assert first_overlap(*(column[:2] for column in table)) is None


interval = st.tuples(st.integers(-9, 30), st.sampled_from((1, 1, 2, 4, 15)))


@settings(deadline=None, max_examples=300)
@given(st.lists(interval, max_size=12), st.lists(interval, max_size=12), st.sampled_from((1, 5, 1 << 21)))
def test_overlapping_intervals_agree_with_comparing_all(ones, others, chunk):
    expected = [
        (i, j)
        for i, (begin, length) in enumerate(ones)
        for j, (other, other_length) in enumerate(others)
        if begin < other + other_length and other < begin + length
    ]
    begin, length = np.array(ones, dtype=np.int64).reshape(-1, 2).T
    other, other_length = np.array(others, dtype=np.int64).reshape(-1, 2).T
    with patch.object(rectangles, "_CHUNK", chunk):
        count, pairs = overlapping_intervals(begin, begin + length, other, other + other_length)
        found = [pair for one, two in pairs for pair in zip(one.tolist(), two.tolist(), strict=True)]
    assert sorted(found) == expected
    assert count == len(expected)
