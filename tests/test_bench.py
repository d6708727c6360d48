"""The table of several methods on several problems."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from sbdopt import InputError, Problem, bench
from sbdopt.goals import gap
from sbdopt.search import METHODS

CASES = Path(__file__).parent / "cases"


def problems(*names: str) -> list[Problem]:
    return [Problem.load(CASES / f"{name}.problem.json") for name in names]


def test_every_method_has_a_row_for_every_problem():
    rows = list(bench(problems("diagonal", "single"), seconds=20, clock=itertools.count(0, 0.001).__next__))
    assert [(row.problem, row.method) for row in rows] == [
        (name, method) for name in ("diagonal", "single") for method in METHODS
    ]
    assert (rows[0].arrays, rows[0].unused_cells, rows[0].utilization) == (2, 96, 0.25)
    assert all(row.makespan is not None and len(row.gaps) == 2 for row in rows)
    assert {row.status for row in rows if row.method == "auto"} == {"optimal"}


def test_a_method_that_finds_nothing_has_a_row_that_says_so():
    tight = problems("diagonal")[0].model_dump()
    tight["hardware"]["arrays"][0]["count"] = 1
    rows = list(bench([Problem.model_validate(tight)], methods=["linear", "sparsemap"]))
    assert [(row.status, row.arrays, row.gaps, row.note) for row in rows[:1]] == [
        ("unknown", None, (), "found nothing")
    ]
    assert rows[1].arrays == 1


def test_a_method_that_breaks_has_a_row_that_says_so(monkeypatch):
    def hungry(blocks, goals, budget, seed, start):
        raise MemoryError

    monkeypatch.setitem(METHODS, "hungry", hungry)
    broken, right = bench(problems("single"), methods=["hungry", "greedy"])
    assert (broken.status, broken.note, broken.arrays) == ("failed", "not enough memory", None)
    assert right.status == "optimal"


def test_an_interrupt_ends_the_table(monkeypatch):
    def interrupted(blocks, goals, budget, seed, start):
        yield from METHODS["linear"](blocks, goals, budget, seed, start)
        raise KeyboardInterrupt

    monkeypatch.setitem(METHODS, "interrupted", interrupted)
    rows = list(bench(problems("diagonal", "single"), methods=["sparsemap", "interrupted", "linear"]))
    assert [(row.method, row.arrays) for row in rows] == [("sparsemap", 1), ("interrupted", 2)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["magic"]}, "there is no method 'magic'"),
        ({"goals": ("speed",)}, "there is no goal 'speed'"),
    ],
)
def test_what_does_not_exist_is_refused_at_once(options, message):
    with pytest.raises(InputError, match=message):
        next(bench(problems("single"), **options))


def test_gaps():
    assert [gap(8, 8), gap(8, 6), gap(0, 0), gap(8, None)] == [0, 0.25, 0, None]
