"""`sbdopt project`: checkpoints of known and described layouts, made into problems with weights."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from commands import said
from safetensors.numpy import save_file

from sbdopt import Blocks, Problem, simulate, solve
from sbdopt.checkpoints import LAYOUTS, open_checkpoint, understand
from sbdopt.cli import main
from sbdopt.monarch import Pattern, project
from sbdopt.placement import Placement
from sbdopt.projection import Plan
from sbdopt.search.budget import Budget
from sbdopt.transformers import Structure
from sbdopt.weights.store import read_weights

HIDDEN, WIDE = 8, 12
SHAPES = {"ffn1": (HIDDEN, WIDE), "gate": (HIDDEN, WIDE), "up": (HIDDEN, WIDE)}
SHAPES |= {"ffn2": (WIDE, HIDDEN), "down": (WIDE, HIDDEN)}


def tensors_of(kind: str, prefix: str = "") -> dict[str, np.ndarray]:
    """Two layers a stack of random weights as the layout stores them, and an embedding."""
    layout = LAYOUTS[kind]
    rng = np.random.default_rng(0)
    tensors = {f"{prefix}embeddings.weight": np.ones((20, HIDDEN), dtype=np.float32)}
    for stack in layout.stacks:
        for n in "01":
            for name, source in layout.weights.items():
                if name.startswith("cross_") and not stack.cross:
                    continue
                inputs, outputs = SHAPES.get(name, (HIDDEN, HIDDEN))
                outputs *= 1 if source.share is None else source.share[1]
                shape = (outputs, inputs) if source.stored == "linear" else (inputs, outputs)
                tensor = prefix + stack.tensors.replace("{n}", n) + source.tensor
                tensors.setdefault(tensor, rng.standard_normal(shape).astype(np.float32))
    return tensors


def run(*arguments: str) -> None:
    assert main([*arguments, "--array", "16x16"]) == 0


@pytest.mark.parametrize("prefix", ["", "model."])
@pytest.mark.parametrize("kind", LAYOUTS)
def test_layouts_are_understood_by_their_names(kind, prefix, folder):
    save_file(tensors_of(kind, prefix), folder / "m.safetensors")
    model = understand(open_checkpoint(folder / "m.safetensors"))
    layout = LAYOUTS[kind]
    assert isinstance(model.order, Structure)
    assert model.order.layers == tuple((stack.name, 2) for stack in layout.stacks)
    assert (model.order.norm_first, model.order.gated) == (layout.norm_first, layout.gated)
    for name, weight in model.weights.items():
        assert weight.shape == SHAPES.get(name.rpartition(".")[2], (HIDDEN, HIDDEN))
        assert weight.read().shape == weight.shape


def test_orientation_and_shares(folder):
    tensors = tensors_of("gpt2") | {"x": tensors_of("bert")["encoder.layer.0.output.dense.weight"]}
    save_file(tensors, folder / "m.safetensors")
    weights = understand(open_checkpoint(folder / "m.safetensors")).weights
    fused = tensors["h.1.attn.c_attn.weight"]
    assert np.array_equal(weights["layer1.k"].read(), fused[:, HIDDEN : 2 * HIDDEN])
    bert = tensors_of("bert")
    save_file(bert, folder / "b.safetensors")
    weights = understand(open_checkpoint(folder / "b.safetensors")).weights
    assert np.array_equal(weights["layer0.ffn2"].read(), bert["encoder.layer.0.output.dense.weight"].T)


def chained(problem: Problem, name: str, x: np.ndarray) -> np.ndarray:
    """x through R, the permutation that the store holds, and L, on the arrays."""
    blocks, weights = Blocks.of(problem), read_weights(problem, problem.weights_path)
    solution = solve(problem, method="greedy", budget=Budget(seconds=30))
    placement = Placement.read(blocks, solution)
    inputs = {one.name: np.zeros((len(x), one.shape[0])) for one in problem.operators if one.shape}
    for other in inputs:
        if other.endswith(("q.R", "k.R", "v.R")) and other.startswith("layer0."):
            inputs[other] = x
    middle = simulate(blocks, placement, weights, inputs)[f"{name}.R"]
    origin = weights[f"{name}.L"].origin
    inputs[f"{name}.L"] = origin.gather(middle)
    return simulate(blocks, placement, weights, inputs)[f"{name}.L"]


@pytest.mark.parametrize(("p", "q", "rank"), [(2, 4, 1), (2, 2, 2), (3, 3, 1), (1, 1, 8)])
def test_the_arrays_compute_the_monarch_product(p, q, rank, folder):
    """Also where the blocks do not divide (8 in 3), and where they are larger than an array."""
    tensors = {name: tensor.astype(np.float64) for name, tensor in tensors_of("bert").items()}
    save_file(tensors, folder / "m.safetensors")
    small = ["--array", "6x6"]
    assert (
        main(
            ["project", "m.safetensors", "-o", "p.json", "--blocks", f"{p}x{q}", "--rank", str(rank), *small]
        )
        == 0
    )
    problem = Problem.load(Path("p.json"))
    weight = tensors["encoder.layer.0.attention.self.key.weight"].T
    x = np.random.default_rng(1).standard_normal((3, HIDDEN))
    wanted = x @ project(weight, Pattern(p, q, rank)).dense()
    assert np.allclose(chained(problem, "layer0.k", x), wanted, atol=1e-12)


def test_the_graph_is_that_of_make(folder):
    """q, k, v share their input; what follows what is the same as in a problem that `make` makes."""
    save_file(tensors_of("llama"), folder / "m.safetensors")
    run("project", "m.safetensors", "-o", "p.json", "--blocks", "2x2")
    made = folder / "l.json"
    assert main(["make", "llama-2-7b", "--layers", "2", "-o", str(made)]) == 0
    mine, known = Problem.load(Path("p.json")).operators, Problem.load(made).operators
    assert [(one.name, one.input, one.after) for one in mine] == [
        (one.name, one.input, one.after) for one in known
    ]


def test_square_form_pads(folder):
    tensors = tensors_of("bert")
    side = np.random.default_rng(2).standard_normal((16, 16)).astype(np.float32)
    for name in tensors:
        if "layer" in name:
            tensors[name] = side if "self" in name else side[:, :8] if "output" in name else side[:8]
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(tensors, folder / "m.safetensors")
    run("project", "m.safetensors", "-o", "p.json", "--form", "square")
    problem = Problem.load(Path("p.json"))
    assert {tuple(one.shape) for one in problem.operators if one.shape} == {(16, 16)}


def test_a_folder_with_shards_and_a_described_layout(folder):
    rng = np.random.default_rng(3)
    one, two = rng.standard_normal((6, 4)), rng.standard_normal((6, 2))
    (folder / "m").mkdir()
    save_file({"a.weight": one}, folder / "m" / "1.safetensors")
    save_file({"b": two}, folder / "m" / "2.safetensors")
    index = {"weight_map": {"a.weight": "1.safetensors", "b": "2.safetensors"}}
    (folder / "m" / "model.safetensors.index.json").write_text(json.dumps(index))
    operators = [
        {"name": "a", "source": {"tensor": "a.weight"}, "input": "x"},
        {"name": "relu", "after": ["a"], "cycles": 3},
        {"name": "b", "source": {"tensor": "b", "stored": "conv1d"}, "after": ["relu"]},
    ]
    (folder / "layout.json").write_text(json.dumps({"operators": operators}))
    run("project", "m", "-o", "p.json", "--layout", "layout.json", "--blocks", "2x2")
    made = {one.name: one for one in Problem.load(Path("p.json")).operators}
    assert made["relu"].after == ["a.L"]
    assert (made["b.R"].after, made["b.R"].input) == (["relu"], "relu")
    assert made["a.R"].input == "x"


def test_design_then_project(folder):
    save_file(tensors_of("bert"), folder / "m.safetensors")
    moments = {f"layer{n}.{w}": np.ones(WIDE if w == "ffn2" else HIDDEN) for n in "01" for w in "qkvo"}
    moments |= {f"layer{n}.ffn1": np.eye(HIDDEN) for n in "01"} | {
        f"layer{n}.ffn2": np.ones(WIDE) for n in "01"
    }
    save_file(moments, folder / "c.safetensors")
    options = ["--moments", "c.safetensors", "--sides", "1,2,4", "--ranks", "1,2", "--workers", "1"]
    run("design", "m.safetensors", "-o", "plan.json", "--error", "0.5", *options)
    run("project", "m.safetensors", "-o", "p.json", "--plan", "plan.json")
    assert Problem.load(Path("p.json")).weights_path.exists()
    run("design", "m.safetensors", "-o", "plans", "--pareto", "--points", "3", "--plot", "f.svg", *options)
    assert len(list((folder / "plans").iterdir())) >= 2
    assert main(["design", "m.safetensors", "--arrays", "1", "--array", "2x2", *options]) == 1


def test_the_weight_that_counts_is_spared(folder, capsys):
    save_file(tensors_of("bert"), folder / "m.safetensors")
    counts = {f"layer{n}.{weight}": 1e-3 for n in "01" for weight in ("k", "v", "o", "ffn1", "ffn2")}
    counts["layer1.k"] = 0
    counts |= {f"encoder.layer.{n}.attention.self.query": 1 for n in "01"}
    (folder / "counts.json").write_text(json.dumps(counts))
    options = ["--sides", "2,4", "--ranks", "1", "--workers", "1", "--array", "16x16", "--arrays", "2"]
    for more in ([], ["--importance", "counts.json"]):
        run("design", "m.safetensors", "-o", "plan.json", *options, *more)
        errors = {name: one.error for name, one in Plan.load(Path("plan.json")).weights.items()}
        assert (errors["layer0.q"] == errors["layer1.q"] == 0) == bool(more)
    capsys.readouterr()
    for change, text in (
        ({"layer9.q": 1}, "names weight 'layer9.q', which the model does not have"),
        ({"layer0.k": "1"}, "'layer0.k' is '1'; it must be a number"),
        ({"layer0.k": -1}, "'layer0.k' is -1; it must be a number from 0"),
        ({"layer0.k": 10**400}, "'layer0.k' is 1000"),
        ({"layer0.k": None}, "'layer0.k' is None"),
        ({"layer0.k": True}, "'layer0.k' is True; it must be a number"),
    ):
        (folder / "bad.json").write_text(json.dumps(counts | change))
        assert text in said(capsys, "design", "m.safetensors", *options, "--importance", "bad.json", code=2)
    for content, text in (("[1]", "must be one object"), ("{}", "there is no 'layer0.q' or")):
        (folder / "bad.json").write_text(content)
        assert text in said(capsys, "design", "m.safetensors", *options, "--importance", "bad.json", code=2)
    own = ["--importance", "counts.json", "-o", "counts.json"]
    assert "it is the file that is read" in said(capsys, "design", "m.safetensors", *options, *own, code=2)


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit",)


def test_what_is_refused(folder, capsys):
    tensors = tensors_of("bert")
    save_file(tensors, folder / "m.safetensors")
    key = "encoder.layer.1.attention.self.key.weight"
    missing = {name: tensor for name, tensor in tensors.items() if name != key}
    save_file(missing, folder / "missing.safetensors")
    for value, name in ((np.nan, "nan"), (np.inf, "inf")):
        broken = tensors[key].copy()
        broken[1, 2] = value
        save_file(tensors | {key: broken}, folder / f"{name}.safetensors")
    save_file({"some.weight": np.ones((2, 2))}, folder / "odd.safetensors")
    (folder / "m.bin").write_bytes(pickle.dumps(Trap()))
    plan = {"model": "m", "weights": {"layer0.q": {"shape": [9, 9]}}}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "cut.safetensors").write_bytes((folder / "m.safetensors").read_bytes()[:-10])
    before = sorted(folder.iterdir())
    for arguments, text in (
        (["missing.safetensors"], f"tensor {key!r}, weight 'layer1.k', is missing"),
        (["nan.safetensors"], f"tensor {key!r} holds nan at [1, 2]"),
        (["inf.safetensors"], f"tensor {key!r} holds inf at [1, 2]"),
        (["odd.safetensors"], "found some.weight; describe the layout with --layout FILE"),
        (["m.bin"], "is a pickle"),
        (["cut.safetensors"], "cut short"),
        (["none.safetensors"], "No such file"),
        (["m.safetensors", "--plan", "plan.json"], "weight 'layer0.q' is 8 x 8, but planned for 9 x 9"),
        (["m.safetensors", "--blocks", "7x7"], "leave a block empty"),
        (["m.safetensors", "--blocks", "2"], "is not PxQ"),
        (["m.safetensors", "--blocks", "4x4", "--rank", "3"], "have no rank above 2"),
        (["m.safetensors", "--layout", "bort"], "layout 'bort' is neither"),
        (["m.safetensors", "--form", "square"], "8 is not a square number"),
    ):
        assert text in said(capsys, "project", *arguments, "-o", "p.json", code=2)
    assert text in said(capsys, "project", "m.safetensors", "-o", "p.json", "--form", "square", code=2)
    assert "one of --arrays N" in said(capsys, "design", "m.safetensors", code=2)
    assert sorted(folder.iterdir()) == before
