"""Listing all deals of chained operators: cells that steps leave empty, deals, and the whole."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decompose import asked, chain, legal, outcome_of

from sbdopt.search.exact.crossings import Step, empty_cells, least_empty, most_shared, shared
from sbdopt.search.exact.decompose import decompose
from sbdopt.search.exact.exhaust import exhaust
from sbdopt.search.exact.listing import list_all
from sbdopt.search.exact.portions import Work, portions
from sbdopt.search.exact.scales import Size


def fewest_empty(one: Step, two: Step, side: int) -> int | None:
    """The fewest cells that must be empty wherever two steps stand on a square array; None if they cannot."""
    sizes = [*one, *two]
    of_step = [0] * len(one) + [1] * len(two)
    corners = [product(range(side + 1 - height), range(side + 1 - width)) for height, width in sizes]
    fewest = None
    for places in product(*corners):
        if not legal(sizes, of_step, places):
            continue
        crossed: set[tuple[int, int]] = set()
        filled: set[tuple[int, int]] = set()
        for step in (0, 1):
            rows: set[int] = set()
            columns: set[int] = set()
            for (height, width), (row, column), number in zip(sizes, places, of_step, strict=True):
                if number == step:
                    rows |= set(range(row, row + height))
                    columns |= set(range(column, column + width))
                    filled |= set(product(range(row, row + height), range(column, column + width)))
            crossed |= set(product(rows, columns))
        empty = len(crossed - filled)
        fewest = empty if fewest is None else min(fewest, empty)
    return fewest


small: list[Size] = [(1, 1), (1, 2), (2, 1)]
pairs = [(one, two) for one in small for two in small if one <= two]


@pytest.mark.parametrize(("one", "two"), [(one, two) for one in pairs for two in pairs if one <= two])
def test_no_placement_leaves_fewer_cells_empty(one: Step, two: Step) -> None:
    fewest = fewest_empty(one, two, 4)
    least, shown = least_empty([one, two])
    if fewest is not None:
        assert least <= fewest
    assert max(empty_cells(one), empty_cells(two)) <= least <= empty_cells(one) + empty_cells(two)
    assert shown
    assert shared(one, two) <= min(most_shared(one), most_shared(two))


def test_two_steps_share_empty_cells_but_not_all() -> None:
    step = ((1, 1), (1, 1))
    assert least_empty([step, step])[0] == fewest_empty(step, step, 4) == 3
    assert empty_cells(step) == 2


def never() -> bool:
    return False


works = st.lists(st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2), (1, 3)]), min_size=1, max_size=4)


@given(sizes=works, arrays=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_every_deal_has_its_fewest_cycles(sizes: list[Size], arrays: int) -> None:
    """Beside the cycles of a deal that is listed there are none that fewer steps would do in."""
    alone = [2 + width for _, width in sizes]
    steps = [((i, j), 2) for i in range(len(sizes)) for j in range(i)]
    found = portions(Work(sizes, alone, steps), arrays, 9, 9 * arrays, 100, 10_000, never)
    assert found is not None
    for masks, cycles, area, empty in zip(
        found.masks.tolist(), found.cycles.tolist(), found.area.tolist(), found.empty.tolist(), strict=True
    ):
        assert sum(masks) == 2 ** len(sizes) - 1
        for mask, filled, least in zip(masks, area, empty, strict=True):
            there = [i for i in range(len(sizes)) if mask >> i & 1]
            assert filled == sum(sizes[i][0] * sizes[i][1] for i in there)
            wanted = -(-max(0, sum(alone[i] for i in there) - cycles) // 2)
            ways = [
                least_empty([tuple(sizes[i] for i in step) for step in chosen])[0]
                for chosen in matchings(there)
                if len(chosen) >= wanted
            ]
            assert least <= min(ways)
            assert filled + least <= 9
    every = {tuple(masks) for masks in found.masks.tolist()}
    for where in product(range(arrays), repeat=len(sizes)):
        earlier = [(i, j) for i in range(len(sizes)) for j in range(i) if sizes[i] == sizes[j]]
        alike = [(i, j) for i, j in earlier if where[j] < where[i]]
        areas = [sum(h * w for (h, w), a in zip(sizes, where, strict=True) if a == k) for k in range(arrays)]
        if not alike and max(areas) <= 9:
            assert tuple(sum(1 << i for i, a in enumerate(where) if a == k) for k in range(arrays)) in every


def matchings(there: list[int]) -> list[list[tuple[int, int]]]:
    """All sets of pairs without a common block."""
    if len(there) < 2:
        return [[]]
    first, *rest = there
    found = matchings(rest)
    for other in rest:
        left = [i for i in rest if i != other]
        found += [[(other, first), *more] for more in matchings(left)]
    return found


def on_arrays(masks: list[int], operators: list[list[Size]]) -> list[tuple[tuple[Size, ...], ...]]:
    """Sizes of the blocks of each operator on each array, the first operator having the lowest bits."""
    found = []
    for mask in masks:
        bits = iter(f"{mask:032b}"[::-1])
        found.append(tuple(tuple(sorted(size for size in sizes if next(bits) == "1")) for sizes in operators))
    return found


@given(
    operators=st.lists(works.filter(lambda sizes: len(sizes) < 4), min_size=2, max_size=2),
    spare=st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_every_solution_is_in_the_list(operators: list[list[Size]], spare: int) -> None:
    """Steps are pairs that save 2 cycles; what leaves enough cells empty has a row with no fewer cycles."""
    arrays, cells = 2, 9
    alone = [[2 + width for _, width in sizes] for sizes in operators]
    pairs = [[((i, j), 2) for j in range(len(sizes)) for i in range(j)] for sizes in operators]
    unused = arrays * cells - sum(h * w for sizes in operators for h, w in sizes)
    within = sum(map(sum, alone)) // 2 + spare
    dealt = [
        portions(Work(*work), arrays, cells, unused, within, 10_000, never)
        for work in zip(operators, alone, pairs, strict=True)
    ]
    ways = [portions for portions in dealt if portions is not None]
    listing = list_all(ways, list(map(len, operators)), cells, unused, within, 10_000, never)
    assert listing is not None
    rows = [
        (on_arrays(masks, operators), cycles)
        for masks, cycles in zip(listing.masks.tolist(), listing.cycles.tolist(), strict=True)
    ]
    blocks = [(o, i) for o, sizes in enumerate(operators) for i in range(len(sizes))]
    for where in product(range(arrays), repeat=len(blocks)):
        there = [
            [[i for (p, i), b in zip(blocks, where, strict=True) if (p, b) == (o, a)] for o in range(2)]
            for a in range(arrays)
        ]
        sizes = [tuple(tuple(sorted(operators[o][i] for i in t[o])) for o in range(2)) for t in there]
        times = [
            [
                [sum(alone[o][i] for i in t[o]) - 2 * len(steps[o]) for o in range(2)]
                for steps in product(matchings(t[0]), matchings(t[1]))
                if least_empty([tuple(operators[o][i] for i in s) for o in range(2) for s in steps[o]])[0]
                + sum(h * w for of in size for h, w in of)
                <= cells
            ]
            for t, size in zip(there, sizes, strict=True)
        ]
        for one, two in product(*times):
            cycles = [max(pair) for pair in zip(one, two, strict=True)]
            if sum(cycles) <= within:
                assert any(
                    found in (sizes, sizes[::-1]) and all(a <= b for a, b in zip(cycles, most, strict=True))
                    for found, most in rows
                )


@given(operators=st.lists(works, min_size=2, max_size=3), more=st.integers(0, 1))
@settings(max_examples=60, deadline=None)
def test_finds_and_proves_what_the_relaxation_does(operators: list[list[Size]], more: int) -> None:
    arrays = -(-sum(height * width for blocks in operators for height, width in blocks) // 16) + more
    relations, task = asked(chain(*operators, side=4), arrays, "makespan", {})
    best, proven = outcome_of(exhaust, relations, task)
    assert proven
    assert (best, proven) == outcome_of(decompose, relations, task)


@given(operators=st.lists(works, min_size=2, max_size=2), slack=st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_finds_the_fewest_arrays_for_a_makespan(operators: list[list[Size]], slack: int) -> None:
    problem = chain(*operators, side=4)
    relations, task = asked(problem, 3, "makespan", {})
    makespan, _ = outcome_of(exhaust, relations, task)
    limits = {"makespan": 200 if makespan is None else makespan + slack}
    for goal in ("arrays", "unused_cells"):
        relations, task = asked(problem, 3, goal, limits)
        assert outcome_of(exhaust, relations, task) == outcome_of(decompose, relations, task)


def test_operators_that_run_together_are_not_listed() -> None:
    problem = chain([(2, 2)], [(2, 2)], [(4, 4)])
    free = problem.model_copy(
        update={"operators": [o.model_copy(update={"after": []}) for o in problem.operators]}
    )
    relations, task = asked(free, 1, "makespan", {})
    assert outcome_of(exhaust, relations, task) == (None, False)


def test_what_is_too_much_to_list_is_left_alone() -> None:
    work = Work([(1, 1 + i) for i in range(8)], [3] * 8, [((i, i + 1), 1) for i in range(7)])
    assert portions(work, 3, 100, 300, 100, 200, never) is None
    assert portions(work, 3, 100, 300, 100, 100_000, never) is not None
    assert np.all(portions(work, 1, 36, 0, 100, 300, never).empty == 0)  # type: ignore[union-attr]
