"""`sbdopt bench`: several methods on several problems, in one table."""

from __future__ import annotations

import json as jsons
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.interrupts import Interrupts
from sbdopt.cli.options import DEFAULT_GOAL, Goal, Json, Seed, Workers, parse_goals, positive
from sbdopt.cli.output import gap_percent, number, percent, print_json, print_table, refuse_target, warn

if TYPE_CHECKING:
    from sbdopt.bench import Row

_HEADER = (
    "problem", "method", "arrays", "utilization", "unused cells", "makespan", "interval", "status", "gap",
    "seconds",
)  # fmt: skip


def bench(
    problems: Annotated[
        list[Path], typer.Argument(metavar="PROBLEM...", help="Problem files.", show_default=False)
    ],
    workers: Workers,
    methods: Annotated[
        str, typer.Option(help="Methods, with commas; all if left out.", show_default=False)
    ] = "",
    goal: Goal = DEFAULT_GOAL,
    time_limit: Annotated[float, typer.Option(callback=positive, help="Seconds for each method.")] = 20.0,
    seed: Seed = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the table here, as JSON.", show_default=False)
    ] = None,
    json: Json = False,
) -> int:
    """Compare methods: one row for each problem and method, also where nothing was found."""
    from sbdopt.bench import bench as bench_problems
    from sbdopt.documents import write_atomically
    from sbdopt.problem import Problem
    from sbdopt.search import METHODS

    refuse_target(output, *problems)
    loaded = [Problem.load(path) for path in problems]
    chosen = [name.strip() for name in methods.split(",")] if methods else list(METHODS)
    goals = parse_goals(goal)
    table = bench_problems(
        loaded, methods=chosen, goals=goals, seconds=time_limit, workers=workers, seed=seed
    )
    with Interrupts() as interrupts:
        rows = []
        for row in interrupts.each(table, time_limit):
            _say(row)
            rows.append(row)
        document = {
            "goals": list(goals),
            "time_limit": time_limit,
            "workers": workers,
            "seed": seed,
            "rows": [asdict(row) for row in rows],
        }
        if output is not None:
            write_atomically(output, (jsons.dumps(document, indent=2) + "\n").encode())
        if json:
            print_json(document)
        else:
            print_table(_HEADER, map(_cells, rows), left=("problem", "method", "status"))
    return 0


def _say(row: Row) -> None:
    note = f": {row.note}" if row.note else ""
    warn(f"{row.problem}, {row.method}: {row.status}, {row.seconds:.1f} s{note}")


def _cells(row: Row) -> tuple[str, ...]:
    found = row.arrays is not None
    return (
        row.problem,
        row.method,
        number(row.arrays),
        percent(row.utilization),
        number(row.unused_cells),
        number(row.makespan),
        number(row.interval),
        row.status if found else f"{row.status}: no solution",
        ", ".join(map(gap_percent, row.gaps)) or "-",
        f"{row.seconds:.1f}",
    )
