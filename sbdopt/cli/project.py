"""`sbdopt project`: the nearest Monarch factors of a trained model, as a problem with weights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.hardware import (
    DEFAULT_ADCS,
    DEFAULT_ARRAY,
    Adcs,
    Array,
    ColumnsPerWeight,
    HardwareOf,
    hardware_of,
)
from sbdopt.cli.options import Json
from sbdopt.cli.output import contents, number, print_json, print_table, refuse_target
from sbdopt.errors import InputError

if TYPE_CHECKING:
    from sbdopt.checkpoints import Model
    from sbdopt.problem import Hardware
    from sbdopt.projection import Plan

ModelFile = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="Safetensors file, or folder with it and config.json.", show_default=False
    ),
]
LayoutName = Annotated[
    str, typer.Option(help="bert, gpt2, bart, llama, or a JSON file.", show_default="found by the names")
]
UnsafePickle = Annotated[bool, typer.Option("--unsafe-pickle", help="Trust a PyTorch pickle; weights only.")]
MomentsFile = Annotated[
    Path | None,
    typer.Option("--moments", help="Second moments of inputs: safetensors.", show_default=False),
]


def open_model(path: Path, layout: str, unsafe_pickle: bool) -> Model:
    """The model at `path`, understood."""
    from sbdopt.checkpoints import LAYOUTS, load_layout, open_checkpoint, understand

    if layout and layout not in LAYOUTS and not Path(layout).exists():
        raise InputError(f"layout {layout!r} is neither one of {', '.join(LAYOUTS)} nor a file")
    chosen = LAYOUTS.get(layout) or (load_layout(Path(layout)) if layout else None)
    return understand(open_checkpoint(path, unsafe_pickle=unsafe_pickle), chosen)


def project(
    model: ModelFile,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Write the problem here, and its weights beside it.")
    ],
    plan: Annotated[
        Path | None, typer.Option(help="Blocks of each weight, from sbdopt design.", show_default=False)
    ] = None,
    form: Annotated[str, typer.Option(help="rectangular, square or dense.")] = "rectangular",
    blocks: Annotated[
        str, typer.Option(metavar="PxQ", help="Blocks of R and of L.", show_default="by the form")
    ] = "",
    rank: Annotated[int, typer.Option(min=1, help="Values in which a block of R meets one of L.")] = 1,
    layout: LayoutName = "",
    moments: MomentsFile = None,
    unsafe_pickle: UnsafePickle = False,
    array: Array = DEFAULT_ARRAY,
    adcs: Adcs = DEFAULT_ADCS,
    columns_per_weight: ColumnsPerWeight = 1,
    source: HardwareOf = None,
    json: Json = False,
) -> int:
    """Find the nearest Monarch product of every weight; write the problem and its weights."""
    from sbdopt.checkpoints import Moments
    from sbdopt.projection import Projection

    weights = output.with_suffix(".safetensors")
    for target in (output, weights):
        refuse_target(target, *_sources(model), *(file for file in (plan, moments, source) if file))
    opened = open_model(model, layout, unsafe_pickle)
    hardware = hardware_of(array, adcs, columns_per_weight, source)
    chosen = _plan(opened, hardware, plan, form, blocks, rank)
    errors: dict[str, float] = {}
    known = (lambda name: None) if moments is None else Moments(opened, moments)
    projection = Projection(opened, chosen, hardware, moments=known)
    problem = projection.save(output, errors.__setitem__)
    if json:
        dense = sum(inputs * outputs for inputs, outputs in (w.shape for w in opened.weights.values()))
        print_json({"problem": str(output), "cells": chosen.cells, "dense_cells": dense, "errors": errors})
        return 0
    _print_shapes(chosen, errors)
    print()
    print(f"{output}: {contents(problem)}; weights in {weights}")
    return 0


def _sources(model: Path) -> list[Path]:
    return [model] if not model.is_dir() else list(model.iterdir())


def _plan(model: Model, hardware: Hardware, plan: Path | None, form: str, blocks: str, rank: int) -> Plan:
    from sbdopt.fitting import largest_block
    from sbdopt.models import FORMS
    from sbdopt.projection import Plan, uniform_plan

    if plan is not None:
        if blocks or rank > 1 or form != "rectangular":
            raise InputError("--plan says all of the blocks; leave --blocks, --rank and --form out")
        return Plan.load(plan)
    if form not in FORMS[1:]:
        raise InputError(f"{form!r} is not a known form; the known ones are {', '.join(FORMS[1:])}")
    if blocks and re.fullmatch(r"[1-9][0-9]{0,8}x[1-9][0-9]{0,8}", blocks) is None:
        raise InputError(f"--blocks {blocks!r} is not PxQ, two numbers from 1, such as 32x32")
    p, _, q = blocks.partition("x")
    shapes = {name: weight.shape for name, weight in model.weights.items()}
    return uniform_plan(
        model.checkpoint.name,
        shapes,
        largest_block(hardware),
        form=form,
        blocks=(int(p), int(q)) if blocks else None,
        rank=rank,
    )


def _print_shapes(plan: Plan, errors: dict[str, float]) -> None:
    """A line for all weights of the same shape and choice."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for name, choice in plan.weights.items():
        said = " x ".join(map(number, choice.shape)), str(choice), number(choice.padded)
        groups.setdefault(said, []).append(name)
    rows = []
    for (shape, blocks, padded), names in groups.items():
        cells = sum(plan.weights[name].cells for name in names)
        dense = sum(plan.weights[name].shape[0] * plan.weights[name].shape[1] for name in names)
        worst = [errors.get(name, 0.0) for name in names]
        error = f"{min(worst):.3f} .. {max(worst):.3f}"
        rows.append((number(len(names)), shape, blocks, padded, number(cells), f"{dense / cells:.1f}", error))
    header = ("weights", "inputs x outputs", "blocks", "padded to", "cells", "fewer", "error")
    print_table(header, rows, left=("blocks",))
