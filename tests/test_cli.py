"""The verbs as a user runs them: what they print and write, and with which exit code they end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import changed, good, kind, said, solved, write
from safetensors.numpy import save_file

from sbdopt import Blocks, Problem, Solution, judge
from sbdopt.cli import main


def test_solve_prints_goals_and_metrics_in_plain_lines(folder, capsys):
    write(folder / "p.json", good())
    assert main(["solve", "p.json", "--workers", "1"]) == 0
    out, err = capsys.readouterr()
    assert re.match(r"good: optimal, \d+\.\d s, method auto\n", out)
    assert re.search(r"^unused_cells +0 +0 +0\.0 % +\S", out, re.MULTILINE)
    assert re.search(r"^makespan +9 +9 +0\.0 % +\S", out, re.MULTILINE)
    assert re.search(r"^utilization +100\.0 %$", out, re.MULTILINE)
    assert re.match(r"\d+\.\d s: unused_cells 0 \(bound 0, gap 0\.0 %\)", err)
    assert "\x1b" not in out + err


def test_solve_writes_what_it_prints_as_json(folder, capfdbinary):
    write(folder / "p.json", good())
    assert main(["solve", "p.json", "-o", "s.json", "--json", "--workers", "1"]) == 0
    out, err = capfdbinary.readouterr()
    assert (out, err) == ((folder / "s.json").read_bytes(), b"")
    solution = Solution.load(folder / "s.json")
    problem = Problem.load(folder / "p.json")
    assert solution.status == "optimal"
    assert solution.problem_sha256 == problem.sha256
    assert judge(Blocks.of(problem), solution).legal


def test_quiet_says_nothing(folder, capfd):
    solved(folder)
    assert capfd.readouterr() == ("", "")


def test_goals_may_come_in_the_other_order(folder, capsys):
    write(folder / "p.json", good())
    assert main(["solve", "p.json", "--goal", "makespan, unused_cells", "--workers", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:5]] == ["makespan", "unused_cells"]


def test_a_limit_of_work_gives_the_same_document_every_time(folder):
    write(folder / "p.json", good())
    for name in ("one.json", "two.json"):
        arguments = ["solve", "p.json", "--quiet", "--work-limit", "0.5", "--workers", "1", "-o", name]
        assert main(arguments) == 0
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()


def test_too_few_arrays_are_infeasible(folder, capsys):
    write(folder / "p.json", changed(kind(count=1)))
    line = said(capsys, "solve", "p.json", "-o", "s.json", code=1)
    assert "good: infeasible: the blocks need at least 2 arrays of kind 'xbar', but there are 1" in line
    solution = Solution.load(folder / "s.json")
    assert (solution.status, solution.operators, solution.metrics) == ("infeasible", {}, None)


def test_finding_nothing_is_unknown(folder, capsys):
    document = changed(kind(count=2))
    write(folder / "p.json", document)
    line = said(capsys, "solve", "p.json", "--method", "linear", "-o", "s.json", code=1)
    assert "good: unknown: nothing was found" in line
    assert Solution.load(folder / "s.json").status == "unknown"
    assert main(["solve", "p.json", "--quiet"]) == 0


def test_faults_of_methods_are_warnings(folder, capsys, monkeypatch):
    def wrong(blocks, goals, budget, seed, start):
        from sbdopt.search import METHODS
        from sbdopt.search.method import Found

        for finding in METHODS["greedy"](blocks, goals, budget, seed, start):
            if isinstance(finding, Found):
                finding.placement.start[:] = 0
            yield finding

    from sbdopt.search import METHODS

    monkeypatch.setitem(METHODS, "wrong", wrong)
    write(folder / "p.json", good())
    assert main(["solve", "p.json", "--method", "wrong", "--json"]) == 1
    out, err = capsys.readouterr()
    assert "sbdopt: warning: a method returned a solution that is not legal: p" in err
    assert json.loads(out)["status"] == "unknown"


def test_check_agrees(folder, capsys):
    problem, solution = solved(folder)
    assert main(["check", problem, solution]) == 0
    out = capsys.readouterr().out
    assert out.startswith("judge: legal\nclaims: all hold\nsimulator: 2 of 2 operators yield x W\n\nmetric")
    assert main(["check", problem, solution, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["agrees"], report["legal"], report["rule"], report["violations"]) == (True, True, None, [])
    assert (report["metrics"]["blocks"], report["metrics"]["cells"]) == (3, 32)
    assert [(one["operator"], one["agrees"], one["error"]) for one in report["operators"]] == [
        ("a", True, 0), ("b", True, 0),
    ]  # fmt: skip


def test_check_says_what_is_broken(folder, capsys):
    problem, solution = solved(folder)
    document = json.loads((folder / solution).read_text())
    for entry in document["operators"].values():
        entry.update(array=[0] * len(entry["array"]), row=[0] * len(entry["row"]))
    write(folder / "bad.json", document)
    assert main(["check", problem, "bad.json"]) == 1
    out = capsys.readouterr().out
    assert re.match(r"judge: not legal, \d of 8 rules broken\n  disjoint: ", out)
    assert re.search(r"simulator: [01] of 2 operators yield x W\n  '[ab]' is off by \d", out)
    assert main(["check", problem, "bad.json", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["agrees"], report["legal"], report["rule"]) == (False, False, "disjoint")
    assert report["violations"][0]["rule"] == "disjoint"
    assert report["metrics"] is None


def test_check_refuses_a_solution_of_another_problem(folder, capsys):
    problem, solution = solved(folder)
    write(folder / problem, changed(kind(adcs=1)))
    assert "solution of another problem" in said(capsys, "check", problem, solution, code=2)
    assert "solution of another problem" in said(capsys, "show", problem, solution, code=2)


def weighed(folder: Path, **tensors: Any) -> tuple[str, str]:
    """A problem that names weights, and a solution."""
    weights = {"a": np.arange(16.0), "b": np.ones(16)} | tensors
    save_file(
        {name: values for name, values in weights.items() if values is not None}, folder / "w.safetensors"
    )
    return solved(folder, good() | {"weights": "w.safetensors"})


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a": np.ones(15)}, "operator 'a' has 16 weights in its blocks, but tensor 'a' holds 15"),
        ({"a": np.full(16, np.nan)}, "tensor 'a' holds nan at [0]; it must hold finite numbers"),
        ({"a": None}, "there is no tensor 'a'"),
        ({"a": np.ones((4, 4))}, "tensor 'a' has shape [4, 4]; it must be flat"),
    ],
)
def test_weights_that_cannot_be_used(tensors, message, folder, capsys):
    assert main(["check", *weighed(folder)]) == 0
    capsys.readouterr()
    assert message in said(capsys, "check", *weighed(folder, **tensors), code=2)
    (folder / "w.safetensors").unlink()
    assert "w.safetensors: No such file" in said(capsys, "check", "p.json", "s.json", code=2)


def test_check_compares_with_a_reference(folder, capsys):
    files = weighed(folder)
    x = np.array([[1.0, 2.0, 3.0, 4.0]])
    y = x @ np.arange(16.0).reshape(4, 4)
    save_file({"x:a": x, "y:a": y}, folder / "right.safetensors")
    save_file({"x:a": x, "y:a": y + 1}, folder / "wrong.safetensors")
    assert main(["check", *files, "--reference", "right.safetensors"]) == 0
    assert "simulator: 1 of 1 operators yield the reference\n" in capsys.readouterr().out
    assert main(["check", *files, "--reference", "wrong.safetensors"]) == 1
    assert "'a' is off by 1\n" in capsys.readouterr().out
    assert "none: No such file" in said(capsys, "check", *files, "--reference", "none", code=2)


def test_bench_shows_a_row_for_everything(folder, capsys):
    write(folder / "p.json", changed(kind(count=2)))
    arguments = ["bench", "p.json", "p.json", "--methods", "linear,greedy", "--workers", "1", "-o", "b.json"]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    header, *rows = out.splitlines()
    assert header.split()[:3] == ["problem", "method", "arrays"]
    assert [row.split()[:3] for row in rows] == [["good", "linear", "-"], ["good", "greedy", "2"]] * 2
    assert "unknown: no solution" in rows[0]
    assert [re.sub(r"\d+\.\d", "0.0", line) for line in err.splitlines()] == [
        "sbdopt: good, linear: unknown, 0.0 s: found nothing",
        "sbdopt: good, greedy: optimal, 0.0 s",
    ] * 2
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((folder / "b.json").read_text())
    assert [row["status"] for row in document["rows"]] == ["unknown", "optimal"] * 2
    assert document["rows"][1]["gaps"] == [0, 0]


def test_make_writes_a_problem(folder, capfdbinary):
    options = ["minilm-l6", "--layers", "1", "--array", "64x32", "--adcs", "4"]
    options += ["--settle", "2", "--count", "99"]
    assert main(["make", *options, "-o", "p.json"]) == 0
    assert capfdbinary.readouterr().out == b"p.json: 18 operators, 264 blocks\n"
    assert main(["make", *options]) == 0
    assert capfdbinary.readouterr().out == (folder / "p.json").read_bytes()
    hardware = Problem.load(folder / "p.json").hardware
    array = hardware.arrays[0]
    assert (array.rows, array.columns, array.adcs, array.count) == (64, 32, 4, 99)
    assert (hardware.settle_cycles, hardware.conversion_cycles) == (2, 1)


def test_make_lists_models(capsys):
    assert main(["make", "--list"]) == 0
    assert re.search(r"^bart-large +12 \+ 12 +1,024", capsys.readouterr().out, re.MULTILINE)


def test_show_counts(folder, capsys):
    problem, solution = solved(folder)
    assert main(["show", problem, solution, "-o", "picture.svg"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^sizes +2 of 2 x 4, 1 of 4 x 4$", out, re.MULTILINE)
    assert re.search(r"^longest chain +3 operators$", out, re.MULTILINE)
    assert re.search(r"^least makespan +9$", out, re.MULTILINE)
    assert re.search(r"^utilization +100.0 %$", out, re.MULTILINE)
    assert (folder / "picture.svg").read_bytes().startswith(b"<?xml")
    assert main(["show", problem, "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert (numbers["blocks"], numbers["cells"], numbers["bounds"]["makespan"]) == (3, 32, 9)
    assert "not as '.jpg'" in said(capsys, "show", problem, solution, "-o", "picture.jpg", code=2)


def test_show_draws_nothing_that_is_not_legal(folder, capsys):
    problem, solution = solved(folder)
    document = json.loads((folder / solution).read_text())
    document["operators"]["b"]["start"] = [0]
    write(folder / solution, document)
    assert "not legal" in said(capsys, "show", problem, solution, "-o", "picture.svg", code=2)
    assert not (folder / "picture.svg").exists()


def test_schema_is_printed_and_written(folder, capfdbinary):
    assert main(["schema", "problem", "-o", "schema.json"]) == 0
    assert main(["schema", "problem"]) == 0
    content = capfdbinary.readouterr().out
    assert content == (folder / "schema.json").read_bytes()
    assert json.loads(content)["title"] == "Problem"
