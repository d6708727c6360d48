"""What an operator takes at least by itself: compared with all ways to deal and to read its blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from diagonals import chained
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sbdopt.blocks import Blocks
from sbdopt.problem import Problem
from sbdopt.search.budget import Budget
from sbdopt.search.exact.block_sets import BlockSets
from sbdopt.search.exact.candidates import Candidate
from sbdopt.search.exact.crossings import least_empty
from sbdopt.search.exact.decompose import questions_for
from sbdopt.search.exact.least_cycles import _Dealing, least_cycles, least_in_turn
from sbdopt.search.exact.questions import Questions
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import Halt, Run
from sbdopt.search.exact.scales import Size
from sbdopt.search.exact.set_costs import SetCosts
from sbdopt.search.exact.slots import slots_of
from sbdopt.search.exact.task import Task

SIDE = 8
ARRAYS = 2
NOTHING = np.zeros(2, dtype=np.int64)


def asked(operators: list[list[Size]]) -> tuple[Questions, Run]:
    hardware = {
        "arrays": [{"name": "xbar", "rows": SIDE, "columns": SIDE, "adcs": 2}],
        "settle_cycles": 2,
    }
    problem = Problem.model_validate({"name": "chain", "hardware": hardware, "operators": chained(operators)})
    blocks = Blocks.of(problem)
    relations = Relations(blocks, tuple(slots_of(blocks.hardware.arrays, [ARRAYS])))
    run = Run(Budget(seconds=60), 0, 1, [].append, Halt())
    found = questions_for(relations, Task("makespan", {}, known=0, best=None, horizon=200), run)
    assert found is not None
    return found, run


def deals(steps: Sequence[tuple[int, ...]], blocks: set[int]) -> Iterator[list[list[tuple[int, ...]]]]:
    """Every way to read all blocks in some of the steps, each on one of the arrays."""
    if not blocks:
        yield [[] for _ in range(ARRAYS)]
        return
    for step in steps:
        if min(blocks) in step and blocks.issuperset(step):
            for rest in deals(steps, blocks - set(step)):
                for a in range(ARRAYS):
                    yield [[*there, step] if a == number else there for number, there in enumerate(rest)]


def tried(questions: Questions, unused: int) -> int | None:
    """The least cycles of the first operator of all deals that have cells enough."""
    cells = questions.fits.scales.rows * questions.fits.scales.columns
    spent = {candidate.members: cycles for candidate, cycles in questions.candidates[0]}
    size = questions.size
    best = None
    for deal in deals(list(spent), {i for step in spent for i in step}):
        empty = [least_empty([tuple(size[i] for i in step) for step in there])[0] for there in deal]
        filled = [sum(size[i][0] * size[i][1] for step in there for i in step) for there in deal]
        if sum(empty) <= unused and all(e + f <= cells for e, f in zip(empty, filled, strict=True)):
            cycles = max(sum(spent[step] for step in there) for there in deal)
            best = cycles if best is None else min(best, cycles)
    return best


def tried_together(questions: Questions, unused: int) -> int | None:
    """The least cycles of all operators one after another, of all deals that have cells enough."""
    cells = questions.fits.scales.rows * questions.fits.scales.columns
    of = {c.members: (o, spent) for o, found in questions.candidates.items() for c, spent in found}
    size = questions.size
    best = None
    for deal in deals(list(of), {i for step in of for i in step}):
        empty = [least_empty([tuple(size[i] for i in step) for step in there])[0] for there in deal]
        filled = [sum(size[i][0] * size[i][1] for step in there for i in step) for there in deal]
        if sum(empty) <= unused and all(e + f <= cells for e, f in zip(empty, filled, strict=True)):
            cycles = sum(
                max(sum(of[step][1] for step in there if of[step][0] == o) for there in deal)
                for o in questions.candidates
            )
            best = cycles if best is None else min(best, cycles)
    return best


sizes = st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (1, 3), (3, 3), (4, 2), (4, 4), (5, 5)])


@given(mine=st.lists(sizes, min_size=1, max_size=6), unused=st.integers(0, 30))
@example(mine=[(2, 1), (3, 2), (3, 3), (3, 3), (3, 3), (4, 2)], unused=17)
@settings(max_examples=120, deadline=None)
def test_as_little_as_the_best_deal(mine: list[Size], unused: int) -> None:
    questions, run = asked([mine, [(1, 1)]])
    expected = tried(questions, unused)
    least = least_cycles(questions, NOTHING, ARRAYS, unused, run)[0,]
    assert least == (0 if expected is None else expected)


@given(mine=st.lists(sizes, min_size=1, max_size=6), unused=st.integers(0, 30))
@settings(max_examples=120, deadline=None)
def test_prices_and_tables_that_end_show_no_more(mine: list[Size], unused: int) -> None:
    """Blocks that must be priced, more sets of steps than are looked at, more savings than have room."""
    questions, run = asked([mine, [(1, 1)]])
    found = {}
    for few, most in ((9999, 9999), (9999, 1), (0, 9999), (0, 1), (9999, 0)):
        with pytest.MonkeyPatch.context() as patch:
            if most == 0:
                patch.setattr("sbdopt.search.exact.set_costs._MOST_ENTRIES", 16)
            patch.setattr("sbdopt.search.exact.least_cycles._FEW", few)
            patch.setattr("sbdopt.search.exact.set_costs._MOST_TRIES", most or 9999)
            found[few, most] = least_cycles(questions, NOTHING, ARRAYS, unused, run)[0,]
    expected = tried(questions, unused)
    if expected is not None:
        assert found[9999, 9999] == expected
        assert found[0, 1] <= found[0, 9999] <= expected
        assert found[0, 1] <= found[9999, 1] <= expected
        assert found[9999, 0] <= expected


@given(
    operators=st.lists(st.lists(sizes, min_size=1, max_size=3), min_size=2, max_size=3).filter(
        lambda operators: sum(map(len, operators)) <= 6
    ),
    unused=st.integers(0, 40),
)
@example(operators=[[(2, 2)] * 2, [(2, 2)] * 2], unused=8)
@settings(max_examples=150, deadline=None)
def test_as_little_as_the_best_deal_of_several(operators: list[list[Size]], unused: int) -> None:
    questions, run = asked(operators)
    expected = tried_together(questions, unused)
    known = np.zeros(len(operators), dtype=np.int64)
    least = least_cycles(questions, known, ARRAYS, unused, run)
    for (operator, *others), value in least.items():
        known[operator] = value if not others else known[operator]
    if expected is not None:
        assert least_in_turn(known, least) == expected


def test_two_operators_that_want_the_same_cells() -> None:
    """Two blocks of 3x3 leave 18 cells empty, four at least 27: two steps share 9 of these."""
    for unused, together in ((24, 13), (28, None)):
        questions, run = asked([[(3, 3), (3, 3), (5, 5)]] * 2)
        least = least_cycles(questions, NOTHING, ARRAYS, unused, run)
        assert least[0,] == least[1,] == 5
        assert least.get((0, 1)) == together


def test_spare_cells_buy_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four blocks of 2x2, read in 3 cycles each, two on each of two arrays, if not together, then in 4."""
    for few in (0, 9999):
        monkeypatch.setattr("sbdopt.search.exact.least_cycles._FEW", few)
        for unused, cycles in ((0, 6), (7, 6), (15, 6), (16, 4), (64, 4)):
            questions, run = asked([[(2, 2)] * 4, [(1, 1)]])
            assert least_cycles(questions, NOTHING, ARRAYS, unused, run)[0,] == cycles


def test_known_cycles_are_not_tried_again() -> None:
    questions, run = asked([[(2, 2)] * 4, [(1, 1)]])
    assert least_cycles(questions, NOTHING + 5, ARRAYS, 64, run)[0,] == 5


def in_pairs(number: int) -> BlockSets:
    """Blocks of 2x2, each read in 3 cycles, or two in 4, which leave 8 cells empty."""
    steps = [((i,), 3) for i in range(number)] + [(pair, 4) for pair in combinations(range(number), 2)]
    candidates = [(Candidate(members, 2 * len(members), 2 * len(members)), spent) for members, spent in steps]
    return BlockSets(candidates, [(2, 2)] * number)


@pytest.mark.parametrize(
    ("arrays", "unused", "cycles"), [(1, 0, 54), (3, 0, 18), (3, 8, 18), (3, 12, 16), (3, 500, 12)]
)
def test_many_blocks(arrays: int, unused: int, cycles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some pairs leave no fewer than 12 cells empty: then two arrays hold 5 blocks, the third four pairs."""
    costs = SetCosts([in_pairs(18)], 256, unused, Budget(seconds=60), Halt())
    assert _Dealing(costs, arrays).least(0) == cycles
    monkeypatch.setattr("sbdopt.search.exact.set_costs._MOST_TRIES", 0)
    monkeypatch.setattr("sbdopt.search.exact.set_costs._FIRST", 12)
    hurried = SetCosts([in_pairs(18)], 256, unused, Budget(seconds=60), Halt())
    assert (_Dealing(hurried, arrays).least(0) < cycles) == (8 <= unused <= 12)


@pytest.mark.parametrize(
    ("arrays", "unused", "cycles", "complete"), [(3, 8, 18, 8), (3, 12, 16, 12), (3, 500, 12, 14)]
)
def test_cells_are_allowed_little_by_little(
    arrays: int, unused: int, cycles: int, complete: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than matter: three pairs on each array leave 12 cells empty; after 11, 14 are allowed."""
    monkeypatch.setattr("sbdopt.search.exact.set_costs._FEW", 1)
    costs = SetCosts([in_pairs(18)], 256, unused, Budget(seconds=60), Halt())
    assert _Dealing(costs, arrays).least(0) == cycles
    assert costs.complete == complete


def test_steps_count_though_others_share_all_their_cells() -> None:
    """Four pairs leave 12 cells empty, like two: their own less what each two share would be but 8."""
    costs = SetCosts([in_pairs(16)], 256, 20, Budget(seconds=60), Halt())
    assert _Dealing(costs, 2).least(0) == 19


@pytest.mark.parametrize(("arrays", "unused", "cycles"), [(1, 0, 54), (3, 0, 18), (1, 12, 36), (2, 24, 19)])
def test_many_blocks_are_priced(
    arrays: int, unused: int, cycles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each array leaves as many cells empty as it needs, prices are as good as all deals."""
    monkeypatch.setattr("sbdopt.search.exact.least_cycles._FEW", 0)
    costs = SetCosts([in_pairs(18)], 256, unused, Budget(seconds=60), Halt())
    assert _Dealing(costs, arrays).least(0) == cycles


def test_fewest_cycles_of_every_set() -> None:
    assert in_pairs(5).fewest_of.tolist() == [0, 3, 4, 7, 8, 11]


def test_sets_of_several_operators() -> None:
    """Where no cells may stay empty all blocks are read one by one: so many as there are cycles for."""
    operators = [in_pairs(number) for number in (1, 2, 4)]
    costs = SetCosts(operators, 256, 0, Budget(seconds=60), Halt()).within([3, 5, 9])
    for number, cost in enumerate(costs.tolist()):
        one, two, three = number % 2, number // 2 % 3, number // 6
        assert (cost == 0) == (one <= 1 and two <= 1 and three <= 3)


def test_nothing_is_said_without_time() -> None:
    questions, run = asked([[(2, 2)] * 4, [(1, 1)]])
    run.halt.stop()
    assert least_cycles(questions, NOTHING, ARRAYS, 64, run) == {}


def test_the_search_ends_where_several_operators_find_no_room() -> None:
    """Each has room by itself, both together have none; nothing but that ends it, as time does not run."""
    questions, run = asked([[(6, 6)], [(6, 6)], [(6, 6)]])
    run = replace(run, budget=Budget(seconds=math.inf))
    least = least_cycles(questions, np.zeros(3, dtype=np.int64), ARRAYS, 64, run)
    assert set(least) == {(0,), (1,), (2,)}


def test_all_in_turn_takes_what_the_fewest_cover() -> None:
    """One operator may take many cycles more than it has to by itself: that costs less than two others."""
    together = {(0, 1): 20, (0, 2): 20}
    assert least_in_turn(np.array([1, 1, 1]), together) == 21
    assert least_in_turn(np.array([1, 15, 15]), together) == 35
    assert least_in_turn(np.array([1, 2, 3]), {}) == 6


def test_nothing_is_said_where_arrays_are_too_few() -> None:
    questions, run = asked([[(5, 7)] * 3, [(1, 1)]])
    assert tried(questions, 64) is None
    assert least_cycles(questions, NOTHING, ARRAYS, 64, run)[0,] == 0
