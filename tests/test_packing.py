"""Free space of an array, arrays filled with sizes, and the stock of arrays."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.packing import FreeSpace, Rectangle, Sizes, Stock, fill

randoms = st.randoms(use_true_random=True)


def maximal_free(taken: np.ndarray) -> set[Rectangle]:
    """All rectangles without a taken cell that no larger one contains, as (top, left, bottom, right)."""
    rows, columns = taken.shape
    free = {
        (top, left, bottom, right)
        for top, bottom in combinations(range(rows + 1), 2)
        for left, right in combinations(range(columns + 1), 2)
        if not taken[top:bottom, left:right].any()
    }
    larger = ((-1, 0), (0, -1), (0, 1), (1, 0))
    return {
        one
        for one in free
        if not any(
            (one[0] + min(down, 0), one[1] + min(right, 0), one[2] + max(down, 0), one[3] + max(right, 0))
            in free
            for down, right in larger
        )
    }


@settings(max_examples=200, deadline=None)
@given(randoms, st.integers(1, 7), st.integers(1, 7))
def test_free_space_is_all_maximal_free_rectangles(random: Random, rows: int, columns: int) -> None:
    """After faults, which may overlap, and after each rectangle that finds a place."""
    taken = np.zeros((rows, columns), dtype=bool)
    faults = [rectangle(random, rows, columns) for _ in range(random.choice((0, 0, 1, 3)))]
    for row, column, height, width in faults:
        taken[row : row + height, column : column + width] = True
    space = FreeSpace(rows, columns, faults)
    for _ in range(6):
        assert sorted(map(tuple, space._free.tolist())) == sorted(maximal_free(taken))
        height, width = random.randint(1, max(1, rows // 2)), random.randint(1, max(1, columns // 2))
        places = [
            (row, column)
            for row in range(rows - height + 1)
            for column in range(columns - width + 1)
            if not taken[row : row + height, column : column + width].any()
        ]
        place = space.find(height, width)
        assert place == min(places, default=None)
        if place is not None:
            space.take(*place, height, width)
            taken[place[0] : place[0] + height, place[1] : place[1] + width] = True


def rectangle(random: Random, rows: int, columns: int) -> Rectangle:
    row, column = random.randrange(rows), random.randrange(columns)
    return row, column, random.randint(1, rows - row), random.randint(1, columns - column)


def random_kind(random: Random, name: str, count: int | None) -> ArrayKind:
    rows, columns = random.randint(3, 7), random.randint(3, 7)
    arrays = [random.randrange(count or 4) for _ in range(random.choice((0, 0, 1, 4)))]
    return ArrayKind(
        name=name,
        rows=rows,
        columns=columns,
        adcs=1,
        count=count,
        tiers=random.choice((1, 2, 3)),
        faults=[[array, *rectangle(random, rows, columns)] for array in arrays],
    )


def random_sizes(random: Random, most: int = 3) -> Sizes:
    number = random.randint(1, 4)
    different = random.sample([(h, w) for h in range(1, most + 1) for w in range(1, most + 1)], number)
    height, width = np.array(different).T
    count = np.array([random.randint(1, 8) for _ in different])
    return Sizes(height, width, count, np.repeat(np.arange(number), count))


@settings(max_examples=200, deadline=None)
@given(randoms)
def test_filled_arrays_exist_hold_everything_and_nothing_overlaps(random: Random) -> None:
    kinds = [
        random_kind(random, name, random.choice((None, 1, 3, 9))) for name in "ab"[: random.randint(1, 2)]
    ]
    sizes = random_sizes(random)
    fillings = fill(kinds, sizes, random.sample(range(len(sizes.count)), len(sizes.count)), Budget())
    if fillings is None:
        assert all(kind.count is not None for kind in kinds)
        return
    held = np.zeros(len(sizes.count), dtype=np.int64)
    assert len({(filling.kind, filling.array) for filling in fillings}) == len(fillings)
    for filling in fillings:
        kind = kinds[filling.kind]
        assert kind.count is None or filling.array < kind.count
        taken = np.zeros((kind.rows, kind.columns), dtype=np.int64)
        for array, row, column, height, width in kind.faults:
            if array == filling.array:
                taken[row : row + height, column : column + width] = 1
        for size, row, column in filling.places:
            height, width = int(sizes.height[size]), int(sizes.width[size])
            assert row + height <= kind.rows
            assert column + width <= kind.columns
            taken[row : row + height, column : column + width] += 1
            held[size] += 1
        assert taken.max() <= 1
        assert filling.places
    assert (held == sizes.count).all()


def test_a_filling_is_repeated() -> None:
    """Sixteen 2x2 fill 8x8; of 1,000 of them 62 arrays are full, and the last holds 8."""
    sizes = Sizes(np.array([2]), np.array([2]), np.array([1000]), np.zeros(1000, dtype=np.int64))
    fillings = fill([ArrayKind(name="a", rows=8, columns=8, adcs=1)], sizes, [0], Budget())
    assert fillings is not None
    assert [len(filling.places) for filling in fillings] == [16] * 62 + [8]


def test_the_kind_that_is_best_used() -> None:
    """One of 3x3 fills a 3x3 array, but only 9 of the 16 cells of 4x4."""
    kinds = [
        ArrayKind(name="large", rows=4, columns=4, adcs=1),
        ArrayKind(name="small", rows=3, columns=3, adcs=1, count=2),
    ]
    sizes = Sizes(np.array([3]), np.array([3]), np.array([3]), np.zeros(3, dtype=np.int64))
    fillings = fill(kinds, sizes, [0], Budget())
    assert fillings is not None
    assert [(filling.kind, filling.array) for filling in fillings] == [(1, 0), (1, 1), (0, 0)]


def test_too_few_arrays() -> None:
    sizes = Sizes(np.array([3]), np.array([3]), np.array([2]), np.zeros(2, dtype=np.int64))
    assert fill([ArrayKind(name="a", rows=4, columns=4, adcs=1, count=1)], sizes, [0], Budget()) is None


@settings(max_examples=200, deadline=None)
@given(randoms, st.integers(1, 8), st.sampled_from((None, 1, 3, 4, 9, 30)))
def test_supply(random: Random, most: int, count: int | None) -> None:
    """Each array once; those without faults first; all that there are, or as many as anyone wants."""
    kind = random_kind(random, "a", count)
    faults = {array: [] for array, *_ in kind.faults}
    for array, *where in kind.faults:
        faults[array].append(tuple(where))
    stock = Stock(kind, most)
    taken: list[int] = []
    while len(taken) < most and not stock.empty:
        expected = stock.faults
        arrays = stock.take(random.randint(1, most - len(taken)))
        for array in arrays:
            assert list(faults.get(array, [])) == list(expected)
        taken += arrays
    assert len(set(taken)) == len(taken)
    assert count is None or (len(taken) >= min(most, count) and max(taken) < count)
    assert count is not None or len(taken) >= most
    whole = [array not in faults for array in taken]
    assert whole == sorted(whole, reverse=True)


@pytest.mark.parametrize(("count", "expected"), [(6, [0, 2, 4, 1, 3, 5]), (None, [0, 2, 4, 6, 8, 10])])
def test_one_array_of_each_tile_before_two(count: int | None, expected: list[int]) -> None:
    kind = ArrayKind(name="a", rows=4, columns=4, adcs=1, tiers=2, count=count)
    stock = Stock(kind, 6)
    taken: list[Any] = []
    while len(taken) < 6:
        taken += stock.take(1)
    assert taken == expected


def test_an_array_without_room_is_passed_over() -> None:
    """The first of two faulty arrays is broken all over; what there is still fits the second."""
    faults = [[0, 0, 0, 8, 8], [1, 0, 0, 1, 1]]
    kind = ArrayKind(name="x", rows=8, columns=8, adcs=1, count=2, faults=faults)
    one = np.array([4])
    sizes = Sizes(height=one, width=one, count=np.array([1]), of_block=np.array([0]))
    fillings = fill([kind], sizes, [0], Budget())
    assert fillings is not None
    assert [filling.array for filling in fillings] == [1]
    nothing = ArrayKind(name="x", rows=8, columns=8, adcs=1, count=1, faults=faults[:1])
    assert fill([nothing], sizes, [0], Budget()) is None
