"""The list of all deals: just the rows that fit, and just those that a conflict forbids struck out."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decompose import asked, chain

from sbdopt.search.budget import Budget
from sbdopt.search.exact.conflicts import Conflict
from sbdopt.search.exact.decompose import questions_for
from sbdopt.search.exact.exhaust import _Exhaustion
from sbdopt.search.exact.listing import Listing, list_all
from sbdopt.search.exact.portions import NEVER, Portions
from sbdopt.search.exact.runner import Halt, Run
from sbdopt.search.exact.scales import Size

ARRAYS = 2


def portions_at_random(rng: np.random.Generator, bits: int) -> Portions:
    """A few deals of so many blocks; what they take is drawn, whether any steps take just that or not."""
    rows = int(rng.integers(1, 6))
    where = rng.integers(0, ARRAYS, (rows, bits))
    masks = np.stack([((where == a) << np.arange(bits)).sum(axis=1) for a in range(ARRAYS)], axis=1)
    area, empty, single, own = rng.integers(0, 5, (4, rows, ARRAYS))
    return Portions(
        masks, rng.integers(0, 5, rows), rng.choice([1, 2, 3, NEVER], rows), area, empty, single, own
    )


@pytest.mark.parametrize("seed", range(60))
def test_the_rows_are_all_that_fit(seed: int) -> None:
    """For every two operators cells of one step of the one and those of the other's own steps add up."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(1, 4, 3).tolist()
    dealt = [portions_at_random(rng, count) for count in bits]
    cells, unused, within = 12, 15, 7
    listing = list_all(dealt, bits, cells, unused, within, 10_000, lambda: False)
    assert listing is not None
    expected = []
    for rows in product(*(range(len(portions)) for portions in dealt)):
        parts = [portions.take(np.array([row])) for portions, row in zip(dealt, rows, strict=True)]
        masks = sum(part.masks[0] << sum(bits[:k]) for k, part in enumerate(parts))
        cycles = [int(part.cycles[0]) for part in parts]
        empty = np.max(
            [part.empty[0] for part in parts]
            + [one.single[0] + two.own[0] for one in parts for two in parts if one is not two],
            axis=0,
        )
        filled = sum(part.area[0] for part in parts) + empty
        longer = sum(cycles) + min(int(part.room[0]) for part in parts)
        fits = max(filled) <= cells and sum(empty) <= unused and masks[0] >= masks[1]
        if fits and sum(cycles) <= within < longer:
            expected.append((masks.tolist(), cycles, filled.tolist()))
    columns = (listing.masks, listing.cycles, listing.filled)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert sorted(found) == sorted(expected)
    assert [sum(filled) for _, _, filled in found] == sorted(sum(filled) for _, _, filled in found)


@settings(max_examples=60, deadline=None)
@given(
    operators=st.lists(
        st.lists(st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2)]), min_size=1, max_size=3),
        min_size=2,
        max_size=2,
    ),
    data=st.data(),
)
def test_a_conflict_strikes_out_the_rows_that_it_forbids(
    operators: list[list[Size]], data: st.DataObject
) -> None:
    """Some array has as large a block for each, of its operator if that is limited, all within the cycles."""
    relations, task = asked(chain(*operators, side=4), ARRAYS, "makespan", {})
    questions = questions_for(relations, task, Run(Budget(), 0, 1, [].append, Halt()))
    assert questions is not None
    exhaustion = _Exhaustion(relations, questions, task.horizon, 1)
    size, operator, order = questions.size, questions.operator, exhaustion._order
    blocks = data.draw(st.sets(st.sampled_from(order), min_size=1, max_size=4))
    limits = data.draw(st.dictionaries(st.integers(0, 1), st.integers(3, 5)))
    where = list(product(range(ARRAYS), repeat=len(order)))
    times = list(product(range(3, 7), repeat=2))
    on = np.repeat(np.array(where), len(times), axis=0)
    masks = np.stack([((on == a) << np.arange(len(order))).sum(axis=1) for a in range(ARRAYS)], axis=1)
    rows = Listing(masks, np.array(times * len(where)), np.zeros_like(masks))
    struck = exhaustion._struck(rows, Conflict(tuple(sorted(blocks)), limits))

    def replaces(there: int, wanted: int) -> bool:
        mine = operator[wanted] not in limits or operator[there] == operator[wanted]
        return mine and size[there][0] >= size[wanted][0] and size[there][1] >= size[wanted][1]

    held = [
        any(
            all(map(replaces, chosen, blocks))
            for a in range(ARRAYS)
            for chosen in permutations([i for i, b in zip(order, one, strict=True) if a == b], len(blocks))
        )
        for one in where
    ]
    spent = [dict(zip(exhaustion._operators, cycles, strict=True)) for cycles in times]
    within = [all(one[o] <= most for o, most in limits.items()) for one in spent]
    assert struck.tolist() == np.outer(held, within).ravel().tolist()
