"""Patterns: priced exactly, legal, complete, and as few arrays as can be."""

from __future__ import annotations

from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_packing import random_kind, random_sizes

from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.packing import Filling, Sizes, fill
from sbdopt.search.patterns import few_sizes
from sbdopt.search.patterns.generate import PatternSearch
from sbdopt.search.patterns.guillotine import Guillotine
from sbdopt.search.patterns.pinwheel import best_pinwheels
from sbdopt.search.patterns.supplies import best_pattern, supplies_of

randoms = st.randoms(use_true_random=True)


def sizes_of(*entries: tuple[int, int, int]) -> Sizes:
    height, width, count = np.array(entries).T
    return Sizes(height, width, count, np.repeat(np.arange(len(entries)), count))


def check_places(kind: ArrayKind, array: int | None, sizes: Sizes, places: tuple) -> np.ndarray:
    """Rectangles lie inside, share no cell, and cover no fault; how many there are of each size."""
    taken = np.zeros((kind.rows, kind.columns), dtype=np.int64)
    for number, row, column, height, width in kind.faults:
        if number == array:
            taken[row : row + height, column : column + width] = 1
    for size, row, column in places:
        height, width = int(sizes.height[size]), int(sizes.width[size])
        assert 0 <= row <= kind.rows - height
        assert 0 <= column <= kind.columns - width
        taken[row : row + height, column : column + width] += 1
    assert taken.max() <= 1
    return np.bincount([size for size, _, _ in places], minlength=len(sizes.count))


def check_fillings(kinds: list[ArrayKind], sizes: Sizes, fillings: list[Filling]) -> None:
    held = np.zeros(len(sizes.count), dtype=np.int64)
    assert len({(filling.kind, filling.array) for filling in fillings}) == len(fillings)
    for filling in fillings:
        kind = kinds[filling.kind]
        assert kind.count is None or filling.array < kind.count
        held += check_places(kind, filling.array, sizes, filling.places)
    assert (held == sizes.count).all()


def best_by_recursion(sizes: Sizes, values: np.ndarray, rows: int, columns: int) -> float:
    """The best guillotine value, by trying every cut."""

    @cache
    def best(height: int, width: int) -> float:
        single = [
            float(v)
            for h, w, v in zip(sizes.height.tolist(), sizes.width.tolist(), values.tolist(), strict=True)
            if h <= height and w <= width
        ]
        cut = [best(k, width) + best(height - k, width) for k in range(1, height // 2 + 1)]
        cut += [best(height, k) + best(height, width - k) for k in range(1, width // 2 + 1)]
        return max([0.0, *single, *cut])

    return best(rows, columns)


@settings(max_examples=60, deadline=None)
@given(randoms)
def test_pricing_is_exact_and_patterns_are_worth_what_it_says(random: Random) -> None:
    rows, columns = random.randint(3, 12), random.randint(3, 12)
    sizes = random_sizes(random, most=5)
    values = np.array([random.choice((0.0, 0.5, random.uniform(0, 3))) for _ in sizes.count])
    guillotine = Guillotine(sizes, rows, columns)
    guillotine.price(values)
    expected = best_by_recursion(sizes, values, rows, columns)
    assert guillotine.value(rows, columns) == pytest.approx(expected)
    kind = ArrayKind(name="x", rows=rows, columns=columns, adcs=1)
    held = check_places(kind, None, sizes, guillotine.pattern(rows, columns))
    assert held @ values == pytest.approx(expected)
    for places in guillotine.variants(rows, columns, 0.8 * expected):
        assert check_places(kind, None, sizes, places) @ values >= 0.8 * expected - 1e-6


@settings(max_examples=60, deadline=None)
@given(randoms)
def test_patterns_are_cut_around_faults(random: Random) -> None:
    kind = random_kind(random, "x", 3)
    sizes = random_sizes(random)
    values = np.array([random.uniform(0, 3) for _ in sizes.count])
    guillotine = Guillotine(sizes, kind.rows, kind.columns)
    guillotine.price(values)
    for supply in supplies_of([kind]):
        value, places = best_pattern(guillotine, supply)
        array = supply.arrays[0] if supply.faults else None
        assert check_places(kind, array, sizes, places) @ values == pytest.approx(value)


@settings(max_examples=60, deadline=None)
@given(randoms)
def test_every_step_gives_legal_and_complete_fillings(random: Random) -> None:
    """Several kinds, limited counts and faults; None only where arrays are limited."""
    kinds = [random_kind(random, name, random.choice((None, 3, 9))) for name in "ab"[: random.randint(1, 2)]]
    sizes = random_sizes(random)
    budget = Budget(seconds=float("inf"))
    search = PatternSearch(kinds, sizes, random.randint(0, 9))
    found = [search.rounded((), budget), search.chosen(0, budget)]
    search.widen(1, budget)
    found += [search.chosen(0, budget), search.again(budget)]
    for fillings in found:
        if fillings is None:
            assert all(kind.count is not None for kind in kinds)
        else:
            check_fillings(kinds, sizes, fillings)
            cells = sum(kinds[filling.kind].rows * kinds[filling.kind].columns for filling in fillings)
            assert cells >= search.reach or any(kind.faults for kind in kinds)


def test_the_work_does_not_depend_on_the_number() -> None:
    """A million of 3x2 and 2x3 fill arrays of 6x6 without waste, in so few rounds as a hundred."""
    kind = ArrayKind(name="x", rows=6, columns=6, adcs=1)
    sizes = sizes_of((3, 2, 600_000), (2, 3, 600_000))
    search = PatternSearch([kind], sizes, 0)
    fillings = search.rounded((), Budget())
    assert fillings is not None
    assert len(fillings) == 200_000
    assert len({id(filling.places) for filling in fillings}) < 10


def test_patterns_that_no_guillotine_cuts() -> None:
    """Four of 3x2 and 2x3 around a hole of one cell: 5 x 5 cells hold four of them only as a pinwheel."""
    kind = ArrayKind(name="x", rows=5, columns=5, adcs=1)
    sizes = sizes_of((3, 2, 20), (2, 3, 20))
    search = PatternSearch([kind], sizes, 0)
    first = search.rounded((), Budget())
    added, cells = search.price_exactly(Budget(), 10.0)
    better = search.chosen(0, Budget())
    assert first is not None
    assert better is not None
    assert len(better) == 10 <= len(first)
    check_fillings([kind], sizes, better)
    assert added == (len(first) > 10)
    assert cells <= 10 * 25


def test_few_sizes() -> None:
    """Only where a table of all sums of sizes is small."""
    wide = ArrayKind(name="x", rows=4096, columns=4096, adcs=1)
    assert few_sizes([wide], sizes_of((64, 32, 5), (32, 64, 5)))
    assert not few_sizes([wide], sizes_of((64, 31, 5), (33, 64, 5)))
    assert not few_sizes([wide], sizes_of(*((k, 64, 1) for k in range(64, 6400, 64))))


@settings(max_examples=60, deadline=None)
@given(randoms)
def test_what_there_is_no_time_for_stands_on_shelves(random: Random) -> None:
    """The clock strikes after some arrays; everything still stands somewhere, legally."""
    kinds = [random_kind(random, name, random.choice((None, 9))) for name in "ab"[: random.randint(1, 2)]]
    sizes = random_sizes(random)
    ticks = iter([0.0] * random.randint(1, 4))
    budget = Budget(seconds=1.0, clock=lambda: next(ticks, 2.0))
    fillings = fill(kinds, sizes, range(len(sizes.count)), budget)
    if fillings is None:
        assert any(kind.count is not None for kind in kinds)
    else:
        check_fillings(kinds, sizes, fillings)


@settings(max_examples=60, deadline=None)
@given(randoms)
def test_pinwheels_are_legal_and_worth_more(random: Random) -> None:
    kind = ArrayKind(name="x", rows=random.randint(4, 12), columns=random.randint(4, 12), adcs=1)
    sizes = random_sizes(random, 4)
    values = np.array([random.uniform(0.5, 2) for _ in sizes.count])
    guillotine = Guillotine(sizes, kind.rows, kind.columns)
    guillotine.price(values)
    least = guillotine.value(kind.rows, kind.columns) * random.uniform(0.5, 1.0)
    for places in best_pinwheels(guillotine, kind.rows, kind.columns, least, 5):
        held = check_places(kind, None, sizes, places)
        assert held @ values > least - 1e-6


def test_the_smallest_pinwheel() -> None:
    """Four of 3x2 and 2x3 round an empty cell."""
    sizes = sizes_of((3, 2, 2), (2, 3, 2))
    guillotine = Guillotine(sizes, 5, 5)
    guillotine.price(np.ones(2))
    assert guillotine.value(5, 5) == 3
    (best, *_) = best_pinwheels(guillotine, 5, 5, 3.0, 4)
    assert check_places(ArrayKind(name="x", rows=5, columns=5, adcs=1), None, sizes, best).tolist() == [2, 2]
