"""`sbdopt schema`: the JSON Schema of a document."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sbdopt.cli.output import print_bytes, refuse_target


def schema(
    document: Annotated[str, typer.Argument(help="problem, solution, front or program.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write it here, not to standard output.")
    ] = None,
) -> int:
    """Print the JSON Schema of a document: problem, solution, front or program."""
    from sbdopt.documents import write_atomically
    from sbdopt.schema import schema_bytes

    refuse_target(output)
    content = schema_bytes(document)
    if output is None:
        print_bytes(content)
    else:
        write_atomically(output, content)
    return 0
