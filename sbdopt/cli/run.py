"""`sbdopt run`: carry a program out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.options import Json, Seed
from sbdopt.cli.output import number, print_json, print_table, refuse_target

if TYPE_CHECKING:
    from sbdopt.weights.tensors import FloatArray

_MOST_SHOWN = 10


def run(
    program: Annotated[Path, typer.Argument(metavar="PROGRAM", help="Program file.", show_default=False)],
    given: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="Safetensors file of inputs, (batch, inputs) each: input:<vector>, or x:<operator>.",
            show_default="whole numbers are made from the seed",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Write x:<operator> and y:<operator> to this safetensors file.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> int:
    """Carry a program out with nothing but its cells and inputs."""
    import numpy as np

    from sbdopt.documents import write_atomically
    from sbdopt.program import cells_path, load_program, outputs_file, random_inputs, read_inputs, run_program

    refuse_target(output, program, cells_path(program), *(() if given is None else (given,)))
    loaded = load_program(program)
    if given is None:
        inputs = random_inputs(loaded.program, np.random.default_rng(seed))
    else:
        inputs = read_inputs(loaded.program, given)
    outputs = run_program(loaded.program, loaded.cells, inputs)
    if output is not None:
        write_atomically(output, outputs_file(loaded.program, inputs, outputs))
    if json:
        print_json({"outputs": {name: _finite(y) for name, y in outputs.items()}})
        return 0
    commands = number(len(loaded.program.commands))
    print(f"{loaded.program.problem}: {commands} commands, a batch of {len(inputs[0]) if inputs else 0}")
    print()
    _print_outputs(outputs)
    if output is not None:
        print()
        print(f"written: {output}")
    return 0


def _finite(y: FloatArray) -> list[list[float | None]]:
    """Rows of numbers; what is none is null."""
    import numpy as np

    return [[value if np.isfinite(value) else None for value in row] for row in y.tolist()]


def _print_outputs(outputs: Mapping[str, FloatArray]) -> None:
    shown = list(outputs.items())[:_MOST_SHOWN]
    rows = [(name, number(y.shape[1]), f"{y.min():.6g}", f"{y.max():.6g}") for name, y in shown]
    print_table(("operator", "outputs", "least", "largest"), rows, ("operator",))
    if len(outputs) > len(shown):
        print(f"and {number(len(outputs) - len(shown))} more")
