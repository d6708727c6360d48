"""`sbdopt compile`, `run`, `trace` and `check --program` as a user runs them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Document, changed, good, said, write
from safetensors.numpy import load_file, save_file

from sbdopt import Problem
from sbdopt.cli import main

HEAD = {"format": "sbdopt/solution@1", "problem": "good"}


def shared() -> Document:
    """As `good`, but `b` reads what `a` reads."""
    return changed(lambda document: [document["operators"][k].update(input="v") for k in (0, 2)])


def solved(folder: Path, document: Document | None = None, problem: str = "p", solution: str = "s") -> None:
    """A problem and a solution made by hand: `a` stands in a stack that is read in one step, `b` alone."""
    write(folder / f"{problem}.json", document or good())
    digest = Problem.load(folder / f"{problem}.json").sha256
    first = {"array": [0, 0], "row": [0, 2], "column": [0, 0], "start": [0, 0]}
    second = {"array": [1], "row": [0], "column": [0], "start": [6]}
    operators = {"a": first, "b": second}
    write(folder / f"{solution}.json", {**HEAD, "problem_sha256": digest, "operators": operators})


@pytest.fixture
def program(folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the program of a solution."""
    solved(folder, shared())
    assert main(["compile", "p.json", "s.json", "-o", "c.json"]) == 0
    capsys.readouterr()
    return folder


def spoil(folder: Path, change: Callable[[Document], object]) -> None:
    document = json.loads((folder / "c.json").read_text())
    change(document)
    write(folder / "c.json", document)


def test_compile_says_what_it_wrote(folder, capsys):
    solved(folder)
    assert main(["compile", "p.json", "s.json", "-o", "c.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "good: 9 commands, 0.0 MB: c.json"
    assert lines[1] == "cells: 0.0 MB: c.safetensors"
    rows = dict(line.split() for line in lines[4:10])
    assert {"program": "2", "drive": "2", "barrier": "2", "digital": "1"}.items() <= rows.items()
    assert lines[-1].split() == ["folded", "4", "0", "0", "0"]
    assert sorted(path.name for path in folder.iterdir()) == ["c.json", "c.safetensors", "p.json", "s.json"]


def test_compile_for_machines(folder, capsys):
    solved(folder)
    assert main(["compile", "p.json", "s.json", "-o", "c.json", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["bytes"] == (folder / "c.json").stat().st_size
    assert document["cells_bytes"] == (folder / "c.safetensors").stat().st_size
    assert document["commands"]["digital"] == 1
    assert document["transfers"]["folded"] == {"in_order": 4, "rotated": 0, "scattered": 0}


def test_the_same_program_every_time(program):
    assert main(["compile", "p.json", "s.json", "-o", "again.json", "--seed", "0"]) == 0
    assert (program / "again.safetensors").read_bytes() == (program / "c.safetensors").read_bytes()
    text = (program / "again.json").read_text()
    assert text.replace("again.safetensors", "c.safetensors") == (program / "c.json").read_text()
    assert main(["compile", "p.json", "s.json", "-o", "again.json", "--seed", "1"]) == 0
    assert (program / "again.safetensors").read_bytes() != (program / "c.safetensors").read_bytes()


def test_run_needs_nothing_else(program, capsys):
    for name in ("p.json", "s.json"):
        (program / name).unlink()
    save_file({"input:v": np.eye(4)}, program / "x.safetensors")
    assert main(["run", "c.json", "--input", "x.safetensors", "-o", "y.safetensors"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("good: 9 commands, a batch of 4\n")
    assert out.endswith("\nwritten: y.safetensors\n")
    tensors = load_file(program / "y.safetensors")
    assert sorted(tensors) == ["x:a", "x:b", "y:a", "y:b"]
    assert np.array_equal(tensors["x:b"], np.eye(4))
    cells = load_file(program / "c.safetensors")
    assert sorted(np.abs(cells["xbar/0"]).ravel()) in (
        sorted(np.abs(tensors[name]).ravel()) for name in ("y:a", "y:b")
    )
    assert main(["run", "c.json", "--input", "y.safetensors", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"]["a"] == tensors["y:a"].tolist()


def test_run_without_inputs_makes_them(program):
    for name in ("one", "two"):
        assert main(["run", "c.json", "-o", f"{name}.safetensors"]) == 0
    assert main(["run", "c.json", "-o", "three.safetensors", "--seed", "3"]) == 0
    one, two, three = (load_file(program / f"{name}.safetensors") for name in ("one", "two", "three"))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not np.array_equal(one["y:a"], three["y:a"])


def test_weights_of_a_problem_are_compiled(folder, capsys):
    matrix = np.arange(16, dtype=np.float32).reshape(4, 4)
    save_file({"a": matrix.ravel(), "b": matrix.ravel() + 0.5}, folder / "w.safetensors")
    solved(folder, shared() | {"weights": "w.safetensors"})
    assert main(["compile", "p.json", "s.json", "-o", "c.json"]) == 0
    (folder / "w.safetensors").rename(folder / "kept.safetensors")
    save_file({"x:a": np.eye(4)}, folder / "x.safetensors")
    capsys.readouterr()
    assert main(["run", "c.json", "--input", "x.safetensors", "--json"]) == 0
    outputs = json.loads(capsys.readouterr().out)["outputs"]
    assert outputs == {"a": matrix.tolist(), "b": (matrix + 0.5).tolist()}
    (folder / "kept.safetensors").rename(folder / "w.safetensors")
    assert main(["check", "p.json", "s.json", "--program", "c.json", "--seed", "5"]) == 0


def test_check_runs_the_program(program, capsys):
    assert main(["check", "p.json", "s.json", "--program", "c.json"]) == 0
    assert "program: 2 of 2 operators yield x W\n" in capsys.readouterr().out
    assert main(["check", "p.json", "s.json", "--program", "c.json", "--json"]) == 0
    assert [one["agrees"] for one in json.loads(capsys.readouterr().out)["program"]] == [True, True]


def test_check_finds_a_program_that_is_wrong(program, capsys):
    def shift(document: Document) -> None:
        drive = next(command for command in document["commands"] if command["op"] == "drive")
        drive["rows"] = [[row, 1, vector, position] for row, _, vector, position in drive["rows"]]

    spoil(program, shift)
    assert main(["check", "p.json", "s.json", "--program", "c.json"]) == 1
    out = capsys.readouterr().out
    assert "simulator: 2 of 2" in out
    assert "program: 1 of 2 operators yield x W\n  '" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compile", "p.json", "other.json", "-o", "n.json"], "solution of another problem"),
        (["compile", "p.json", "illegal.json", "-o", "n.json"], "illegal.json: not legal: inside: "),
        (["trace", "p.json", "illegal.json", "-o", "n.json"], "illegal.json: not legal: inside: "),
        (["trace", "p.json", "other.json", "-o", "n.json"], "solution of another problem"),
        (["trace", "p.json", "s.json", "-o", "p.json"], "it is the file that is read"),
        (["compile", "p.json", "s.json", "-o", "no/n.json"], "there is no folder 'no'"),
        (["compile", "p.json", "s.json", "-o", "s.json"], "it is the file that is read"),
        (["compile", "p.json", "s.json", "-o", "n.safetensors"], "where the cells will lie"),
        (["compile", "p.json", "s.json"], "Missing option '-o'"),
        (["run", "none.json"], "none.json: No such file or directory"),
        (["run", "p.json"], "p.json: format: is 'sbdopt/problem@1'; it should be 'sbdopt/program@1'"),
        (["run", "c.json", "--input", "none"], "none: No such file or directory"),
        (["run", "c.json", "--input", "p.json"], "p.json: not a safetensors file"),
        (["run", "c.json", "-o", "c.safetensors"], "it is the file that is read"),
        (["check", "p.json", "s.json", "--program", "none.json"], "none.json: No such file or directory"),
        (["check", "p.json", "s.json", "--program", "c.json", "--seed", "7"], "check with --seed 0"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, message, program, capsys):
    solution = json.loads((program / "s.json").read_text())
    write(program / "other.json", solution | {"problem_sha256": "0" * 64})
    entry = solution["operators"]["b"]
    solution["operators"]["b"] = {**entry, "row": [1]}
    write(program / "illegal.json", solution)
    before = sorted(path.name for path in program.iterdir())
    assert message in said(capsys, *arguments, code=2)
    assert sorted(path.name for path in program.iterdir()) == before


def test_check_refuses_the_program_of_another_problem(program, capsys):
    solved(program, shared() | {"name": "better"}, "p2", "s2")
    line = said(capsys, "check", "p2.json", "s2.json", "--program", "c.json", code=2)
    assert "program of another problem: it is for 'good' with SHA-256" in line
    spoil(program, lambda document: document["operators"][1].update(cycles=4))
    line = said(capsys, "check", "p.json", "s.json", "--program", "c.json", code=2)
    assert "the program has other operators than problem 'good'" in line


@pytest.mark.parametrize("name", ["c.json", "c.safetensors"])
@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_program_that_is_cut_off(name, share, program, capsys):
    path = program / name
    os.truncate(path, int(path.stat().st_size * share))
    line = said(capsys, "run", "c.json", "-o", "y.safetensors", code=2)
    assert ("not a JSON document" if name == "c.json" else "or only a part of one") in line
    assert not (program / "y.safetensors").exists()


def test_the_cells_of_another_program(program, capsys):
    assert main(["compile", "p.json", "s.json", "-o", "d.json", "--seed", "1"]) == 0
    (program / "d.safetensors").rename(program / "c.safetensors")
    capsys.readouterr()
    assert "c.safetensors: not the cells of c.json" in said(capsys, "run", "c.json", code=2)
    (program / "c.safetensors").unlink()
    assert "c.safetensors: No such file or directory" in said(capsys, "run", "c.json", code=2)


def command(first: str, **changes: object) -> Callable[[Document], object]:
    def change(document: Document) -> None:
        next(one for one in document["commands"] if one["op"] == first).update(changes)

    return change


IMPOSSIBLE = {
    "version": (lambda c: c.update(format="sbdopt/program@2"), "it should be 'sbdopt/program@1'"),
    "unknown key": (lambda c: c.update(speed=3), "speed: is not a known key"),
    "unknown command": (command("digital", op="jump"), r"'jump'"),
    "no cells": (lambda c: c.update(cells="../c.safetensors"), "the name of a file beside the program"),
    "kind": (command("drive", kind=1), "commands[2] ('drive'): kind is 1, but there are only 1"),
    "row": (command("drive", rows=[[3, 2, 0, 0]]), "rows 3 to 4: there are only 4"),
    "vector": (command("drive", rows=[[0, 2, 1, 0]]), "vector is 1, but there are only 1"),
    "element": (command("drive", rows=[[0, 2, 0, 3]]), "positions 3 to 4 of vector 0, which has only 4"),
    "column": (command("read", columns=[[4, 1, 0, 0]]), "columns 4 to 4: there are only 4"),
    "output": (command("read", columns=[[0, 1, 9, 0]]), "operator is 9, but there are only 3"),
    "output of a norm": (command("read", columns=[[0, 1, 1, 0]]), "of operator 1, which has only 0"),
    "three numbers": (command("read", columns=[[0, 1, 0]]), "List should have at least 4 items"),
    "negative": (command("read", columns=[[-1, 1, 0, 0]]), "is -1; it should be greater than or equal to 0"),
    "not driven": (command("read", array=5), "array 5 is read before any of its rows is driven"),
    "image": (command("program", array=7), "holds no tensor 'xbar/7', the image of that array"),
    "image's shape": (command("program", rows=[[0, 3]]), "has shape [4, 4]; it must be [3, 4]"),
    "image's rows": (command("program", rows=[[0, 2], [1, 2]]), "rows must ascend and be below 4"),
    "image's columns": (command("program", columns=[[1, 4]]), "columns must ascend and be below 4"),
    "barrier": (command("barrier", after=[3]), "operator is 3, but there are only 3"),
    "digital": (command("digital", operator=0), "operator 0 is not digital"),
    "both": (lambda c: c["operators"][1].update(vector=0), "must have either vector and shape, or cycles"),
    "name twice": (lambda c: c["operators"][1].update(name="a"), "another operator has the same name"),
    "its vector": (lambda c: c["operators"][0].update(vector=4), "vector is 4, but there are only 1"),
    "its shape": (lambda c: c["operators"][0].update(shape=[5, 4]), "and its vector has 4 elements"),
    "order": (lambda c: c["vectors"][0].update(order=[[0, 2, 0]]), "each of 4 elements at one position"),
    "order twice": (
        lambda c: c["operators"][0].update(order=[[0, 2, 0], [2, 2, 1]]), "each of 4 elements at one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_program_that_cannot_be_carried_out(name, program, capsys):
    change, message = IMPOSSIBLE[name]
    spoil(program, change)
    line = said(capsys, "run", "c.json", code=2)
    assert line.startswith("sbdopt: c.json: ")
    assert message in line


def test_it_can_be_carried_out_before_it_is_spoiled(program):
    spoil(program, lambda document: None)
    assert main(["run", "c.json"]) == 0


EYE = np.eye(4)
INPUTS = {
    "none": ({"other": EYE}, "no tensor 'input:v' or 'x:a' of 4 inputs; it must be (batch, inputs)"),
    "too short": ({"input:v": EYE[:, :3]}, "'input:v' has shape [4, 3]; it must be (batch, inputs) = [1 or"),
    "too long": ({"x:a": np.zeros((1, 5))}, "'x:a' has shape [1, 5]"),
    "flat": ({"x:a": np.zeros(4)}, "'x:a' has shape [4]"),
    "empty batch": ({"x:a": np.zeros((0, 4))}, "'x:a' has shape [0, 4]"),
    "different": ({"x:a": EYE, "x:b": 2 * EYE}, "'x:a' and 'x:b' are the same vector, but they differ"),
    "batches": ({"x:a": EYE, "x:b": EYE[:2]}, "'x:a' and 'x:b' are the same vector, but they differ"),
    "not finite": ({"x:a": EYE * np.nan}, "'x:a' holds nan at [0, 0]"),
    "operator": ({"x:a": EYE, "x:c": EYE}, "holds 'x:c', but the program has no crossbar operator 'c'"),
    "vector": ({"input:w": EYE}, "holds 'input:w', but the program has no vector 'w'"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_that_do_not_fit(name, program, capsys):
    tensors, message = INPUTS[name]
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, program / "x.safetensors")
    line = said(capsys, "run", "c.json", "--input", "x.safetensors", "-o", "y.safetensors", code=2)
    assert line.startswith("sbdopt: x.safetensors: ")
    assert message in line
    assert not (program / "y.safetensors").exists()


def test_vectors_are_batches_of_one_size(folder, capsys):
    solved(folder)
    assert main(["compile", "p.json", "s.json", "-o", "c.json"]) == 0
    save_file({"x:a": EYE, "x:b": EYE[:2]}, folder / "x.safetensors")
    capsys.readouterr()
    line = said(capsys, "run", "c.json", "--input", "x.safetensors", code=2)
    assert "'x:b' is a batch of 2, but others are of 4; all must be of the same size" in line


def test_files_are_replaced_all_or_nothing(program, monkeypatch):
    before = (program / "c.json").read_bytes()
    monkeypatch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert main(["compile", "p.json", "s.json", "-o", "c.json", "--seed", "1"]) == 2
    assert (program / "c.json").read_bytes() == before
    assert len(list(program.iterdir())) == 4


def test_trace_writes_a_trace(folder, capsys):
    solved(folder)
    assert main(["trace", "p.json", "s.json", "-o", "t.json"]) == 0
    assert capsys.readouterr().out == "written: t.json\n"
    events = json.loads((folder / "t.json").read_text())["traceEvents"]
    spans = [(event["name"], event["ts"], event["dur"]) for event in events if event["ph"] == "X"]
    assert sorted(spans, key=lambda span: span[1])[-1] == ("b", 6, 3)
    assert ("norm", 3, 3) in spans
