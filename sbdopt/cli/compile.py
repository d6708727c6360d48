"""`sbdopt compile`: what a chip executes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbdopt.cli.options import Json, ProblemFile, Seed, SolutionFile
from sbdopt.cli.output import number, print_json, print_table, refuse_target
from sbdopt.errors import InputError

if TYPE_CHECKING:
    from sbdopt.program import Compiled

_KINDS = ("program", "drive", "read", "add", "barrier", "digital")


def compile(
    problem: ProblemFile,
    solution: SolutionFile,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Write the program here, and its cells to X.safetensors.",
            show_default=False,
        ),
    ],
    seed: Seed = 0,
    json: Json = False,
) -> int:
    """Compile a legal solution: the cells of each array, and a stream of commands in order of time.

    Where the problem names no weights, whole numbers are made from the seed.
    """
    import numpy as np

    from sbdopt.blocks import Blocks
    from sbdopt.check import legal_placement
    from sbdopt.problem import Problem
    from sbdopt.program import cells_path, compile_program, save_program
    from sbdopt.solution import Solution
    from sbdopt.weights.store import make_weights, read_weights

    loaded = Problem.load(problem)
    path, cells = loaded.weights_path, cells_path(output)
    for target in (output, cells):
        refuse_target(target, problem, solution, *(() if path is None else (path,)))
    if cells == output:
        raise InputError(f"{output}: is where the cells will lie; name the program as .json")
    blocks = Blocks.of(loaded)
    placement = legal_placement(blocks, Solution.load(solution), str(solution))
    weights = (
        make_weights(loaded, np.random.default_rng(seed)) if path is None else read_weights(loaded, path)
    )
    compiled = compile_program(
        blocks, placement, weights, cells_name=cells.name, seed=seed if path is None else None
    )
    size = save_program(compiled, output)
    if json:
        print_json(_document(compiled, size))
    else:
        _print_result(compiled, size, output)
    return 0


def _counts(compiled: Compiled) -> dict[str, int]:
    counted: Counter[str] = Counter(command.op for command in compiled.program.commands)
    return {kind: counted[kind] for kind in _KINDS}


def _document(compiled: Compiled, size: int) -> dict[str, Any]:
    return {
        "problem": compiled.program.problem,
        "bytes": size,
        "cells_bytes": len(compiled.cells),
        "commands": _counts(compiled),
        "transfers": {
            "as_mapped": asdict(compiled.folding.before),
            "folded": asdict(compiled.folding.after),
        },
        "folded_operators": len(compiled.folding.position),
    }


def _print_result(compiled: Compiled, size: int, output: Path) -> None:
    counts, folding = _counts(compiled), compiled.folding
    print(
        f"{compiled.program.problem}: {number(sum(counts.values()))} commands, {size / 1e6:.1f} MB: {output}"
    )
    print(f"cells: {len(compiled.cells) / 1e6:.1f} MB: {output.parent / compiled.program.cells}")
    print()
    print_table(("command", "count"), [(kind, number(count)) for kind, count in counts.items()], ("command",))
    print()
    rows = [
        (name, number(one.in_order), number(one.rotated), number(one.scattered), number(one.permutations))
        for name, one in (("as mapped", folding.before), ("folded", folding.after))
    ]
    print_table(("transfers", "in order", "rotated", "scattered", "permutations"), rows, ("transfers",))
