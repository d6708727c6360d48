"""Options of verbs that make a problem: the hardware it is for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.options import parse_size, size

if TYPE_CHECKING:
    from sbdopt.problem import Hardware

DEFAULT_ARRAY, DEFAULT_ADCS = "256x256", 8

Array = Annotated[str, typer.Option(callback=size, help="Rows x columns of an array.")]
Adcs = Annotated[int, typer.Option(min=1, help="Converters of an array.")]
ColumnsPerWeight = Annotated[int, typer.Option(min=1, help="Columns of one weight.")]
HardwareOf = Annotated[
    Path | None,
    typer.Option(
        "--hardware",
        metavar="PROBLEM",
        help="Take all hardware from this problem instead.",
        show_default=False,
    ),
]


def hardware_of(array: str, adcs: int, columns_per_weight: int, source: Path | None) -> Hardware:
    """The hardware that is asked for."""
    from sbdopt.documents import parse
    from sbdopt.problem import Hardware, Problem

    if source is not None:
        return Problem.load(source).hardware
    rows, columns = parse_size(array)
    kind = {"name": "xbar", "rows": rows, "columns": columns, "adcs": adcs}
    return parse(Hardware, {"arrays": [kind], "columns_per_weight": columns_per_weight}, "hardware")
