"""`sbdopt make`: the problem of a known model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from sbdopt.cli.hardware import DEFAULT_ADCS, DEFAULT_ARRAY, Adcs, Array, ColumnsPerWeight
from sbdopt.cli.options import parse_size
from sbdopt.cli.output import contents, number, print_bytes, print_table, refuse_target
from sbdopt.errors import InputError

if TYPE_CHECKING:
    from sbdopt.models import Form


def make(
    name: Annotated[str, typer.Argument(help="Model; --list shows them.", show_default=False)] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write it here, not to standard output.")
    ] = None,
    form: Annotated[str, typer.Option(help="monarch, square, rectangular or dense.")] = "monarch",
    layers: Annotated[int | None, typer.Option(help="Only so many.", show_default="all")] = None,
    array: Array = DEFAULT_ARRAY,
    adcs: Adcs = DEFAULT_ADCS,
    count: Annotated[
        int | None, typer.Option(min=1, help="Arrays.", show_default="as many as wanted")
    ] = None,
    tiers: Annotated[int, typer.Option(min=1, help="Arrays that share one periphery.")] = 1,
    columns_per_weight: ColumnsPerWeight = 1,
    rows_per_phase: Annotated[
        int | None, typer.Option(min=1, help="Rows summed at a time.", show_default="all")
    ] = None,
    input_slices: Annotated[int, typer.Option(min=1, help="Slices in which inputs are driven.")] = 1,
    settle: Annotated[int, typer.Option(min=0, help="Cycles to settle.")] = 1,
    conversion: Annotated[int, typer.Option(min=0, help="Cycles of a conversion.")] = 1,
    conversion_per_bit: Annotated[int, typer.Option(min=0, help="Cycles of a conversion, for each bit.")] = 0,
    attention: Annotated[int, typer.Option(min=0, help="Cycles of attention.")] = 100,
    norm: Annotated[int, typer.Option(min=0, help="Cycles of a norm.")] = 50,
    add: Annotated[int, typer.Option(min=0, help="Cycles of an addition.")] = 10,
    activation: Annotated[int, typer.Option(min=0, help="Cycles of an activation.")] = 10,
    multiply: Annotated[int, typer.Option(min=0, help="Cycles of a product of vectors.")] = 10,
    list_: Annotated[bool, typer.Option("--list", help="List the models and leave.")] = False,
) -> int:
    """Make the problem of a known model, on hardware of one kind of array."""
    from sbdopt.documents import parse
    from sbdopt.models import make_model
    from sbdopt.problem import Hardware
    from sbdopt.transformers import DigitalCycles

    if list_:
        _print_models()
        return 0
    if not name:
        raise InputError("name a model; sbdopt make --list shows them")
    refuse_target(output)
    rows, columns = parse_size(array)
    kind = {"name": "xbar", "rows": rows, "columns": columns, "adcs": adcs, "count": count, "tiers": tiers}
    hardware = {
        "arrays": [kind],
        "columns_per_weight": columns_per_weight,
        "rows_per_phase": rows_per_phase,
        "input_slices": input_slices,
        "settle_cycles": settle,
        "conversion_cycles": conversion,
        "conversion_cycles_per_bit": conversion_per_bit,
    }
    problem = make_model(
        name,
        parse(Hardware, hardware, "hardware"),
        form=cast("Form", form),
        layers=layers,
        cycles=DigitalCycles(attention, norm, add, activation, multiply),
    )
    if output is None:
        print_bytes(problem.to_bytes())
        return 0
    problem.save(output)
    print(f"{output}: {contents(problem)}")
    return 0


def _print_models() -> None:
    from sbdopt.models import MODELS

    rows = [
        (
            name,
            " + ".join(str(count) for _, count in model.layers),
            number(model.hidden),
            number(model.keys),
            number(model.feed_forward),
            model.monarch,
        )
        for name, model in MODELS.items()
    ]
    header = ("model", "layers", "hidden", "keys", "feed-forward", "monarch form")
    print_table(header, rows, left=("model", "monarch form"))
