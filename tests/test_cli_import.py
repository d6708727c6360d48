"""`sbdopt import` as a user runs it: what it writes, and what it refuses without writing anything."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import said, write
from safetensors.numpy import save_file

from sbdopt import BlockStore, Budget, Problem, solve
from sbdopt.cli import main
from sbdopt.split import Cut, cut, save_split
from sbdopt.weights.checkpoint import open_checkpoint
from sbdopt.weights.store import read_weights

IMPORT = ("import", "m.safetensors", "-o", "p.json")


def model() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    scrambled = np.kron(np.eye(6), np.ones((5, 7))) * rng.integers(1, 9, (30, 42))
    scrambled = scrambled[rng.permutation(30)][:, rng.permutation(42)]
    tiles = np.kron(rng.random((6, 6)) < 0.5, np.ones((8, 8))) * rng.integers(1, 9, (48, 48))
    return {
        "layer.2.weight": np.ascontiguousarray(scrambled, dtype=np.float32),
        "layer.10.weight": tiles.astype(np.float16),
        "layer.2.bias": np.ones(30, dtype=np.float32),
    }


@pytest.fixture
def checkpoint(folder: Path) -> dict[str, np.ndarray]:
    tensors = model()
    save_file(tensors, folder / "m.safetensors")
    return tensors


def test_it_writes_a_problem_that_solves_and_checks(folder, checkpoint, capsys):
    assert main([*IMPORT, "--arrays", "16x32", "--adcs", "4"]) == 0
    out = capsys.readouterr().out
    rows = [line.split("  ") for line in out.splitlines()]
    assert [[part.strip() for part in row if part] for row in rows[1:3]] == [
        ["layer.2.weight", "42 x 30", "block-diagonal, permuted", "6", "0 + 0", "210", "0"],
        ["layer.10.weight", "48 x 48", "block-sparse 8x8", "17", "8 + 0", "1,088", "0"],
    ]
    assert (
        "p.json: 2 operators, 23 blocks\np.weights.safetensors: 1,298 weights, 36.4 % of the matrices" in out
    )
    document = json.loads((folder / "p.json").read_text())
    assert document["name"] == "p"
    assert document["weights"] == "p.weights.safetensors"
    assert document["operators"][1]["after"] == ["layer.2.weight"]
    assert document["hardware"]["arrays"][0] == {**document["hardware"]["arrays"][0], "rows": 16, "adcs": 4}
    store = BlockStore(folder / "p.weights.safetensors")
    for name in ("layer.2.weight", "layer.10.weight"):
        assert np.array_equal(store.matrix(name), checkpoint[name].T)
    assert main(["solve", "p.json", "-o", "s.json", "--quiet", "--method", "greedy"]) == 0
    capsys.readouterr()
    assert main(["check", "p.json", "s.json"]) == 0
    assert "simulator: 2 of 2 operators yield x W" in capsys.readouterr().out


def test_a_split_keeps_what_the_store_knows(folder, checkpoint):
    assert main([*IMPORT, "--arrays", "16x32"]) == 0
    problem = Problem.load(folder / "p.json")
    split = cut(problem, [Cut(width=3), Cut(height=5)], weights="s.safetensors")
    solution = solve(split.problem, method="greedy", budget=Budget(seconds=60))
    weights = read_weights(problem, folder / "p.weights.safetensors")
    save_split(problem, split, solution, folder / "s.json", weights)
    whole, pieces = (BlockStore(folder / name) for name in ("p.weights.safetensors", "s.safetensors"))
    for name in ("layer.2.weight", "layer.10.weight"):
        assert len(pieces.blocks(name)) == 2 * len(whole.blocks(name))
        assert np.array_equal(pieces.matrix(name), whole.matrix(name))
    assert main(["check", "s.problem.json", "s.json"]) == 0


def test_options_choose_operators_and_hardware(folder, checkpoint, capsys):
    assert main([*IMPORT, "--json", "--only", "*.10.*", "--tile", "4x4", "--layout", "inputs-outputs"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["operators"]
    assert one == one | {"operator": "layer.10.weight", "found": "block-sparse 4x4", "blocks": 68, "zeros": 0}
    operators = [
        {"name": "a", "tensor": "layer.2.weight", "input": "x"},
        {"name": "gelu", "cycles": 5, "after": ["a"]},
        {"name": "b", "tensor": "layer.10.weight", "layout": "inputs-outputs", "after": ["gelu"]},
    ]
    write(folder / "o.json", {"operators": operators})
    again = ("import", "m.safetensors", "-o", "q.json", "--operators", "o.json", "--hardware", "p.json")
    assert main([*again]) == 0
    document = json.loads((folder / "q.json").read_text())
    assert [operator["name"] for operator in document["operators"]] == ["a", "gelu", "b"]
    store = BlockStore(folder / "q.weights.safetensors")
    assert np.array_equal(store.matrix("b"), checkpoint["layer.10.weight"])
    capsys.readouterr()
    assert "leave out --only" in said(capsys, *again, "--after", "none", code=2)
    assert "leave out --arrays" in said(capsys, *again, "--arrays", "8x8", code=2)


def test_a_threshold_says_what_it_drops(folder, checkpoint, capsys):
    assert main([*IMPORT, "--threshold", "1"]) == 0
    ones = sum(int((checkpoint[name] == 1).sum()) for name in ("layer.2.weight", "layer.10.weight"))
    assert f"{ones} weights that were not zero are no larger than the threshold" in capsys.readouterr().out


def nothing_written(folder: Path) -> bool:
    return not list(folder.glob("p.*"))


def test_weights_that_cannot_be_used_are_refused(folder, checkpoint, capsys):
    for bad, text in ((np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")):
        tensors = model()
        tensors["layer.10.weight"][3, 5] = bad
        save_file(tensors, folder / "m.safetensors")
        assert f"tensor 'layer.10.weight' holds {text} at [3, 5]" in said(capsys, *IMPORT, code=2)
    whole = (folder / "m.safetensors").read_bytes()
    (folder / "m.safetensors").write_bytes(whole[:-100])
    assert "is cut short, 100 bytes of it are missing" in said(capsys, *IMPORT, code=2)
    (folder / "m.safetensors").write_bytes(whole[:20])
    assert "m.safetensors: not a safetensors file" in said(capsys, *IMPORT, code=2)
    (folder / "m.safetensors").unlink()
    assert "m.safetensors: No such file" in said(capsys, *IMPORT, code=2)
    assert nothing_written(folder)


def test_wrong_options_are_refused(folder, checkpoint, capsys):
    for options, text in (
        (("--only", "query*"), "no tensor fits 'query*'; it holds"),
        (("--skip", "*"), "no matrix is left"),
        (("--layout", "io"), "the layout of matrices can be 'outputs-inputs' or 'inputs-outputs'"),
        (("--after", "all"), "'chain' or 'none', but not 'all'"),
        (("--tile", "300x8"), "tiles of 300x8 are larger than arrays, 256x256 weights"),
        (("--tile", "8"), "'8' is not ROWSxCOLUMNS"),
        (("--arrays", "8"), "'8' is not ROWSxCOLUMNS"),
        (("--threshold", "inf"), "the threshold is inf; it must be at least 0, and finite"),
        (("--threshold", "nan"), "greater than or equal to 0"),
        (("--hardware", "none.json"), "none.json: No such file"),
        (("-o", "m.safetensors"), "it is the file that is read"),
        (("-o", "no/p.json"), "there is no folder 'no'"),
    ):
        assert text in said(capsys, *IMPORT, *options, code=2)
    assert nothing_written(folder)


def test_operators_that_make_no_sense_are_refused(folder, checkpoint, capsys):
    matrix = {"name": "a", "tensor": "layer.2.weight"}
    for operators, text in (
        ([{"name": "q"}], "there is no tensor 'q' for operator 'q'; it holds 'layer.2.bias'"),
        ([matrix | {"tensor": "layer.2.bias"}], "has shape [30]; it must be a matrix"),
        ([matrix, matrix], "the name 'a' is used for more than one operator"),
        ([matrix | {"after": ["b"]}], "'a' is after 'b', but no operator has that name"),
        ([matrix | {"after": ["b"]}, matrix | {"name": "b", "after": ["a"]}], "run in a circle"),
        ([matrix | {"cycles": 3}], "operator 'a' is digital (it has cycles), so it takes no tensor"),
        ([matrix | {"layout": "io"}], "layout: is 'io'"),
        ([matrix | {"shape": [2, 2]}], "shape: is not a known key"),
        ([], "operators: is []"),
    ):
        write(folder / "o.json", {"operators": operators})
        assert text in said(capsys, *IMPORT, "--operators", "o.json", code=2)
    assert nothing_written(folder)


def test_a_pickle_is_read_only_by_flag_and_only_its_tensors(folder, checkpoint, capsys):
    tensors = {name: torch.from_numpy(tensor) for name, tensor in checkpoint.items()}
    tensors["layer.10.weight"] = tensors["layer.10.weight"].to(torch.bfloat16)
    torch.save(tensors, folder / "m.bin")
    torch.save(tensors, folder / "named.safetensors")
    for name in ("m.bin", "named.safetensors"):
        assert f"{name}: is a pickle" in said(capsys, "import", name, "-o", "p.json", code=2)
    assert nothing_written(folder)
    assert main(["import", "m.bin", "-o", "p.json", "--unsafe-pickle"]) == 0
    store = BlockStore(folder / "p.weights.safetensors")
    assert store.values("layer.10.weight").dtype == "BF16"
    for name in ("layer.2.weight", "layer.10.weight"):
        assert np.array_equal(store.matrix(name), checkpoint[name].T)


class Harm:
    def __reduce__(self):
        return (Path.touch, (Path("harmed"),))


def test_a_pickle_that_runs_code_is_refused(folder, capsys):
    (folder / "m.pt").write_bytes(pickle.dumps({"w": Harm()}))
    text = said(capsys, "import", "m.pt", "-o", "p.json", "--unsafe-pickle", code=2)
    assert "m.pt: not a PyTorch checkpoint of tensors only" in text
    assert not (folder / "harmed").exists()
    torch.save([1, 2], folder / "m.pt")
    text = said(capsys, "import", "m.pt", "-o", "p.json", "--unsafe-pickle", code=2)
    assert "m.pt: must hold a dictionary of tensors by name, but it holds: list" in text
    assert nothing_written(folder)


def test_without_pytorch_the_extra_is_named(folder, capsys, monkeypatch):
    torch.save({"w": torch.ones(2, 2)}, folder / "m.pt")
    monkeypatch.setitem(sys.modules, "torch", None)
    text = said(capsys, "import", "m.pt", "-o", "p.json", "--unsafe-pickle", code=2)
    assert "pip install sbdopt[torch]" in text


def test_several_files_are_one_model(folder, checkpoint, capsys):
    for number, name in enumerate(checkpoint):
        save_file({name: checkpoint[name]}, folder / f"{number}.safetensors")
    files = {name: f"{number}.safetensors" for number, name in enumerate(checkpoint)}
    index = write(folder / "m.safetensors.index.json", {"metadata": {}, "weight_map": files})
    assert list(open_checkpoint(index)) == list(checkpoint)
    assert main(["import", index.name, "-o", "p.json"]) == 0
    store = BlockStore(folder / "p.weights.safetensors")
    assert np.array_equal(store.matrix("layer.2.weight"), checkpoint["layer.2.weight"].T)
    (folder / "p.json").unlink()
    (folder / "p.weights.safetensors").unlink()
    capsys.readouterr()
    for weight_map, text in (
        ({"q": "0.safetensors"}, "tensor 'q' is said to be in 0.safetensors, but is not there"),
        ({"q": "9.safetensors"}, "9.safetensors: No such file"),
        ([], "weight_map is missing"),
    ):
        write(index, {"weight_map": weight_map})
        assert text in said(capsys, "import", index.name, "-o", "p.json", code=2)
    assert nothing_written(folder)
