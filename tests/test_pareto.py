"""The trade-offs of arrays and makespan: all that there are, none that is beaten, gone on with from files."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from brute_force import front as brute_front
from commands import changed, good, kind, said, write
from diagonals import diagonal
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from test_bounds import array, problem_of
from test_cli_process import hard_problem
from test_greedy import middling_problem
from tiny_problems import tiny_problem

from sbdopt import Budget, Problem
from sbdopt.cli import main
from sbdopt.front import Front
from sbdopt.pareto import NothingFoundError, Solved, front_of, load_front, pareto, save_front
from sbdopt.pareto.walk import Walk
from sbdopt.plot import draw_front
from sbdopt.schema import json_schema
from sbdopt.search import METHODS


def work() -> Budget:
    return Budget(seconds=float("inf"), work=10.0)


def least(values: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {one for one in values if not any(o != one and o[0] <= one[0] and o[1] <= one[1] for o in values)}


def check(problem: Problem) -> None:
    there = least({(one.values["arrays"], one.values["makespan"]) for one in brute_front(problem)})
    if not there:
        with pytest.raises(NothingFoundError):
            next(pareto(problem, budget=work))
        return
    *_, solved = pareto(problem, points=50, budget=work)
    front = front_of(problem, solved)
    assert {(point.arrays, point.makespan) for point in front.unbeaten} == there
    assert front.complete
    assert all(point.proven for point in front.unbeaten)


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=True))
def test_as_trying_everything_finds(random: Random) -> None:
    check(tiny_problem(random))


@pytest.mark.parametrize("seed", range(30))
def test_seeded_problems(seed: int) -> None:
    check(tiny_problem(Random(seed)))


@pytest.mark.parametrize("seed", range(6))
def test_bounds_on_the_way_are_never_above_what_is_found_later(seed: int) -> None:
    """Constructions only: whatever was found on no more arrays is no faster than any bound says."""
    problem = middling_problem(Random(seed))
    stages = list(pareto(problem, method="greedy", points=12, budget=lambda: Budget(work=1.0)))
    best = stages[-1]
    for solved in stages:
        front = front_of(problem, solved)
        for point in front.points:
            assert all(o.makespan >= point.makespan_bound for o in best if o.arrays <= point.arrays)
            assert all(o.makespan >= point.limit_bound for o in best if o.arrays <= point.limit)
            assert all(o.arrays >= point.arrays_bound for o in best if o.makespan <= point.makespan)
            assert point.arrays <= point.limit
        corners = [(point.arrays, -point.makespan) for point in front.unbeaten]
        assert corners == sorted(set(corners))
    assert len(stages) <= 12


def twelve_blocks() -> Problem:
    """Twelve blocks of 5x4, each 1 + 4 cycles on one converter: three arrays of 8x16 hold them all. No two
    have room on a diagonal, so that they are read one by one: n on an array take 5 n cycles."""
    return problem_of([diagonal("a", [(5, 4)] * 12)], [array(8, 16, 1)]).problem


def corners(solved: tuple[Solved, ...]) -> list[tuple[int, int]]:
    return [(one.arrays, one.makespan) for one in Walk(twelve_blocks(), solved).corners()]


def test_by_hand() -> None:
    """3 arrays with 4 each, 4 with 3, 6 with 2, 12 with 1. Constructions find it and bounds prove it."""
    *_, solved = pareto(twelve_blocks(), method="greedy")
    assert corners(solved) == [(3, 20), (4, 15), (6, 10), (12, 5)]
    front = front_of(twelve_blocks(), solved)
    assert front.complete
    assert [point.proven for point in front.unbeaten] == [True] * 4


def test_as_many_points_as_are_wanted() -> None:
    for points in (1, 2, 3):
        stages = list(pareto(twelve_blocks(), method="greedy", points=points))
        assert len(stages) == points
    assert [[*one.tried] for one in stages[1]] == [["fewest"], ["fastest"]]
    assert not front_of(twelve_blocks(), stages[1]).complete
    assert not front_of(twelve_blocks(), stages[0]).complete


def test_what_is_known_is_not_solved_again_unless_asked_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linear is so bad that nothing is proven; a longer time solves all of it again, and no proof is lost."""
    calls = []

    def counted(*arguments):
        calls.append(arguments[1])
        return METHODS["linear"](*arguments)

    monkeypatch.setitem(METHODS, "counted", counted)
    problem = problem_of([diagonal("a", [(4, 4)] * 3)], [array(8, 8, 16)]).problem

    def solve(known: tuple[Solved, ...], seconds: float) -> tuple[Solved, ...]:
        calls.clear()

        def budget() -> Budget:
            return Budget(seconds=seconds)

        return [known, *pareto(problem, method="counted", known=known, budget=budget)][-1]

    first = solve((), 1.0)
    assert [one.arrays for one in first] == [3]
    assert len(calls) == 2
    assert solve(first, 1.0) == first
    assert not calls
    longer = solve(first, 2.0)
    assert len(calls) == 2
    assert [one.tried for one in longer] == [{"fewest": 2.0, "fastest": 2.0}]


def test_a_front_is_gone_on_with(tmp_path: Path) -> None:
    problem, path = twelve_blocks(), tmp_path / "f.json"
    problem.save(tmp_path / "p.json")
    problem = Problem.load(tmp_path / "p.json")
    *_, some = pareto(problem, method="greedy", points=2)
    save_front(problem, some, path)
    known = load_front(problem, path)
    assert [(one.limit, one.makespan, one.tried) for one in known] == [
        (one.limit, one.makespan, one.tried) for one in some
    ]
    *_, more = pareto(problem, method="greedy", known=known)
    assert corners(more) == [(3, 20), (4, 15), (6, 10), (12, 5)]
    save_front(problem, more, path, saved=known)
    assert Front.load(path) == front_of(problem, more, "f-solutions")
    (tmp_path / "f-solutions" / "arrays-3.json").unlink()
    assert 3 not in {one.limit for one in load_front(problem, path)}
    assert list(pareto(problem, method="greedy", known=load_front(problem, path)))


def test_no_blocks_and_one_point() -> None:
    document = {
        "name": "none",
        "hardware": {"arrays": [{"name": "a", "rows": 2, "columns": 4, "adcs": 1}]},
        "operators": [{"name": "d", "cycles": 4}],
    }
    problem = Problem.model_validate(document)
    *_, solved = pareto(problem)
    front = front_of(problem, solved)
    assert [(point.arrays, point.makespan, point.proven) for point in front.points] == [(0, 4, True)]
    assert front.complete
    draw_front(front)


def test_the_command(folder, capfdbinary):
    twelve_blocks().save(folder / "p.json")
    arguments = ["pareto", "p.json", "-o", "f.json", "--workers", "1"]
    assert main([*arguments, "--points", "2", "--plot", "f.svg"]) == 0
    out, err = (text.decode() for text in capfdbinary.readouterr())
    assert out.startswith(
        "example: 2 of 2 points are not beaten; others may be missing\nsolved for at most 3, 12"
    )
    assert "sbdopt: at most 3 arrays: 3 arrays, makespan 20 (bound 20)\n" in err
    assert (folder / "f.svg").read_bytes().startswith(b"<?xml")
    assert main(arguments) == 0
    out, err = (text.decode() for text in capfdbinary.readouterr())
    assert out.startswith("example: 4 of ")
    assert "; no trade-off is missing\n" in out
    assert "at most 3 arrays: 3 arrays, makespan 20 (bound 20)" in err
    assert re.search(r"^ +3 +3 +20 +20 +0\.0 % +proven +f-solutions/arrays-3\.json$", out, re.MULTILINE)
    for file in (folder / "f-solutions").iterdir():
        assert main(["check", "p.json", str(file)]) == 0
    assert main(["solve", "p.json", "--start", "f-solutions/arrays-3.json", "--quiet"]) == 0
    capfdbinary.readouterr()
    assert main([*arguments, "--json"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == (folder / "f.json").read_bytes()
    assert json.loads(out)["complete"] is True
    Draft202012Validator(json_schema("front")).validate(json.loads(out))
    assert sorted(path.name for path in folder.iterdir()) == ["f-solutions", "f.json", "f.svg", "p.json"]


def test_a_front_of_another_problem_is_refused(folder, capsys):
    write(folder / "p.json", good())
    assert main(["pareto", "p.json", "-o", "f.json"]) == 0
    capsys.readouterr()
    write(folder / "p.json", changed(kind(adcs=1)))
    before = (folder / "f.json").read_bytes()
    assert "f.json: front of another problem" in said(capsys, "pareto", "p.json", "-o", "f.json", code=2)
    assert (folder / "f.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.json"], "none.json: No such file"),
        (["p.json", "-o", "p.json"], "p.json: cannot be written: it is the file that is read"),
        (["p.json", "-o", "none/f.json"], "there is no folder 'none'"),
        (["p.json", "-o", "bad.json"], "bad.json: "),
        (["p.json", "-o", "taken.json"], "taken-solutions: cannot be made: File exists"),
        (["p.json", "--plot", "f.jpg"], "f.jpg: pictures are written as .png or .svg, not as '.jpg'"),
        (["p.json", "--points", "0"], "'--points': "),
        (["p.json", "--time-limit", "0"], "'--time-limit': 0 is not above 0"),
        (["p.json", "--method", "magic"], "there is no method 'magic'"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, message, folder, capsys):
    write(folder / "p.json", good())
    write(folder / "bad.json", {"points": []})
    (folder / "taken-solutions").write_text("")
    assert main(["pareto", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_too_few_arrays_are_infeasible(folder, capsys):
    write(folder / "p.json", changed(kind(count=1)))
    line = said(capsys, "pareto", "p.json", "-o", "f.json", code=1)
    assert "good: infeasible: the blocks need at least 2 arrays" in line
    assert not (folder / "f.json").exists()


def test_an_interrupt_keeps_what_is_done(folder):
    path = hard_problem(folder)
    arguments = [sys.executable, "-m", "sbdopt", "pareto", str(path), "-o", "f.json", "--time-limit", "1.5"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "arrays, makespan" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert out.startswith("good: ")
    front = Front.load(folder / "f.json")
    assert 1 <= len(front.points) <= 2
    for point in front.points:
        assert main(["check", str(path), point.solution]) == 0
