"""Input that cannot be used is one line and exit code 2, and leaves nothing behind."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Document, blocks, changed, good, kind, said, solved, write

from sbdopt.cli import main


def operator(number: int, **changes: object) -> Callable[[Document], object]:
    return lambda document: document["operators"][number].update(changes)


BAD = {
    "unknown key": (lambda document: document.update(wieghts="w"), "wieghts: is not a known key"),
    "missing key": (lambda document: document.pop("name"), "name: is missing"),
    "wrong type": (kind(rows="4"), r"arrays\[0\] \('xbar'\)\.rows: is '4'; it should be a valid integer"),
    "fraction": (kind(rows=4.5), "rows: is 4.5; it should be a valid integer"),
    "truth": (kind(rows=True), "rows: is True; it should be a valid integer"),
    "negative size": (kind(rows=-4), "rows: is -4; it should be greater than or equal to 1"),
    "zero size": (kind(adcs=0), "adcs: is 0; it should be greater than or equal to 1"),
    "block of no size": (operator(2, blocks=blocks((0, 0, 0, 4))), r"height\[0\]: is 0; it should be gr"),
    "blocks overlap": (
        operator(0, blocks=blocks((0, 0, 3, 4), (2, 0, 2, 4))), "'a': blocks 0 and 1 overlap in the matrix",
    ),
    "block leaves the matrix": (
        operator(2, blocks=blocks((1, 0, 4, 4))),
        "'b', block 0 leaves the matrix: it covers inputs 1 to 4, but there are only 4",
    ),
    "columns of different length": (
        operator(2, blocks=blocks((0, 0, 4, 4)) | {"width": [4, 4]}), "1 of input, .* 2 of width",
    ),
    "circle": (operator(0, after=["b"]), "operators run in a circle: 'a' after 'b' after 'norm' after 'a'"),
    "circle of one": (operator(0, after=["a"]), "operators run in a circle: 'a' after 'a'"),
    "name twice": (operator(2, name="a"), "the name 'a' is used for more than one operator"),
    "unknown predecessor": (operator(2, after=["x"]), "'b' is after 'x', but no operator has that name"),
    "larger than every array": (
        operator(2, shape=[5, 4], blocks=blocks((0, 0, 5, 4))),
        r"'b', block 0 takes 5 rows x 4 columns, but the arrays are 4 x 4 \('xbar'\); split the block",
    ),
    "blocks and cycles": (operator(2, cycles=3), "'b' must have either blocks or cycles, but it has both"),
    "no arrays": (lambda document: document["hardware"].update(arrays=[]), "arrays: is .*at least 1 item"),
    "another format": (lambda document: document.update(format="x"), "format: is 'x'; it should be 'sbdopt/"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_problem_that_cannot_be_used_is_one_line_and_exit_code_2(name, folder, capsys):
    change, message = BAD[name]
    write(folder / "p.json", changed(change))
    line = said(capsys, "solve", "p.json", "-o", "s.json", code=2)
    assert re.search(f"p.json: .*{message}", line)
    assert [path.name for path in folder.iterdir()] == ["p.json"]


def test_its_twin_that_is_right_can_be_used(folder):
    solved(folder)
    assert main(["check", "p.json", "s.json"]) == 0


CONTENTS = {
    "not JSON": (b"{'name': 1}", "not a JSON document: Expecting property name"),
    "empty": (b"", "not a JSON document"),
    "not UTF-8": (b'{"name": "\xff"}', "not a JSON document"),
    "NaN": (b'{"name": NaN}', "not a JSON document: NaN is not a JSON number"),
    "key twice": (b'{"name": "a", "name": "b"}', "the key 'name' stands twice in one object"),
    "no object": (b"[1, 2]", "p.json: "),
    "nested too deeply": (b"[" * 100_000, "nested too deeply"),
    "binary": (bytes(range(256)), "not a JSON document"),
}


@pytest.mark.parametrize("verb", [["solve"], ["show"], ["bench"], ["check", "s.json"]])
@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_is_no_document_is_one_line_and_exit_code_2(name, verb, folder, capsys):
    content, message = CONTENTS[name]
    (folder / "p.json").write_bytes(content)
    assert message in said(capsys, verb[0], "p.json", *verb[1:], code=2)


@pytest.mark.parametrize("verb", [["solve"], ["show"], ["bench"], ["check", "s.json"]])
def test_files_that_are_not_there(verb, folder, capsys):
    assert "none.json: No such file" in said(capsys, verb[0], "none.json", *verb[1:], code=2)
    assert "Is a directory" in said(capsys, verb[0], ".", *verb[1:], code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve", "p.json", "--time-limit", "-1"], "'--time-limit': -1 is not above 0"),
        (["solve", "p.json", "--time-limit", "0"], "'--time-limit': 0 is not above 0"),
        (["solve", "p.json", "--time-limit", "nan"], "'--time-limit': nan is not above 0"),
        (["solve", "p.json", "--time-limit", "soon"], "'--time-limit': "),
        (["solve", "p.json", "--work-limit", "0"], "'--work-limit': 0 is not above 0"),
        (["solve", "p.json", "--workers", "0"], "'--workers': "),
        (["solve", "p.json", "--seed", "-1"], "'--seed': "),
        (["solve", "p.json", "--method", "magic"], "there is no method 'magic'; take one of linear, "),
        (["solve", "p.json", "--goal", "speed"], "there is no goal 'speed'; take some of unused_cells, "),
        (["solve", "p.json", "--goal", "makespan,makespan"], "name at least one, and each only once"),
        (["solve", "p.json", "--fast"], "No such option: --fast"),
        (["solve"], "Missing argument 'PROBLEM'"),
        (["solve", "p.json", "q.json"], "q.json"),
        (["sovle"], "No such command 'sovle'"),
        (["bench", "p.json", "--time-limit", "0"], "'--time-limit': 0 is not above 0"),
        (["bench", "p.json", "--methods", "auto,magic"], "there is no method 'magic'"),
        (["make", "bert-large", "--array", "0x5"], "'--array': '0x5' is not ROWSxCOLUMNS"),
        (["make", "bert-large", "--array", "256"], "'--array': '256' is not ROWSxCOLUMNS"),
        (["make", "bert-large", "--array", "9999999999x8"], "rows: is 9999999999; it should be less than"),
        (["make", "bert-large", "--adcs", "0"], "'--adcs': "),
        (["make", "bert-large", "--layers", "25"], "'bert-large' has 24 layers; 25 of them cannot be taken"),
        (["make", "bert-large", "--settle", "0", "--conversion", "0"], "a step would take no time"),
        (["make", "bert"], "'bert' is not a known model; the known ones are bert-large, "),
        (["make", "bert-large", "--form", "sparse"], "'sparse' is not a known form"),
        (["make"], "name a model; sbdopt make --list shows them"),
        (["schema", "answer"], "there is no document 'answer'; take one of problem, solution"),
        (["show", "p.json", "-o", "p.png"], "p.png: only a solution can be drawn"),
    ],
)
def test_usage_that_is_wrong_is_one_line_and_exit_code_2(arguments, message, folder, capsys):
    write(folder / "p.json", good())
    assert message in said(capsys, *arguments, code=2)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("none/s.json", "there is no folder 'none'"),
        (".", "it is a folder"),
        ("p.json", "it is the file that is read"),
    ],
)
def test_a_target_that_cannot_be_written_is_refused_before_the_search(target, message, folder, capsys):
    before = write(folder / "p.json", good()).read_bytes()
    assert message in said(capsys, "solve", "p.json", "-o", target, code=2)
    assert (folder / "p.json").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["p.json"]


def test_devices_can_be_written(folder, capsys):
    write(folder / "p.json", good())
    assert main(["solve", "p.json", "-o", "/dev/null", "--quiet"]) == 0
    assert Path("/dev/null").is_char_device()
    assert "No space left" in said(capsys, "solve", "p.json", "-o", "/dev/full", "--quiet", code=2)


def test_nothing_half_written_is_left(folder, capsys, monkeypatch):
    problem, solution = solved(folder)
    before = (folder / solution).read_bytes()

    def fails(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    assert "No space left" in said(capsys, "solve", problem, "-o", solution, "--quiet", code=2)
    assert (folder / solution).read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [problem, solution]
