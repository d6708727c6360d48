"""The decomposition of exact search: functions of sizes, places on one array, conflicts, and the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import permutations, product

import pytest
from diagonals import chained
from hypothesis import example, given, settings
from hypothesis import strategies as st
from one_array import legal

from sbdopt.blocks import Blocks
from sbdopt.problem import Problem
from sbdopt.search.budget import Budget
from sbdopt.search.exact.answers import Answers
from sbdopt.search.exact.assignment import Relaxation
from sbdopt.search.exact.bars import need_too_many_lines
from sbdopt.search.exact.conflicts import Conflict
from sbdopt.search.exact.decompose import _steps, can_decompose, decompose
from sbdopt.search.exact.driver import _search_everything
from sbdopt.search.exact.fits import Fits
from sbdopt.search.exact.questions import _savings
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import Halt, NothingLeft, Outcome, Proven, Run
from sbdopt.search.exact.scales import Scales, Size
from sbdopt.search.exact.scanning import can_scan
from sbdopt.search.exact.slots import slots_of
from sbdopt.search.exact.task import Task
from sbdopt.search.method import Found
from sbdopt.search.score import score

SIDE = 4

sizes = st.tuples(st.integers(1, SIDE), st.integers(1, SIDE))
questions = st.tuples(
    st.lists(sizes, max_size=2), st.lists(st.lists(sizes, min_size=2, max_size=2), max_size=2)
).filter(lambda question: len(question[0]) + 2 * len(question[1]) <= 4)


def all_places(sizes: list[Size]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every way to put blocks on an array of SIDE x SIDE."""
    yield from product(
        *(product(range(SIDE + 1 - height), range(SIDE + 1 - width)) for height, width in sizes)
    )


def as_question(
    free: list[Size], steps: list[list[Size]]
) -> tuple[tuple[Size, ...], tuple[tuple[Size, ...], ...]]:
    return tuple(sorted(free)), tuple(sorted(tuple(sorted(step)) for step in steps))


def scanned_by(
    axis: int, sizes: Sequence[Size], of_step: Sequence[int], side: int
) -> list[tuple[int, int]] | bool | None:
    scales, budget = Scales.of(side, side), Budget(seconds=math.inf)
    return Fits(scales, Answers.of(sizes), budget, 0, Halt())._scan(sizes, of_step, axis, 100)


many_questions = st.tuples(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=5),
    st.lists(
        st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=2, max_size=3),
        min_size=1,
        max_size=3,
    ),
)


@given(question=many_questions)
@settings(max_examples=150, deadline=None)
def test_scanning_answers_as_cp_sat_does(question: tuple[list[Size], list[list[Size]]]) -> None:
    free, steps = as_question(*question)
    sizes = [*free, *(size for step in steps for size in step)]
    of_step = [-1] * len(free) + [number for number, step in enumerate(steps) for _ in step]
    scales = Scales.of(8, 8)
    proved = Fits(scales, Answers.of(sizes), Budget(), 0, Halt())._prove(sizes, of_step, 10)
    for axis in (0, 1):
        scanned = scanned_by(axis, sizes, of_step, 8)
        assert scanned is not None
        assert isinstance(scanned, list) == isinstance(proved, list)
        for (height, width), (row, column) in zip(sizes, scanned or [], strict=False):
            assert row in range(9 - height)
            assert column in range(9 - width)
        assert not isinstance(scanned, list) or legal(sizes, of_step, tuple(scanned))


@pytest.mark.parametrize(
    ("sizes", "of_step", "side"),
    [
        pytest.param([(2, 2)] * 6, [0, 0, 1, 1, 2, 2], 6, id="all empty cells are shared by two steps"),
        pytest.param([(3, 1), (1, 3), (3, 1), (1, 3), (2, 2)], [-1] * 5, 4, id="largest in the middle"),
        pytest.param(
            [(63, 1), (1, 63), (63, 1), (1, 63), (62, 62)], [-1] * 5, 64, id="as many lines as bits"
        ),
    ],
)
def test_scanning_finds_the_only_places(sizes: list[Size], of_step: list[int], side: int) -> None:
    for axis in (0, 1):
        scanned = scanned_by(axis, sizes, of_step, side)
        assert isinstance(scanned, list)
        assert legal(sizes, of_step, tuple(scanned))


def test_what_can_be_scanned_fits_numbers_of_64_bits() -> None:
    for number, room, possible in (
        (63, (64, 64), True),
        (64, (64, 64), False),
        (3, (65, 8), False),
        (3, (8, 65), False),
    ):
        assert can_scan(number, room) == possible


def test_a_scan_ends_when_it_is_stopped_or_has_spent_enough() -> None:
    sizes = [(2, 3), (3, 2)] * 6
    fits = Fits(Scales.of(9, 9), Answers.of(sizes), Budget(seconds=math.inf, work=1.0), 0, Halt())
    assert fits._scan(sizes, [-1] * 12, 0, 1e-5) is None
    assert fits.budget.spent > 0
    hurried = Fits(Scales.of(9, 9), Answers.of(sizes), Budget(seconds=0.3), 0, Halt())
    assert hurried._scan(sizes, [-1] * 12, 0, 1.0) is None  # too little time to be loaded


@given(question=questions)
@settings(max_examples=60, deadline=None)
def test_places_are_found_where_there_are_any(question: tuple[list[Size], list[list[Size]]]) -> None:
    free, steps = as_question(*question)
    blocks = [*free, *(size for step in steps for size in step)]
    of_step = [-1] * len(free) + [number for number, step in enumerate(steps) for _ in step]
    possible = any(legal(blocks, of_step, places) for places in all_places(blocks))
    scales = Scales.of(SIDE, SIDE)
    places = Fits(scales, Answers.of(blocks), Budget(), 0, Halt()).places(free, steps)
    assert (places is not False) == possible
    if possible:
        assert isinstance(places, list)
        assert legal(blocks, of_step, tuple(places))
        assert not scales.exclude(free, steps)
        assert not need_too_many_lines(blocks, of_step, (SIDE, SIDE))
    for axis in (0, 1):
        scanned = scanned_by(axis, blocks, of_step, SIDE)
        assert (scanned is not False) == possible
        assert not isinstance(scanned, list) or legal(blocks, of_step, tuple(scanned))


@given(known=questions, question=questions)
@example(known=([(1, 2), (2, 1)], []), question=([(1, 1), (2, 2)], []))
@settings(max_examples=300)
def test_what_follows_from_an_answer(
    known: tuple[list[Size], list[list[Size]]], question: tuple[list[Size], list[list[Size]]]
) -> None:
    """No places for some blocks mean none for a question that asks for all of them, or for larger ones."""
    free, steps = as_question(*question)
    answers = Answers(range(1, SIDE + 1), range(1, SIDE + 1))
    answers.add_impossible(*as_question(*known))
    kept = [step for step in steps if step in as_question(*known)[1]]
    apart = [size for step in steps if step not in kept for size in step]
    follows = sorted(kept) == sorted(as_question(*known)[1]) and replaceable(known[0], [*free, *apart])
    assert answers.impossible(free, steps) >= follows
    if answers.impossible(free, steps):
        known_steps = list(as_question(*known)[1])
        assert all(known_steps.count(step) <= steps.count(step) for step in known_steps)
        rest = [*free, *(size for step in steps for size in step)]
        for step in known_steps:
            for size in step:
                rest.remove(size)
        assert replaceable(known[0], rest)


def test_a_step_counts_as_one_rectangle() -> None:
    # Together the members cover 3 rows and 3 columns: a block of 2 x 2 meets their rows and their columns.
    scales = Scales.of(4, 4)
    assert scales.exclude([(2, 2)], [((1, 1), (2, 2))])
    assert not scales.exclude([(2, 2), (1, 1), (2, 2)], [])
    assert not scales.exclude([(1, 1)], [((1, 1), (2, 2))])


def test_a_step_in_the_corners_of_a_pinwheel() -> None:
    """Four of 2x2 around the middle of 5x5, two of 1x1 in opposite corners, whose crossings are the others.

    As one rectangle that step is a fifth of 2x2, and only four fit where each is in one piece.
    """
    step = ((1, 1), (1, 1))
    free = ((2, 2),) * 4
    scales = Scales.of(5, 5)
    assert scales.exclude([*free, (2, 2)], [])
    assert not scales.exclude(free, [step])
    sizes = [*free, *step]
    assert legal(sizes, [-1] * 4 + [0] * 2, ((0, 2), (2, 3), (1, 0), (3, 1), (0, 0), (4, 4)))
    places = Fits(scales, Answers.of(sizes), Budget(), 0, Halt()).places(free, (step,))
    assert isinstance(places, list)


def test_a_pinwheel_is_found_where_it_is_fastest() -> None:
    """The corners in one step of 2 + 1 cycles, then four of 2 + 1: 15; 18 if no two are read together."""
    problem = chain([(1, 1)] * 2, [(2, 2)] * 4, side=5)
    relations, task = asked(problem, 1, "makespan", {})
    assert outcome_of(decompose, relations, task) == (15, True)


def test_only_what_is_needed_is_read_together() -> None:
    steps = [((0, 1), 2), ((0, 2), 2), ((1, 2), 1), ((0, 1, 2), 4)]
    assert sorted(_savings(steps, 2)) == [((0, 1),), ((0, 2),)]
    assert list(_savings(steps, 3)) == [((0, 1, 2),)]
    assert list(_savings(steps, 5)) == []


def chain(*operators: list[Size], count: int | None = None, side: int = 8) -> Problem:
    """Operators that follow one another, blocks on the diagonal of each, square arrays with 2 ADCs."""
    array = {"name": "xbar", "rows": side, "columns": side, "adcs": 2, "count": count}
    hardware = {"arrays": [array], "settle_cycles": 2}
    return Problem.model_validate({"name": "chain", "hardware": hardware, "operators": chained(operators)})


def asked(problem: Problem, arrays: int, goal: str, limits: dict[str, int]) -> tuple[Relations, Task]:
    blocks = Blocks.of(problem)
    relations = Relations(blocks, tuple(slots_of(blocks.hardware.arrays, [arrays])))
    return relations, Task(goal, limits, known=0, best=None, horizon=200)


def outcome_of(method, relations: Relations, task: Task, workers: int = 1) -> tuple[int | None, bool]:  # type: ignore[no-untyped-def]
    """The best value that a search finds (None: nothing), and whether it proves that."""
    outcomes: list[Outcome] = []
    method(relations, task, Run(Budget(seconds=60), 0, workers, outcomes.append, Halt()))
    values = [
        score(relations.blocks, outcome.placement)[task.goal]
        for outcome in outcomes
        if isinstance(outcome, Found)
    ]
    proven = [outcome.value for outcome in outcomes if isinstance(outcome, Proven)]
    done = any(isinstance(outcome, NothingLeft) for outcome in outcomes)
    best = min(values, default=None)
    assert best is None or max(proven, default=0) <= best
    return best, done or (bool(proven) and max(proven) == best)


operators = st.lists(
    st.lists(
        st.sampled_from([(2, 2), (4, 2), (2, 4), (4, 4), (6, 4), (2, 6), (6, 6)]), min_size=1, max_size=5
    ),
    min_size=2,
    max_size=3,
)


@given(operators=operators)
@settings(max_examples=40, deadline=None)
def test_agrees_with_the_model_of_everything(operators: list[list[Size]]) -> None:
    arrays = -(-sum(height * width for blocks in operators for height, width in blocks) // 64)
    relations, task = asked(chain(*operators), arrays, "makespan", {})
    assert can_decompose(relations, task)
    best, proven = outcome_of(decompose, relations, task)
    assert proven
    outcomes: list[Outcome] = []
    limited = Task("makespan", {}, known=0, best=None if best is None else best, horizon=200)
    _search_everything(relations, limited, Run(Budget(seconds=60), 0, 1, outcomes.append, Halt()))
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Proven)] == [NothingLeft]
    if best is not None:
        outcomes.clear()
        limited = Task("makespan", {}, known=best, best=best + 1, horizon=200)
        _search_everything(relations, limited, Run(Budget(seconds=60), 0, 1, outcomes.append, Halt()))
        assert not any(isinstance(outcome, NothingLeft) for outcome in outcomes)


def test_a_model_is_not_searched_any_more_when_halted() -> None:
    relations, task = asked(chain([(2, 2)]), 1, "makespan", {})
    outcomes: list[Outcome] = []
    run = Run(Budget(seconds=60), 0, 1, outcomes.append, Halt())
    run.halt.stop()
    _search_everything(relations, task, run)
    assert not outcomes
    assert run.budget.spent == 0


def replaceable(wanted: list[Size], there: list[Size]) -> bool:
    """Whether each of some blocks has a block of its own that is no smaller (tried one by one)."""
    return any(
        all(one[0] <= two[0] and one[1] <= two[1] for one, two in zip(wanted, chosen, strict=True))
        for chosen in permutations(there, len(wanted))
    )


@given(
    blocks=st.lists(st.sampled_from([(2, 2), (2, 4), (4, 2), (4, 4), (2, 6)]), min_size=5, max_size=5),
    members=st.sets(st.integers(0, 4), min_size=1, max_size=3),
    hurried=st.booleans(),
)
@example(blocks=[(2, 4), (4, 2), (4, 4), (4, 4), (2, 2)], members={0, 1, 2}, hurried=False)
@example(blocks=[(4, 4), (4, 4), (2, 4), (4, 2), (4, 4)], members={0, 2, 3}, hurried=False)
@settings(max_examples=25, deadline=None)
def test_what_is_forbidden_is_forbidden_to_all_that_is_no_smaller(
    blocks: list[Size], members: set[int], hurried: bool
) -> None:
    """Blocks of the first operator, if it is limited, give way to its own blocks only."""
    first = 2
    relations, task = asked(chain(blocks[:first], blocks[first:]), 2, "makespan", {})
    units = (relations.row_unit, relations.column_unit)
    size = [(height // units[0], width // units[1]) for height, width in blocks]
    cycles = {0: 200} if hurried else {}
    wanted = [(size[i], i < first and hurried) for i in members]
    steps = _steps(relations, task)
    assert steps is not None
    for on_first in product([True, False], repeat=5):
        possible = []
        for forbidden in (False, True):
            relaxation = Relaxation(
                relations, Scales.of(8 // units[0], 8 // units[1]), size, steps, "makespan", {}, 200
            )
            if forbidden:
                relaxation.forbid(Conflict(tuple(sorted(members)), cycles))
            for on, there in zip(relaxation.on, on_first, strict=True):
                relaxation.model.add(on[0] == int(there))
            possible.append(bool(relaxation.solve(0, Run(Budget(), 0, 1, [].append, Halt()))))
        clash = any(
            meets(wanted, [(size[i], i < first) for i, there in enumerate(on_first) if there == array])
            for array in (True, False)
        )
        assert possible[1] == (possible[0] and not clash)


def meets(wanted: list[tuple[Size, bool]], there: list[tuple[Size, bool]]) -> bool:
    """Whether all can be replaced, those that are marked by blocks of the first operator."""
    return any(
        all(
            one[0] <= two[0] and one[1] <= two[1] and (mine or not only_mine)
            for (one, only_mine), (two, mine) in zip(wanted, chosen, strict=True)
        )
        for chosen in permutations(there, len(wanted))
    )


def test_what_runs_beside_the_chain_is_not_added() -> None:
    """One operator has a digital one of 30 cycles beside it, which the second waits for."""
    problem = chain([(4, 4)] * 2, [(4, 4)] * 2)
    document = problem.model_dump(mode="json", by_alias=True)
    document["operators"].append({"name": "beside", "after": [], "cycles": 30})
    document["operators"][1]["after"].append("beside")
    relations, task = asked(Problem.model_validate(document), 1, "makespan", {})
    assert can_decompose(relations, task)
    assert outcome_of(decompose, relations, task) == (38, True)


def test_more_steps_are_listed_where_arrays_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """All fifteen sets of four blocks, which can all be read together, for one array or two."""
    monkeypatch.setattr("sbdopt.search.exact.decompose._MOST_LITERALS", 15)
    problem = chain([(2, 2), (2, 1), (1, 2), (1, 1)])
    for most, listed in ((14, {1}), (15, {1, 2})):
        monkeypatch.setattr("sbdopt.search.exact.decompose._MOST_STEPS", most)
        steps = {
            arrays: _steps(*asked(problem, arrays, "makespan", {"unused_cells": 64})) for arrays in (1, 2)
        }
        assert {arrays for arrays, found in steps.items() if found is not None} == listed
        assert {len(found[0]) for found in steps.values() if found is not None} == {15}


def test_counts_arrays_for_a_makespan() -> None:
    problem = chain([(4, 4), (4, 4), (4, 4)], [(4, 4)])
    for makespan, arrays in ((8, 3), (16, 1)):
        relations, task = asked(problem, 4, "arrays", {"makespan": makespan})
        assert outcome_of(decompose, relations, task) == (arrays, True)


@pytest.mark.parametrize(
    ("goal", "arrays", "expected"),
    [("makespan", 1, True), ("interval", 1, False)],
)
def test_knows_what_it_can_decompose(goal: str, arrays: int, expected: bool) -> None:
    relations, task = asked(chain([(4, 4)]), arrays, goal, {})
    assert can_decompose(relations, task) is expected


def test_operators_that_run_together_are_not_decomposed() -> None:
    problem = chain([(4, 4)], [(4, 4)])
    document = problem.model_dump(mode="json", exclude_none=True)
    document["operators"][1]["after"] = []
    relations, task = asked(Problem.model_validate(document), 2, "makespan", {})
    assert not can_decompose(relations, task)
