"""Each rule of the exact model alone: it refuses what breaks the rule, and lets pass what nearly does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from brute_force import NOT_LEGAL, all_places, duration
from exact_models import Everywhere, feasible, least
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_problems import tiny_problem

from sbdopt.blocks import Blocks
from sbdopt.problem import Problem
from sbdopt.search.exact import constraints
from sbdopt.search.exact.slots import slots_of
from sbdopt.search.exact.timetable import Timetable
from sbdopt.search.exact.variables import Variables

Place = tuple[int, int, int]
"""(slot, row, column)"""
HORIZON = 100


def blocks_of(
    *operators: list[tuple[int, int, int, int]],
    array: dict[str, Any] | None = None,
    vector: str | None = None,
    chain: bool = False,
    more_arrays: list[dict[str, Any]] | None = None,
    **hardware: Any,
) -> Blocks:
    """Operators of blocks (input, output, height, width), in parallel or in a chain; two arrays of 6x6."""
    kind = {"name": "a", "rows": 6, "columns": 6, "adcs": 1, "count": 2} | (array or {})
    names = ("input", "output", "height", "width")
    document = {
        "name": "rules",
        "hardware": {"arrays": [kind, *(more_arrays or [])]} | hardware,
        "operators": [
            {
                "name": f"o{number}",
                "after": [f"o{number - 1}"] if chain and number else [],
                "input": vector,
                "shape": [9, 9],
                "blocks": {name: [block[place] for block in table] for place, name in enumerate(names)},
            }
            for number, table in enumerate(operators)
        ],
    }
    return Blocks.of(Problem.model_validate(document))


def variables_of(blocks: Blocks) -> Variables:
    kinds = blocks.hardware.arrays
    return Variables(Everywhere(blocks, tuple(slots_of(kinds, [kind.count or 0 for kind in kinds]))))


def fixed(blocks: Blocks, places: list[Place], together: set[tuple[int, int]] = frozenset()) -> Variables:
    """A model in which the blocks stand at these places, and exactly these pairs are read together."""
    variables = variables_of(blocks)
    model = variables.model
    for i, (slot, row, column) in enumerate(places):
        for s, on in enumerate(variables.on[i]):
            model.add(on == (s == slot))
        model.add(variables.row[i] == row)
        model.add(variables.column[i] == column)
    assert together <= set(variables.together)
    for pair, literal in variables.together.items():
        model.add(literal == (pair in together))
    return variables


def passes(
    rule: Callable[[Variables], Any], blocks: Blocks, places: list[Place], *together: tuple[int, int]
) -> bool:
    """Whether a rule lets these places pass; as often as not the places alone must be possible."""
    variables = fixed(blocks, places, set(together))
    assert feasible(variables), "not the rule but the model refuses this"
    rule(variables)
    return feasible(variables)


@pytest.mark.parametrize(("slots", "legal"), [((0,), True), ((1,), True), ((), False), ((0, 1), False)])
def test_complete(slots: tuple[int, ...], legal: bool) -> None:
    blocks = blocks_of([(0, 0, 1, 1)])
    variables = variables_of(blocks)
    for s, on in enumerate(variables.on[0]):
        variables.model.add(on == (s in slots))
    constraints.complete(variables)
    assert feasible(variables) == legal


@pytest.mark.parametrize(
    ("place", "legal"),
    [((0, 4, 4), True), ((2, 2, 2), True), ((2, 3, 2), False), ((2, 2, 3), False), ((3, 0, 0), False)],
)
def test_inside(place: Place, legal: bool) -> None:
    """A block of 2x2 on 6x6 (slots 0 and 1), 4x4 (slot 2) and 1x6 (slot 3)."""
    more = [
        {"name": "b", "rows": 4, "columns": 4, "adcs": 1, "count": 1},
        {"name": "c", "rows": 1, "columns": 6, "adcs": 1, "count": 1},
    ]
    blocks = blocks_of([(0, 0, 2, 2)], more_arrays=more)
    assert passes(constraints.inside, blocks, [place]) == legal


@pytest.mark.parametrize(
    ("second", "legal"),
    [
        ((0, 0, 2), True),
        ((0, 2, 0), True),
        ((0, 2, 2), True),
        ((1, 1, 1), True),
        ((0, 1, 1), False),
        ((0, 0, 0), False),
        ((0, 0, 1), False),
        ((0, 1, 0), False),
    ],
)
def test_disjoint(second: Place, legal: bool) -> None:
    blocks = blocks_of([(0, 0, 2, 2), (2, 2, 2, 2)])
    assert passes(constraints.disjoint, blocks, [(0, 0, 0), second]) == legal


@pytest.mark.parametrize(
    ("place", "legal"),
    [
        ((0, 0, 0), True),
        ((0, 4, 2), True),
        ((0, 2, 4), True),
        ((1, 2, 2), True),
        ((0, 2, 2), False),
        ((0, 1, 1), False),
        ((0, 3, 3), False),
    ],
)
def test_disjoint_from_faults(place: Place, legal: bool) -> None:
    """Array 0 has faulty rows 2 and 3 in columns 2 and 3."""
    blocks = blocks_of([(0, 0, 2, 2)], array={"faults": [[0, 2, 2, 2, 2]]})
    assert passes(constraints.disjoint, blocks, [place]) == legal


@pytest.mark.parametrize(
    ("vector", "second", "together", "legal"),
    [
        (None, (0, 0, 2), True, False),  # one row, two vectors
        (None, (0, 0, 2), False, True),
        (None, (0, 2, 2), True, True),
        ("x", (0, 1, 2), True, True),  # inputs 1 and 2 beside inputs 0 and 1, one row lower
        ("x", (0, 0, 2), True, False),  # inputs 0 and 1 on the same row
        ("x", (0, 2, 2), True, True),
        ("x", (0, 0, 2), False, True),
    ],
)
def test_row_agreement(vector: str | None, second: Place, together: bool, legal: bool) -> None:
    """Two operators; the block of one reads elements 0 and 1 of its vector, that of the other 1 and 2."""
    blocks = blocks_of([(0, 0, 2, 2)], [(1, 0, 2, 2)], vector=vector)
    pair = [(0, 1)] if together else []
    assert passes(constraints.row_agreement, blocks, [(0, 0, 0), second], *pair) == legal


@pytest.mark.parametrize("slices", [1, 2])
@pytest.mark.parametrize(
    ("second", "together", "legal"),
    [
        ((0, 2, 1), True, True),  # outputs 1 and 2 below outputs 0 and 1, one column to the right
        ((0, 2, 0), True, False),  # outputs 0 and 1 in one column
        ((0, 2, 0), False, True),
        ((0, 2, 2), True, True),
    ],
)
def test_column_agreement(slices: int, second: Place, together: bool, legal: bool) -> None:
    blocks = blocks_of([(0, 0, 2, 2), (2, 1, 2, 2)], array={"columns": 12}, columns_per_weight=slices)
    pair = [(0, 1)] if together else []
    places = [(0, 0, 0), (second[0], second[1], second[2] * slices)]
    assert passes(constraints.column_agreement, blocks, places, *pair) == legal


def test_columns_agree_by_slice() -> None:
    """Two slices a weight: one column to the right is the other slice, though the output is the same."""
    blocks = blocks_of([(0, 0, 2, 1), (2, 0, 2, 1)], columns_per_weight=2)
    assert passes(constraints.column_agreement, blocks, [(0, 0, 0), (0, 2, 0)], (0, 1))
    assert not passes(constraints.column_agreement, blocks, [(0, 0, 0), (0, 2, 1)], (0, 1))


def test_other_operators_never_share_a_column() -> None:
    blocks = blocks_of([(0, 0, 2, 2)], [(0, 0, 2, 2)])
    assert not passes(constraints.column_agreement, blocks, [(0, 0, 0), (0, 2, 0)], (0, 1))
    assert passes(constraints.column_agreement, blocks, [(0, 0, 0), (0, 2, 2)], (0, 1))


@pytest.mark.parametrize(
    ("third", "legal"),
    [
        ((0, 0, 2), False),  # on rows of the first, in columns of the second
        ((0, 2, 0), False),
        ((0, 1, 3), False),
        ((0, 0, 4), True),  # on driven rows, but in no column that is read
        ((0, 4, 0), True),
        ((0, 4, 4), True),
        ((1, 0, 2), True),  # on another array
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_isolation(third: Place, legal: bool, swapped: bool) -> None:
    """Two blocks on a diagonal are read; where may a third one stand?"""
    sizes = [(0, 0, 2, 2), (2, 2, 2, 2), (4, 4, 1, 1)]
    blocks = blocks_of(sizes[::-1] if swapped else sizes)
    places = [(0, 0, 0), (0, 2, 2), third]
    if swapped:
        assert passes(constraints.isolation, blocks, places[::-1], (1, 2)) == legal
    else:
        assert passes(constraints.isolation, blocks, places, (0, 1)) == legal


def test_a_block_of_the_step_may_stand_at_a_crossing() -> None:
    """One of each: rows shared with the first (same inputs), columns with the second (same outputs)."""
    blocks = blocks_of([(0, 0, 2, 2), (2, 2, 2, 2), (0, 2, 2, 2)])
    places = [(0, 0, 0), (0, 2, 2), (0, 0, 2)]
    assert passes(constraints.isolation, blocks, places, (0, 1), (0, 2), (1, 2))
    assert not passes(constraints.isolation, blocks, places, (0, 1))


@pytest.mark.parametrize(
    ("fault", "legal"),
    [
        ([0, 0, 2, 1, 1], False),
        ([0, 3, 1, 1, 1], False),
        ([0, 4, 0, 1, 1], True),
        ([0, 0, 4, 1, 1], True),
        ([1, 0, 2, 1, 1], True),
    ],
)
def test_isolation_from_faults(fault: list[int], legal: bool) -> None:
    blocks = blocks_of([(0, 0, 2, 2), (2, 2, 2, 2)], array={"faults": [fault]})
    assert passes(constraints.isolation, blocks, [(0, 0, 0), (0, 2, 2)], (0, 1)) == legal


def timed(
    rule: Callable[[Variables, Timetable], None],
    blocks: Blocks,
    places: list[Place],
    starts: list[int],
    horizon: int = HORIZON,
) -> bool:
    """Whether a rule lets blocks of several operators start at these cycles; each is read alone."""
    variables = fixed(blocks, places)
    timetable = Timetable(variables, horizon, {})
    for i, start in enumerate(starts):
        if i in timetable.start:
            variables.model.add(timetable.start[i] == start)
        else:
            variables.model.add(timetable.ready[int(blocks.operator[i])] == start)
    assert feasible(variables), "not the rule but the model refuses this"
    rule(variables, timetable)
    return feasible(variables)


@pytest.mark.parametrize(
    ("slots", "starts", "legal"),
    [
        ((0, 0), (0, 3), True),
        ((0, 0), (3, 0), True),
        ((0, 0), (0, 2), False),
        ((0, 0), (2, 0), False),
        ((0, 0), (5, 5), False),
        ((0, 1), (0, 2), False),  # on one tile
        ((0, 1), (0, 3), True),
        ((0, 2), (0, 0), True),  # on two tiles
    ],
)
def test_periphery(slots: tuple[int, int], starts: tuple[int, int], legal: bool) -> None:
    """Two operators that may run at the same time, a block of 2 columns each: 1 + 2 = 3 cycles."""
    blocks = blocks_of([(0, 0, 2, 2)], [(0, 0, 2, 2)], array={"tiers": 2, "count": 3})
    places = [(slots[0], 0, 0), (slots[1], 2, 2)]
    assert timed(constraints.periphery, blocks, places, list(starts)) == legal


@pytest.mark.parametrize(
    ("slots", "finish", "legal"),
    [((0, 0), 6, True), ((0, 0), 5, False), ((0, 1), 5, False), ((0, 2), 3, True)],
)
def test_periphery_within_an_operator(slots: tuple[int, int], finish: int, legal: bool) -> None:
    """Two blocks of one operator that nothing runs beside: 3 cycles each, one after the other on a tile."""
    blocks = blocks_of([(0, 0, 2, 2), (2, 2, 2, 2)], array={"tiers": 2, "count": 3})
    places = [(slots[0], 0, 0), (slots[1], 2, 2)]
    assert timed(constraints.periphery, blocks, places, [0, 0], horizon=finish) == legal


@pytest.mark.parametrize(
    ("starts", "legal"), [((0, 3), True), ((0, 2), False), ((1, 4), True), ((1, 3), False)]
)
def test_precedence(starts: tuple[int, int], legal: bool) -> None:
    """One operator after the other, 3 cycles each, on arrays of their own."""
    blocks = blocks_of([(0, 0, 2, 2)], [(0, 0, 2, 2)], chain=True)
    variables = fixed(blocks, [(0, 0, 0), (1, 0, 0)])
    timetable = Timetable(variables, HORIZON, {})
    for operator, start in enumerate(starts):
        variables.model.add(timetable.ready[operator] >= start)
        variables.model.add(timetable.finish[operator] <= start + 3)
    constraints.precedence(variables, timetable)
    assert feasible(variables) == legal


@pytest.mark.parametrize(("starts", "legal"), [((0, 0, 3), True), ((0, 4, 7), True), ((0, 4, 6), False)])
def test_precedence_of_operators_that_run_at_the_same_time(starts: tuple[int, ...], legal: bool) -> None:
    """o1 is after o0; a third operator runs whenever it likes, so that all have starts of their own."""
    document = blocks_of([(0, 0, 2, 2), (2, 2, 2, 2)], [(0, 0, 2, 2)], [(0, 0, 2, 2)]).problem
    operators = [*document.operators]
    operators[1] = operators[1].model_copy(update={"after": ["o0"]})
    blocks = Blocks.of(document.model_copy(update={"operators": operators}))
    places = [(0, 0, 0), (0, 2, 2), (1, 0, 0), (1, 2, 2)]
    assert timed(constraints.precedence, blocks, places, [*starts, 9]) == legal


@settings(max_examples=120, deadline=None)
@given(st.randoms(use_true_random=True))
def test_the_rules_of_a_step_and_its_duration(random: Any) -> None:
    """Some blocks on one array are read together: allowed if legal, and no shorter than the format says."""
    problem = tiny_problem(random)
    operators = [operator.model_copy(update={"after": []}) for operator in problem.operators]
    blocks = Blocks.of(problem.model_copy(update={"operators": operators}))
    slots = tuple(slots_of(problem.hardware.arrays, [len(blocks)] * len(problem.hardware.arrays)))
    number = random.randrange(len(slots)) if slots else 0
    members = tuple(range(len(blocks)))
    if not (slots and members):
        return
    here = (blocks, slots[number].kind, slots[number].faults, members)
    rows, columns = all_places(*here)
    if not len(rows):
        return
    steps = [step for size in members for step in combinations(members, size + 1)]
    for step in random.sample(steps, len(steps)):
        all_cycles = duration(*here, rows, columns, step)
        legal = np.flatnonzero(all_cycles < NOT_LEGAL)
        if len(step) > 1 and len(legal):
            break
    place = int(random.choice(legal)) if len(legal) and random.random() < 0.7 else random.randrange(len(rows))
    cycles = all_cycles[place]
    variables = Variables(Everywhere(blocks, slots))
    model = variables.model
    if not set(combinations(step, 2)) <= set(variables.together):
        assert cycles == NOT_LEGAL
        return
    for i in members:
        for s, on in enumerate(variables.on[i]):
            model.add(on == (s == number))
        model.add(variables.row[i] == int(rows[place][i]))
        model.add(variables.column[i] == int(columns[place][i]))
    for (i, j), together in variables.together.items():
        model.add(together == (i in step and j in step))
    constraints.disjoint(variables)
    constraints.row_agreement(variables)
    meet = constraints.column_agreement(variables)
    constraints.isolation(variables)
    timetable = Timetable(variables, 1000, meet)
    if cycles == NOT_LEGAL:
        assert not feasible(variables)
        return
    model.minimize(timetable.cycles[step[-1]])
    assert least(variables) == cycles
