"""Options of verbs that make a problem: the hardware it is for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sbdopt.problem import Hardware


def _size(text: str) -> str:
    """Refuse what is not ROWSxCOLUMNS."""
    if re.fullmatch(r"[1-9][0-9]{0,9}x[1-9][0-9]{0,9}", text) is None:
        raise typer.BadParameter(f"{text!r} is not ROWSxCOLUMNS, two numbers from 1, such as 256x256.")
    return text


Array = Annotated[str, typer.Option(callback=_size, help="Rows x columns of an array.")]
Adcs = Annotated[int, typer.Option(min=1, help="Converters of an array.")]
ColumnsPerWeight = Annotated[int, typer.Option(min=1, help="Columns of one weight.")]
Like = Annotated[
    Path | None,
    typer.Option(metavar="PROBLEM", help="Take the hardware of this problem instead.", show_default=False),
]


def hardware_of(array: str, adcs: int, columns_per_weight: int, like: Path | None) -> Hardware:
    """The hardware that is asked for."""
    from sbdopt.documents import parse
    from sbdopt.problem import Hardware, Problem

    if like is not None:
        return Problem.load(like).hardware
    rows, columns = map(int, array.split("x"))
    kind = {"name": "xbar", "rows": rows, "columns": columns, "adcs": adcs}
    return parse(Hardware, {"arrays": [kind], "columns_per_weight": columns_per_weight}, "hardware")
