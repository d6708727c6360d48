"""`sbdopt show`: the numbers of a problem and of a solution; with -o a picture."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.options import Json, ProblemFile
from sbdopt.cli.output import number, print_json, print_table, refuse_target
from sbdopt.cli.solve import print_metrics
from sbdopt.errors import InputError

if TYPE_CHECKING:
    from sbdopt.blocks import Blocks
    from sbdopt.judge import Measures
    from sbdopt.overview import Overview
    from sbdopt.problem import ArrayKind

_MOST_SIZES = 6


def show(
    problem: ProblemFile,
    solution: Annotated[Path | None, typer.Argument(metavar="SOLUTION", show_default=False)] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Draw the solution: .png or .svg.", show_default=False),
    ] = None,
    json: Json = False,
) -> int:
    """Show the numbers of a problem, and of a legal solution; with -o a picture of it."""
    from sbdopt.blocks import Blocks
    from sbdopt.overview import overview
    from sbdopt.problem import Problem

    refuse_target(output, *([problem] if solution is None else [problem, solution]))
    blocks = Blocks.of(Problem.load(problem))
    if output is not None and solution is None:
        raise InputError(f"{output}: only a solution can be drawn; name a solution file after the problem")
    measures = None if solution is None else _measured(blocks, solution, output)
    numbers = overview(blocks)
    if json:
        metrics = {} if measures is None else {"metrics": asdict(measures)}
        print_json(asdict(numbers) | metrics)
        return 0
    _print_overview(numbers, blocks)
    if measures is not None:
        print()
        print_metrics(asdict(measures))
    if output is not None:
        print()
        print(f"drawn: {output}")
    return 0


def _measured(blocks: Blocks, path: Path, output: Path | None) -> Measures:
    """The metrics of a solution, which is drawn to `output`."""
    from sbdopt.check import check_digest
    from sbdopt.judge import judge
    from sbdopt.placement import Placement
    from sbdopt.solution import Solution

    solution = Solution.load(path)
    check_digest(blocks.problem, solution)
    verdict = judge(blocks, solution)
    if verdict.metrics is None:
        raise InputError(f"{path}: not legal, so it has no metrics: {verdict.violations[0]}")
    if output is not None:
        from sbdopt.plot import draw_solution, save_figure

        save_figure(draw_solution(blocks, Placement.read(blocks, solution)), output)
    return verdict.metrics


def _print_overview(numbers: Overview, blocks: Blocks) -> None:
    sizes = [f"{number(count)} of {height} x {width}" for height, width, count in numbers.sizes]
    if len(sizes) > _MOST_SIZES:
        sizes[_MOST_SIZES - 1 :] = [f"{number(len(sizes) - _MOST_SIZES + 1)} more sizes"]
    rows = [
        ("crossbar operators", number(numbers.crossbar_operators)),
        ("digital operators", number(numbers.digital_operators)),
        ("longest chain", f"{number(numbers.longest_chain)} operators"),
        ("blocks", number(numbers.blocks)),
        ("sizes", ", ".join(sizes) or "-"),
        ("cells", number(numbers.cells)),
        *(("arrays", _kind(kind)) for kind in blocks.hardware.arrays),
        *((f"least {goal}", number(bound)) for goal, bound in numbers.bounds.items()),
    ]
    if numbers.infeasible is not None:
        rows.append(("infeasible", numbers.infeasible))
    print_table(("problem", numbers.problem), rows, left=("problem", numbers.problem))


def _kind(kind: ArrayKind) -> str:
    many = "as many as wanted" if kind.count is None else f"{number(kind.count)} of them"
    parts = [f"{kind.name!r} {kind.rows} x {kind.columns}", f"{kind.adcs} ADCs", many]
    parts += [f"{kind.tiers} to a tile"] if kind.tiers > 1 else []
    parts += [f"{number(len(kind.faults))} faults"] if kind.faults else []
    return ", ".join(parts)
