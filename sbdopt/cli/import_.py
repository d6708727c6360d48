"""`sbdopt import`: the problem of a trained model, with the blocks that its matrices have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbdopt.cli.hardware import DEFAULT_ADCS, DEFAULT_ARRAY, HardwareOf, hardware_of
from sbdopt.cli.options import Json, parse_size, size
from sbdopt.cli.output import contents, number, percent, print_json, print_table, refuse_target
from sbdopt.errors import InputError

if TYPE_CHECKING:
    from sbdopt.problem import Hardware
    from sbdopt.structure import Imported


def import_(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="Safetensors file, or the index.json of several.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="PROBLEM",
            help="Write the problem here; its weights go to PROBLEM's name with .weights.safetensors.",
            show_default=False,
        ),
    ],
    arrays: Annotated[
        str | None,
        typer.Option(callback=size, help="Rows x columns of an array.", show_default=DEFAULT_ARRAY),
    ] = None,
    adcs: Annotated[
        int | None, typer.Option(min=1, help="Converters of an array.", show_default=str(DEFAULT_ADCS))
    ] = None,
    hardware: HardwareOf = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Only tensors with such names (*.query.weight); may be repeated.",
            show_default=False,
        ),
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="No tensors with such names (*embed*); may be repeated.",
            show_default=False,
        ),
    ] = None,
    after: Annotated[
        str,
        typer.Option(
            help="chain: matrices run one after another, in the order of their names; none: all at once."
        ),
    ] = "chain",
    operators: Annotated[
        Path | None,
        typer.Option(
            help="JSON of the operators: name, tensor, input, after; cycles for a digital one.",
            show_default=False,
        ),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="What rows and columns of the matrices are: outputs-inputs, as PyTorch's Linear "
            "stores them, or inputs-outputs."
        ),
    ] = "outputs-inputs",
    threshold: Annotated[
        float, typer.Option(min=0, help="Weights no larger than this count as zero, and become zero.")
    ] = 0.0,
    tile: Annotated[
        str | None,
        typer.Option(
            callback=size,
            help="Inputs x outputs of the tiles of a grid.",
            show_default="found for each matrix",
        ),
    ] = None,
    unsafe_pickle: Annotated[
        bool,
        typer.Option("--unsafe-pickle", help="Read a pickle (.bin, .pt) too, tensors only; takes PyTorch."),
    ] = False,
    json: Json = False,
) -> int:
    """Find the blocks of a trained model's matrices, and write them as a problem with its weights."""
    from sbdopt.structure import Plan, import_model, plan_of, weights_path
    from sbdopt.weights.checkpoint import open_checkpoint

    for target in (output, weights_path(output)):
        refuse_target(target, *(path for path in (model, operators, hardware) if path is not None))
    chosen = _hardware(hardware, arrays, adcs)
    checkpoint = open_checkpoint(model, unsafe_pickle=unsafe_pickle)
    if operators is not None:
        if only or skip or after != "chain":
            raise InputError(
                "--operators names the operators and their order: leave out --only, --skip, --after"
            )
        plan = Plan.load(operators)
    else:
        plan = plan_of(checkpoint, only=only or (), skip=skip or (), after=after)
    imported = import_model(
        checkpoint,
        chosen,
        name=output.name.split(".")[0],
        plan=plan,
        layout=layout,
        threshold=threshold,
        tile=None if tile is None else parse_size(tile),
    )
    target = imported.save(output)
    if json:
        print_json(_document(imported))
    else:
        _print_report(imported, output, target)
    return 0


def _hardware(source: Path | None, arrays: str | None, adcs: int | None) -> Hardware:
    if source is not None and (arrays is not None or adcs is not None):
        raise InputError("--hardware names all arrays: leave out --arrays and --adcs")
    return hardware_of(arrays or DEFAULT_ARRAY, DEFAULT_ADCS if adcs is None else adcs, 1, source)


def _document(imported: Imported) -> dict[str, Any]:
    """What was found, for machines."""
    return {
        "problem": imported.problem.name,
        "operators": [
            {
                "operator": name,
                "shape": list(found.origin.shape),
                "found": found.kind,
                "permuted": found.permuted,
                "blocks": len(found.blocks),
                "stored": found.stored,
                "zeros": found.zeros,
                "dropped": imported.dropped[name],
                "cut_inputs": found.cut_away[0],
                "cut_outputs": found.cut_away[1],
            }
            for name, found in imported.structures.items()
        ],
    }


def _print_report(imported: Imported, output: Path, weights: Path) -> None:
    rows = []
    for name, found in imported.structures.items():
        inputs, outputs = found.origin.shape
        rows.append(
            (
                name,
                f"{inputs} x {outputs}",
                found.kind + (", permuted" if found.permuted else ""),
                number(len(found.blocks)),
                " + ".join(map(number, found.cut_away)),
                number(found.stored),
                number(found.zeros),
            )
        )
    header = ("operator", "matrix", "found", "blocks", "cut away", "stored", "of them zero")
    print_table(header, rows, left=("operator", "found"))
    print()
    every = imported.structures.values()
    stored = sum(one.stored for one in every)
    whole = sum(inputs * outputs for inputs, outputs in (one.origin.shape for one in every))
    dropped = sum(imported.dropped.values())
    if dropped:
        print(
            f"{number(dropped)} weights that were not zero are no larger than the threshold, and became zero"
        )
    print(f"{output}: {contents(imported.problem)}")
    print(
        f"{weights}: {number(stored)} weights, {percent(stored / whole)} of the matrices, "
        f"{number(sum(one.zeros for one in every))} of them zero"
    )
