"""`sbdopt solve --split` as a user runs it, and `sbdopt check` on what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from commands import Document, said, write
from safetensors.numpy import load_file, save_file

from sbdopt.cli import main
from sbdopt.weights.tensors import TensorFile

ROOT = Path(__file__).parent.parent
SOLVE = ("solve", "p.json", "--split", "--workers", "1", "-o", "s.json")


def waiting(**more: object) -> Document:
    """Two blocks of 4 x 8 that fill an array, and two converters that read 8 columns in 4 turns."""
    block = {"input": [0], "output": [0], "height": [4], "width": [8]}
    return {
        "format": "sbdopt/problem@1",
        "name": "waiting",
        "hardware": {"arrays": [{"name": "xbar", "rows": 4, "columns": 8, "adcs": 2}]},
        "operators": [
            {"name": "a", "shape": [4, 8], "blocks": block},
            {"name": "b", "shape": [4, 8], "blocks": block, "after": ["a"]},
        ],
        **more,
    }


def solution(folder: Path) -> Document:
    return json.loads((folder / "s.json").read_text())


def test_it_writes_what_check_accepts(folder, capsys):
    write(folder / "p.json", waiting())
    assert main(list(SOLVE)) == 0
    out = capsys.readouterr().out
    assert "waiting: optimal of all cuts" in out
    assert "split: 2 blocks into 4 pieces" in out
    assert "bounds: of all cuts by columns\n" in out
    (drives,) = [line.split() for line in out.splitlines() if line.startswith("drives ") and "-" in line]
    assert drives[1:3] == ["8", "16"]
    assert solution(folder)["metrics"]["makespan"] == 6
    assert solution(folder)["solver"]["split"] == {
        "cuts": "columns",
        "blocks": 2,
        "pieces": 4,
        "whole": {"unused_cells": 0, "makespan": 10},
        "bounds": {"unused_cells": 0, "makespan": 6},
        "proofs": {
            "unused_cells": "gcd area, in single columns",
            "makespan": "critical path with conversions on tiles, in single columns",
        },
        "drives_before": 8,
        "drives_after": 16,
    }
    assert main(["check", "s.problem.json", "s.json"]) == 0
    assert main(["show", "s.problem.json", "s.json"]) == 0
    capsys.readouterr()
    assert "solution of another problem" in said(capsys, "check", "p.json", "s.json", code=2)


def test_the_weights_go_along(folder):
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=32).astype(np.float16) for name in ("a", "b")}
    save_file(weights, folder / "w.safetensors")
    write(folder / "p.json", waiting(weights="w.safetensors"))
    assert main([*SOLVE, "--quiet"]) == 0
    problem = json.loads((folder / "s.problem.json").read_text())
    assert problem["weights"] == "s.safetensors"
    pieces = load_file(folder / "s.safetensors")
    for operator in problem["operators"]:
        name, table = operator["name"], operator["blocks"]
        assert table["width"] == [4, 4]
        assert pieces[name].dtype == np.float16
        whole = weights[name].reshape(4, 8)
        wanted = [whole[:, left : left + 4].reshape(-1) for left in table["output"]]
        assert np.array_equal(pieces[name], np.concatenate(wanted))
    x = rng.normal(size=(3, 4))
    reference = {"x:a": x, "y:a": x @ weights["a"].reshape(4, 8).astype(np.float64)}
    save_file(reference, folder / "r.safetensors")
    assert main(["check", "s.problem.json", "s.json", "--reference", "r.safetensors"]) == 0
    save_file(reference | {"y:a": reference["y:a"][:, ::-1].copy()}, folder / "r.safetensors")
    assert main(["check", "s.problem.json", "s.json", "--reference", "r.safetensors"]) == 1
    assert TensorFile(folder / "s.safetensors").tensor("a").dtype == "F16"


def test_nothing_is_cut_where_nothing_is_gained(folder, capsys):
    write(
        folder / "p.json", waiting(hardware={"arrays": [{"name": "x", "rows": 4, "columns": 8, "adcs": 8}]})
    )
    assert main(list(SOLVE)) == 0
    assert "split: 2 blocks into 2 pieces" in capsys.readouterr().out
    assert main(["check", "s.problem.json", "s.json"]) == 0


def test_cuts_by_rows_and_their_additions(folder, capsys):
    hardware = {"arrays": [{"name": "x", "rows": 4, "columns": 8, "adcs": 8}], "rows_per_phase": 1}
    write(folder / "p.json", waiting(hardware=hardware))
    assert main([*SOLVE, "--add-cycles", "1", "--goal", "makespan"]) == 0
    out = capsys.readouterr().out
    assert "into 8 pieces and 2 additions\nbounds: of all cuts by columns and rows\n" in out
    assert solution(folder)["metrics"]["makespan"] == 2 * (2 + 2)
    problem = json.loads((folder / "s.problem.json").read_text())
    assert [one["name"] for one in problem["operators"]] == ["a", "a.add", "b", "b.add"]
    assert main(["check", "s.problem.json", "s.json"]) == 0


def test_a_start_of_whole_blocks_and_json(folder, capsys):
    write(folder / "p.json", waiting())
    assert main(["solve", "p.json", "-o", "whole.json", "--quiet"]) == 0
    assert main([*SOLVE, "--start", "whole.json", "--json"]) == 0
    out = capsys.readouterr().out
    assert out == (folder / "s.json").read_text()


def test_refusals(folder, capsys):
    write(folder / "p.json", waiting())
    assert "name --split as well" in said(capsys, "solve", "p.json", "--add-cycles", "1", code=2)
    assert "name one of them only" in said(capsys, "solve", "p.json", "--split", "--keep", "s.json", code=2)
    (folder / "s.problem.json").mkdir()
    assert "s.problem.json: cannot be written: it is a folder" in said(capsys, *SOLVE, code=2)
    (folder / "s.problem.json").rmdir()
    write(folder / "p.json", waiting(weights="s.safetensors"))
    assert "s.safetensors: No such file" in said(capsys, *SOLVE, code=2)
    save_file({name: np.ones(32) for name in ("a", "b")}, folder / "s.safetensors")
    assert "s.safetensors: cannot be written: it is the file that is read" in said(capsys, *SOLVE, code=2)
    assert not (folder / "s.json").exists()
    write(folder / "s.problem.json", waiting())
    arguments = ["solve", "s.problem.json", *SOLVE[2:]]
    assert "s.problem.json: cannot be written: it is the file" in said(capsys, *arguments, code=2)


def test_nothing_that_fits(folder, capsys):
    kind = {"name": "x", "rows": 4, "columns": 8, "adcs": 2, "count": 1}
    write(folder / "p.json", waiting(hardware={"arrays": [kind]}))
    assert main([*SOLVE, "--quiet"]) == 1
    err = capsys.readouterr().err
    assert (
        err == "sbdopt: waiting: infeasible: the blocks need at least 2 arrays of kind 'x', but there are 1\n"
    )
    assert solution(folder)["status"] == "infeasible"


def test_what_is_optimal_only_for_the_cuts_that_were_made(folder, capsys):
    """A bound of all cuts by rows allows 6 cycles, and 7 are found: not said to be the least of all."""
    (folder / "p.json").write_bytes((ROOT / "problems" / "phases.json").read_bytes())
    assert main([*SOLVE, "--add-cycles", "1", "--goal", "makespan,unused_cells"]) == 0
    assert "phases: optimal for these cuts" in capsys.readouterr().out
    summary = solution(folder)["solver"]["split"]
    assert (summary["bounds"], solution(folder)["metrics"]["makespan"]) == ({"makespan": 6}, 7)
