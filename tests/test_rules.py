"""Each rule alone: an illegal solution and its legal twin; then all rules against a slow judge."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slow_judge import SlowJudge, stands
from strategies import placements, problems, solution_of

from sbdopt.blocks import Blocks
from sbdopt.judge import Verdict, Violation, judge, judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.solution import Solution


def crossbar(name: str, *blocks: tuple[int, int, int, int], **more: Any) -> dict[str, Any]:
    """An operator of blocks (input, output, height, width)."""
    columns = dict(zip(("input", "output", "height", "width"), zip(*blocks, strict=True), strict=False))
    table = {key: list(columns.get(key, ())) for key in ("input", "output", "height", "width")}
    return {"name": name, "shape": [8, 8], "blocks": table, **more}


def problem_of(*operators: dict[str, Any], array: dict[str, Any] | None = None, **hardware: Any) -> Problem:
    """Operators on arrays of 8 x 8 cells with 2 converters; other settings as given."""
    kind = {"name": "x", "rows": 8, "columns": 8, "adcs": 2, **(array or {})}
    document = {"name": "p", "hardware": {"arrays": [kind], **hardware}, "operators": list(operators)}
    return Problem.model_validate(document)


def placed(*entries: tuple[int, ...]) -> Placement:
    """(array, row, column, start) of each block, or with the kind after it."""
    table = np.array([entry if len(entry) == 5 else (*entry, 0) for entry in entries], dtype=np.int64)
    array, row, column, start, kind = table.reshape(-1, 5).T
    return Placement(kind=kind, array=array, row=row, column=column, start=start)


def verdict(problem: Problem, *entries: tuple[int, ...]) -> Verdict:
    return judge(Blocks.of(problem), solution_of(problem, placed(*entries)))


SQUARE = (0, 0, 4, 4)
ONE = crossbar("a", SQUARE)
DIAGONAL = crossbar("a", (0, 0, 4, 4), (4, 4, 4, 4))
STACKED = crossbar("a", (0, 0, 4, 4), (4, 0, 4, 4))
BESIDE = crossbar("a", (0, 0, 4, 4), (0, 4, 4, 4))
SMALL = {"name": "small", "rows": 4, "columns": 4, "adcs": 1}
LARGE = {"name": "large", "rows": 8, "columns": 8, "adcs": 2}
TWO_KINDS = {"arrays": [SMALL, LARGE]}

TWINS = {
    "kind too large": (
        problem_of(ONE),
        [(0, 0, 0, 7, 1)],
        [(0, 0, 0, 7, 0)],
        "inside: array 0, step at cycle 7: 'a'[0] stands on an array of kind 1, but the kinds are 0 to 0",
    ),
    "kind negative": (
        problem_of(ONE),
        [(0, 0, 0, 7, -1)],
        [(0, 0, 0, 7, 0)],
        "inside: array 0, step at cycle 7: 'a'[0] stands on an array of kind -1, but the kinds are 0 to 0",
    ),
    "array too large": (
        problem_of(DIAGONAL, array={"count": 2}),
        [(0, 0, 0, 7), (2, 0, 0, 7)],
        [(0, 0, 0, 7), (1, 0, 0, 7)],
        "inside: array 2 ('x'), step at cycle 7: 'a'[1] stands on it, but the arrays of this kind are 0 to 1",
    ),
    "array negative": (
        problem_of(ONE),
        [(-1, 0, 0, 7)],
        [(1, 0, 0, 7)],
        "inside: array -1 ('x'), step at cycle 7: 'a'[0] stands on it, but the arrays of this kind are "
        "0, 1, 2 and so on",
    ),
    "row too large": (
        problem_of(ONE),
        [(0, 5, 0, 7)],
        [(0, 4, 0, 7)],
        "inside: array 0 ('x'), step at cycle 7: 'a'[0] takes rows 5 to 8 and columns 0 to 3, but there are "
        "rows 0 to 7 and columns 0 to 7",
    ),
    "row negative": (
        problem_of(ONE),
        [(0, -1, 0, 7)],
        [(0, 0, 0, 7)],
        "inside: array 0 ('x'), step at cycle 7: 'a'[0] takes rows -1 to 2 and columns 0 to 3, but there are "
        "rows 0 to 7 and columns 0 to 7",
    ),
    "column too large by slices": (
        problem_of(crossbar("a", (0, 0, 4, 3)), columns_per_weight=2),
        [(0, 0, 3, 7)],
        [(0, 0, 2, 7)],
        "inside: array 0 ('x'), step at cycle 7: 'a'[0] takes rows 0 to 3 and columns 3 to 8, but there are "
        "rows 0 to 7 and columns 0 to 7",
    ),
    "column negative": (
        problem_of(ONE),
        [(0, 0, -2, 7)],
        [(0, 0, 2, 7)],
        "inside: array 0 ('x'), step at cycle 7: 'a'[0] takes rows 0 to 3 and columns -2 to 1, but there are "
        "rows 0 to 7 and columns 0 to 7",
    ),
    "too large for its kind": (
        Problem.model_validate(
            {"name": "p", "hardware": TWO_KINDS, "operators": [crossbar("a", (0, 0, 5, 4))]}
        ),
        [(0, 0, 0, 7, 0)],
        [(0, 0, 0, 7, 1)],
        "inside: array 0 ('small'), step at cycle 7: 'a'[0] takes rows 0 to 4 and columns 0 to 3, but there "
        "are rows 0 to 3 and columns 0 to 3",
    ),
    "blocks overlap": (
        problem_of(DIAGONAL),
        [(3, 0, 0, 0), (3, 3, 3, 9)],
        [(3, 0, 0, 0), (3, 3, 4, 9)],
        "disjoint: array 3 ('x'), step at cycle 0: row 3, column 3 is a cell of 'a'[0] and of 'a'[1], "
        "whose step is at cycle 9",
    ),
    "the same place, but another kind": (
        Problem.model_validate({"name": "p", "hardware": TWO_KINDS, "operators": [DIAGONAL]}),
        [(0, 0, 0, 0, 1), (0, 0, 0, 9, 1)],
        [(0, 0, 0, 0, 0), (0, 0, 0, 9, 1)],
        "disjoint: array 0 ('large'), step at cycle 0: row 0, column 0 is a cell of 'a'[0] and of 'a'[1], "
        "whose step is at cycle 9",
    ),
    "fault covered": (
        problem_of(ONE, array={"faults": [[2, 0, 0, 8, 1], [2, 5, 0, 1, 8]]}),
        [(2, 4, 4, 0)],
        [(2, 0, 4, 0)],
        "disjoint: array 2 ('x'), step at cycle 0: row 5, column 4 is a cell of 'a'[0], and it is faulty",
    ),
    "two vectors on one row": (
        problem_of(crossbar("a", SQUARE, input="u"), crossbar("b", SQUARE, input="v")),
        [(0, 0, 0, 5), (0, 0, 4, 5)],
        [(0, 0, 0, 5), (0, 4, 4, 5)],
        "row agreement: array 0 ('x'), step at cycle 5: row 0 carries element 0 of vector 'u' for 'a'[0] and "
        "element 0 of vector 'v' for 'b'[0]",
    ),
    "vectors without a name": (
        problem_of(crossbar("a", SQUARE), crossbar("b", SQUARE)),
        [(0, 0, 0, 5), (0, 3, 4, 5)],
        [(0, 0, 0, 5), (0, 4, 4, 5)],
        "row agreement: array 0 ('x'), step at cycle 5: row 3 carries element 3 of the input of 'a' for "
        "'a'[0] and element 0 of the input of 'b' for 'b'[0]",
    ),
    "one vector, but another element": (
        problem_of(crossbar("a", SQUARE, input="u"), crossbar("b", (1, 0, 4, 4), input="u")),
        [(0, 0, 0, 5), (0, 0, 4, 5)],
        [(0, 0, 0, 5), (0, 1, 4, 5)],
        "row agreement: array 0 ('x'), step at cycle 5: row 0 carries element 0 of vector 'u' for 'a'[0] and "
        "element 1 of vector 'u' for 'b'[0]",
    ),
    "a short block between two that clash": (
        problem_of(crossbar("a", (0, 0, 6, 2), (0, 2, 1, 2), (4, 2, 2, 2))),
        [(0, 0, 0, 5), (0, 0, 2, 5), (0, 5, 4, 5)],
        [(0, 0, 0, 5), (0, 0, 2, 5), (0, 4, 4, 5)],
        "row agreement: array 0 ('x'), step at cycle 5: row 5 carries element 5 of the input of 'a' for "
        "'a'[0] and element 4 of the input of 'a' for 'a'[2]",
    ),
    "two operators in one column": (
        problem_of(crossbar("a", SQUARE), crossbar("b", SQUARE)),
        [(0, 0, 0, 5), (0, 4, 0, 5)],
        [(0, 0, 0, 5), (0, 4, 4, 5)],
        "column agreement: array 0 ('x'), step at cycle 5: column 0 adds up output 0 of 'a'[0] and "
        "output 0 of 'b'[0]",
    ),
    "two operators in one column that read one vector": (
        problem_of(crossbar("a", SQUARE, input="u"), crossbar("b", (4, 0, 4, 4), input="u")),
        [(0, 0, 0, 5), (0, 4, 0, 5)],
        [(0, 0, 0, 5), (0, 4, 4, 5)],
        "column agreement: array 0 ('x'), step at cycle 5: column 0 adds up output 0 of 'a'[0] and "
        "output 0 of 'b'[0]",
    ),
    "one operator, but another output": (
        problem_of(STACKED),
        [(0, 0, 0, 5), (0, 4, 1, 5)],
        [(0, 0, 1, 5), (0, 4, 1, 5)],
        "column agreement: array 0 ('x'), step at cycle 5: column 1 adds up output 1 of 'a'[0] and "
        "output 0 of 'a'[1]",
    ),
    "one output, but another slice": (
        problem_of(crossbar("a", (0, 0, 4, 2), (4, 0, 4, 2)), columns_per_weight=2),
        [(0, 0, 0, 5), (0, 4, 1, 5)],
        [(0, 0, 1, 5), (0, 4, 1, 5)],
        "column agreement: array 0 ('x'), step at cycle 5: column 1 adds up slice 1 of output 0 of 'a'[0] "
        "and slice 0 of output 0 of 'a'[1]",
    ),
    "outputs that overlap in part, in slices": (
        problem_of(crossbar("a", (0, 0, 4, 2), (4, 1, 4, 2)), columns_per_weight=2),
        [(0, 0, 0, 5), (0, 4, 1, 5)],
        [(0, 0, 0, 5), (0, 4, 2, 5)],
        "column agreement: array 0 ('x'), step at cycle 5: column 1 adds up slice 1 of output 0 of 'a'[0] "
        "and slice 0 of output 1 of 'a'[1]",
    ),
    "a block in the crossing": (
        problem_of(DIAGONAL, crossbar("b", (0, 0, 2, 2), after=["a"])),
        [(3, 0, 0, 5), (3, 4, 4, 5), (3, 1, 6, 40)],
        [(3, 0, 0, 5), (4, 4, 4, 5), (3, 1, 6, 40)],
        "isolation: array 3 ('x'), step at cycle 5: row 1 is driven for 'a'[0] and meets column 6, read by "
        "'a'[1], at a cell of 'b'[0]",
    ),
    "a block that begins before the crossing": (
        problem_of(
            crossbar("a", (0, 0, 2, 2), (4, 4, 2, 2)), crossbar("b", (0, 0, 5, 5)), array={"columns": 12}
        ),
        [(0, 6, 6, 5), (0, 2, 10, 5), (0, 0, 5, 40)],
        [(0, 6, 6, 5), (0, 2, 10, 7), (0, 0, 5, 40)],
        "isolation: array 0 ('x'), step at cycle 5: row 2 is driven for 'a'[1] and meets column 6, read by "
        "'a'[0], at a cell of 'b'[0]",
    ),
    "a block between the driven rows, or between the read columns": (
        problem_of(crossbar("a", (0, 0, 3, 3), (4, 4, 3, 3)), crossbar("b", (0, 0, 1, 2))),
        [(0, 0, 0, 5), (0, 4, 4, 5), (0, 2, 3, 40)],
        [(0, 0, 0, 5), (0, 4, 4, 5), (0, 3, 3, 40)],
        "isolation: array 0 ('x'), step at cycle 5: row 2 is driven for 'a'[0] and meets column 4, read by "
        "'a'[1], at a cell of 'b'[0]",
    ),
    "a fault in the crossing": (
        problem_of(DIAGONAL, array={"faults": [[0, 7, 3, 1, 1], [1, 0, 7, 1, 1]]}),
        [(0, 0, 0, 5), (0, 4, 4, 5)],
        [(1, 0, 0, 5), (0, 4, 4, 5)],
        "isolation: array 0 ('x'), step at cycle 5: row 7 is driven for 'a'[1] and meets column 3, read by "
        "'a'[0], at a faulty cell",
    ),
    "steps of an array overlap": (
        problem_of(DIAGONAL),
        [(0, 0, 0, 5), (0, 4, 4, 7)],
        [(0, 0, 0, 5), (0, 4, 4, 8)],
        "periphery: tile 0 ('x'): the step of 'a'[0] on array 0 takes cycles 5 to 7, but the step of 'a'[1] "
        "on array 0 begins at cycle 7",
    ),
    "steps of a tile overlap": (
        problem_of(DIAGONAL, array={"tiers": 3}),
        [(5, 0, 0, 5), (3, 4, 4, 5)],
        [(5, 0, 0, 5), (2, 4, 4, 5)],
        "periphery: tile 1 ('x'): the step of 'a'[1] on array 3 takes cycles 5 to 7, but the step of 'a'[0] "
        "on array 5 begins at cycle 5",
    ),
    "start negative": (
        problem_of(ONE),
        [(0, 0, 0, -1)],
        [(0, 0, 0, 0)],
        "precedence: array 0 ('x'), step at cycle -1: 'a'[0] starts before cycle 0",
    ),
    "before a predecessor has finished": (
        problem_of(ONE, crossbar("b", SQUARE, after=["a"])),
        [(0, 0, 0, 5), (1, 0, 0, 7)],
        [(0, 0, 0, 5), (1, 0, 0, 8)],
        "precedence: array 1 ('x'), step at cycle 7: 'b'[0] starts, but its operator is after 'a', which "
        "finishes at cycle 8",
    ),
    "before a digital predecessor has finished": (
        problem_of(crossbar("b", SQUARE, after=["n", "a"]), ONE, {"name": "n", "cycles": 10, "after": ["a"]}),
        [(1, 0, 0, 17), (0, 0, 0, 5)],
        [(1, 0, 0, 18), (0, 0, 0, 5)],
        "precedence: array 1 ('x'), step at cycle 17: 'b'[0] starts, but its operator is after 'n', which "
        "finishes at cycle 18",
    ),
    "before the last block of a predecessor has finished": (
        problem_of(DIAGONAL, crossbar("b", SQUARE, after=["a"])),
        [(0, 0, 0, 0), (1, 0, 0, 9), (2, 0, 0, 11)],
        [(0, 0, 0, 0), (1, 0, 0, 8), (2, 0, 0, 11)],
        "precedence: array 2 ('x'), step at cycle 11: 'b'[0] starts, but its operator is after 'a', which "
        "finishes at cycle 12",
    ),
    "an operator without blocks passes on what it waits for": (
        problem_of(ONE, crossbar("none", after=["a"]), crossbar("b", SQUARE, after=["none"])),
        [(0, 0, 0, 5), (1, 0, 0, 7)],
        [(0, 0, 0, 5), (1, 0, 0, 8)],
        "precedence: array 1 ('x'), step at cycle 7: 'b'[0] starts, but its operator is after 'none', which "
        "finishes at cycle 8",
    ),
    "a step lasts until all that it reads is converted, also for the smaller operator in it": (
        problem_of(
            crossbar("a", SQUARE, input="u"),
            crossbar("b", (0, 0, 4, 1), input="u"),
            crossbar("c", SQUARE, after=["b"]),
        ),
        [(0, 0, 0, 0), (0, 0, 4, 0), (1, 0, 0, 3)],
        [(0, 0, 0, 0), (0, 0, 4, 0), (1, 0, 0, 4)],
        "precedence: array 1 ('x'), step at cycle 3: 'c'[0] starts, but its operator is after 'b', which "
        "finishes at cycle 4",
    ),
}
"""Problem, illegal placement, legal twin, what is said."""


@pytest.mark.parametrize("name", TWINS)
def test_illegal_and_its_legal_twin(name):
    problem, illegal, legal, said = TWINS[name]
    assert [str(violation) for violation in verdict(problem, *illegal).violations] == [said]
    assert verdict(problem, *legal).legal


LEGAL_TOGETHER = {
    "shared input, side by side": (BESIDE, [(0, 0, 0, 0), (0, 0, 4, 0)]),
    "partial sums, stacked": (STACKED, [(0, 0, 0, 0), (0, 4, 0, 0)]),
    "diagonal, crossings empty": (DIAGONAL, [(0, 0, 0, 0), (0, 4, 4, 0)]),
    "the crossing holds a block of the step": (
        crossbar("a", (0, 0, 4, 4), (4, 4, 4, 4), (0, 4, 4, 4)),
        [(0, 0, 0, 0), (0, 4, 4, 0), (0, 0, 4, 0)],
    ),
}


@pytest.mark.parametrize("name", LEGAL_TOGETHER)
def test_legal_in_one_step(name):
    operator, entries = LEGAL_TOGETHER[name]
    found = verdict(problem_of(operator), *entries)
    assert found.violations == ()
    assert found.metrics is not None
    assert found.metrics.steps == 1


def document(problem: Problem, **counts: int) -> Solution:
    """So many blocks of each operator, each on an array of its own."""
    operators = {
        name: {"array": list(range(count)), **{key: [0] * count for key in ("row", "column", "start")}}
        for name, count in counts.items()
    }
    return Solution.model_validate(
        {"problem": problem.name, "problem_sha256": problem.sha256, "operators": operators}
    )


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "operator 'a' is not in the solution; list it, with a place for its 2 blocks"),
        ({"a": 1}, "'a'[1] has no place: only 1 of 2 blocks have one"),
        ({"a": 3}, "operator 'a' has 3 places for 2 blocks; each block has one"),
        ({"a": 2, "b": 1}, "operator 'b' is in the solution, but the problem has no operator of that name"),
        (
            {"a": 2, "n": 0},
            "operator 'n' is in the solution, but it is digital and has no blocks to be placed",
        ),
    ],
)
def test_complete(counts, said):
    problem = problem_of(DIAGONAL, {"name": "n", "cycles": 2})
    found = judge(Blocks.of(problem), document(problem, **counts))
    assert found == Verdict((Violation("complete", said),), None)
    assert judge(Blocks.of(problem), document(problem, a=2)).legal


def test_first_violation_of_each_broken_rule_in_order():
    problem = problem_of(BESIDE, crossbar("b", (0, 0, 4, 3), after=["a"]), array={"tiers": 2})
    found = verdict(problem, (0, 0, 0, 0), (0, 1, 2, 0), (1, 0, 0, -1))
    rules = ["disjoint", "row agreement", "column agreement", "periphery", "precedence"]
    assert [violation.rule for violation in found.violations] == rules
    assert found.metrics is None
    assert not found.legal


def test_nothing_else_is_said_where_a_block_lies_outside():
    found = verdict(problem_of(DIAGONAL), (0, 5, 0, -3), (0, 5, 0, -3))
    assert [violation.rule for violation in found.violations] == ["inside"]


def test_no_cell_is_ever_looked_at():
    """Arrays of a million by a million cells; the fault is one of 10^12 where 1000 blocks cross."""
    count, size, largest = 1000, 1000, 1_000_000
    diagonal = {name: [size * k for k in range(count)] for name in ("input", "output")}
    sizes = {name: [size] * count for name in ("height", "width")}
    operator = {"name": "a", "shape": [largest, largest], "blocks": {**diagonal, **sizes}}
    at = size * np.arange(count)
    nothing = np.zeros_like(at)
    placement = Placement(kind=nothing, array=nothing, row=at, column=at, start=nothing)
    for faults, violations in (
        ([], []),
        (
            [[0, 123_456, 345_678, 1, 1]],
            [
                "isolation: array 0 ('x'), step at cycle 0: row 123456 is driven for 'a'[123] and meets "
                "column 345678, read by 'a'[345], at a faulty cell"
            ],
        ),
    ):
        array = {"rows": largest, "columns": largest, "faults": faults}
        found = judge_placement(Blocks.of(problem_of(operator, array=array)), placement)
        assert [str(violation) for violation in found.violations] == violations


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_rules_and_metrics_agree_with_the_slow_judge(data):
    problem = data.draw(problems())
    placement = data.draw(placements(problem))
    solution = solution_of(problem, placement)
    found = judge(Blocks.of(problem), solution)
    slow = SlowJudge(problem, stands(problem, solution))
    broken = tuple(violation.rule for violation in found.violations)
    assert next(iter(broken), None) == slow.first_broken()
    if "inside" not in broken and "disjoint" not in broken:
        assert broken == slow.all_broken()
    if found.metrics is not None:
        assert asdict(found.metrics) == slow.metrics()


def test_the_slow_judge_would_notice():
    """The comparison above is between two that can differ: a wrong pair does."""
    problem = problem_of(DIAGONAL)
    legal, illegal = placed((0, 0, 0, 0), (0, 4, 4, 0)), placed((0, 0, 0, 0), (0, 4, 0, 0))
    slow = SlowJudge(problem, stands(problem, solution_of(problem, legal)))
    assert slow.first_broken() is None
    assert judge_placement(Blocks.of(problem), illegal).violations[0].rule == "column agreement"
    later = replace(legal, start=legal.start + 1)
    assert asdict(judge_placement(Blocks.of(problem), later).metrics) != slow.metrics()
