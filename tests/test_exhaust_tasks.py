"""Exact search by listing deals: more workers, digital operators, what is known before, larger steps."""

from __future__ import annotations

import time
from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decompose import asked, chain, outcome_of

from sbdopt.documents import BoolArray
from sbdopt.problem import Operator, Problem
from sbdopt.search.budget import Budget
from sbdopt.search.exact.conflicts import Conflict
from sbdopt.search.exact.decompose import decompose, questions_for
from sbdopt.search.exact.exhaust import _Exhaustion, exhaust
from sbdopt.search.exact.listing import Listing
from sbdopt.search.exact.questions import Standing
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import Halt, NothingLeft, Outcome, Proven, Run
from sbdopt.search.exact.scales import Size
from sbdopt.search.exact.task import Task
from sbdopt.search.method import Found
from sbdopt.search.score import score

chains = st.lists(
    st.lists(st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2), (1, 3)]), min_size=1, max_size=4),
    min_size=2,
    max_size=3,
)


def arrays_for(operators: list[list[Size]], side: int = 4) -> int:
    return -(-sum(height * width for blocks in operators for height, width in blocks) // side**2)


def with_digital(problem: Problem, cycles: list[int]) -> Problem:
    """Digital operators between those of a chain, and after the last."""
    operators: list[Operator] = []
    for number, operator in enumerate(problem.operators):
        after = [operators[-1].name] if operators else []
        operators.append(operator.model_copy(update={"after": after}))
        operators.append(Operator(name=f"d{number}", cycles=cycles[number], after=[operator.name]))
    return problem.model_copy(update={"operators": operators})


def said_of(relations: Relations, task: Task) -> tuple[list[int], list[int], bool]:
    """The values found, those proven to be bounds, and whether nothing is left."""
    outcomes: list[Outcome] = []
    exhaust(relations, task, Run(Budget(seconds=60), 0, 1, outcomes.append, Halt()))
    found = [score(relations.blocks, one.placement)[task.goal] for one in outcomes if isinstance(one, Found)]
    proven = [one.value for one in outcomes if isinstance(one, Proven)]
    return found, proven, isinstance(outcomes[-1], NothingLeft)


@given(operators=chains, workers=st.integers(2, 3))
@settings(max_examples=20, deadline=None)
def test_more_workers_find_and_prove_the_same(operators: list[list[Size]], workers: int) -> None:
    relations, task = asked(chain(*operators, side=4), arrays_for(operators), "makespan", {})
    assert outcome_of(exhaust, relations, task, workers) == outcome_of(exhaust, relations, task)


class Rows(_Exhaustion):
    """Six numbered rows: some have places, some are not decided; a conflict strikes out its own row."""

    placed: Collection[int] = ()
    undecided: Collection[int] = ()

    def _list(self, arrays: int, makespan: int) -> Listing:
        numbers = np.arange(6)[:, None]
        return Listing(numbers, numbers, numbers)

    def _look(self, rows: Listing) -> list[Standing] | Conflict | None:
        number = int(rows.masks[0, 0])
        time.sleep(0.002 * (number % 3))
        if number in self.undecided:
            return None
        return [Standing({}, [(number,)])] if number in self.placed else Conflict((number,), {})

    def _struck(self, rows: Listing, conflict: Conflict) -> BoolArray:
        return np.asarray(rows.masks[:, 0] == conflict.blocks[0])


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_every_row_is_looked_at(workers: int) -> None:
    relations, task = asked(chain([(1, 1)], [(1, 1)]), 1, "makespan", {})
    questions = questions_for(relations, task, Run(Budget(seconds=60), 0, 1, [].append, Halt()))
    assert questions is not None

    def outcome(placed: Collection[int], undecided: Collection[int]) -> list[Standing] | bool:
        rows = Rows(relations, questions, 200, workers)
        rows.placed, rows.undecided = placed, undecided
        return rows.solve(1, 200)

    for number in range(6):
        assert outcome([number], [(number + 2) % 6]) == [Standing({}, [(number,)])]
        assert outcome([], [number]) is True
    assert outcome([], []) is False


@given(operators=chains, cycles=st.lists(st.integers(0, 9), min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_digital_operators_take_their_time_beside(operators: list[list[Size]], cycles: list[int]) -> None:
    problem = chain(*operators, side=4)
    digital, arrays = with_digital(problem, cycles), arrays_for(operators)
    best, _ = outcome_of(exhaust, *asked(problem, arrays, "makespan", {}))
    makespan = None if best is None else best + sum(cycles[: len(operators)])
    assert outcome_of(exhaust, *asked(digital, arrays, "makespan", {})) == (makespan, True)
    if makespan is not None:
        for limit, fewest in ((makespan, arrays), (makespan - 1, None)):
            asked_now = asked(digital, arrays, "arrays", {"makespan": limit})
            assert outcome_of(exhaust, *asked_now) == (fewest, True)


@given(operators=chains)
@settings(max_examples=20, deadline=None)
def test_only_what_is_better_than_the_best_is_looked_for(operators: list[list[Size]]) -> None:
    relations, task = asked(chain(*operators, side=4), arrays_for(operators), "makespan", {})
    best, _ = outcome_of(exhaust, relations, task)
    if best is None:
        return
    for known, earlier in ((0, best), (best - 3, best), (0, best + 1), (best, best + 1), (best, None)):
        task = Task("makespan", {}, known=known, best=earlier, horizon=200)
        found, proven, ended = said_of(relations, task)
        assert found == ([] if earlier == best else [best])
        assert proven == list(range(known + 1, best + (earlier != best)))
        assert ended


@pytest.mark.parametrize("goal", ["arrays", "unused_cells"])
def test_fewer_arrays_than_the_best_has(goal: str) -> None:
    """Three blocks take two arrays within 8 cycles, one array in more: only what beats the best is found."""
    problem = chain([(4, 4)] * 2, [(4, 4)])
    values = {"arrays": [1, 2, 3], "unused_cells": [16, 80, 144]}[goal]
    for limits, fewest in (({"makespan": 8}, 2), ({"makespan": 200}, 1)):
        for best in (2, 3):
            relations, _ = asked(problem, 3, goal, limits)
            task = Task(goal, limits, known=values[0], best=values[best - 1], horizon=200)
            found, proven, ended = said_of(relations, task)
            assert found == ([values[fewest - 1]] if fewest < best else [])
            assert proven == values[1:fewest]
            assert ended


def test_three_blocks_are_read_in_one_step() -> None:
    """In 2 + 2 cycles, where 3x3 cells are for them; two of them and one by itself would take 3 + 3."""
    three = [(1, 1)] * 3
    assert outcome_of(exhaust, *asked(chain(three, side=3), 1, "makespan", {})) == (4, True)
    assert outcome_of(exhaust, *asked(chain(three, three, side=6), 1, "makespan", {})) == (4 + 4, True)
    assert outcome_of(exhaust, *asked(chain(three, [(1, 1)], side=3), 1, "makespan", {})) == (6 + 3, True)


def test_steps_share_the_cells_that_they_leave_empty() -> None:
    """Three operators of two blocks each on 3x3: two cells are empty for each step, but three in all."""
    operators = [[(1, 1)] * 2] * 3
    relations, task = asked(chain(*operators, side=3), 1, "makespan", {})
    assert outcome_of(exhaust, relations, task) == (3 + 3 + 3, True)
    assert outcome_of(decompose, relations, task) == (3 + 3 + 3, True)


@given(
    operators=st.lists(
        st.lists(st.sampled_from([(1, 1), (1, 2), (2, 1)]), min_size=3, max_size=4), min_size=2, max_size=2
    ),
    arrays=st.integers(1, 2),
)
@settings(max_examples=15, deadline=None)
def test_steps_of_several_blocks_agree_with_the_relaxation(operators: list[list[Size]], arrays: int) -> None:
    relations, task = asked(chain(*operators, side=4), arrays, "makespan", {})
    assert outcome_of(exhaust, relations, task) == outcome_of(decompose, relations, task)
