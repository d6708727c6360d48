"""`sbdopt sweep`: many problems on many arrays, each point once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.options import Json, Workers
from sbdopt.cli.output import number, percent, print_json, print_table, refuse_target, warn

if TYPE_CHECKING:
    from sbdopt.sweep import PointRow

_HEADER = (
    "problem", "array", "adcs", "method", "goals", "arrays", "utilization", "makespan", "status",
)  # fmt: skip
_COSTS = ("preset", "ADC bits", "latency, ns", "energy, pJ", "area, mm2")


def sweep(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="What to sweep: JSON.", show_default=False)],
    workers: Workers,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Results: a log .jsonl, and tables .csv and .parquet; SPEC-results if left out.",
            show_default=False,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler, whose workers solve the points.", show_default=False),
    ] = None,
    json: Json = False,
) -> int:
    """Solve the product of problems, arrays, converters, methods and goals. Started again, it goes on."""
    from sbdopt.sweep import Results, Spec, run_sweep

    wanted = Spec.load(spec)
    target = output or spec.with_name(f"{spec.stem}-results")
    results = Results(target)
    for path in (results.log, results.csv, results.parquet):
        refuse_target(path, spec)
    keys = [key for key, _ in wanted.keyed_points()]
    try:
        with _shown(len(keys)) as watch:
            run_sweep(wanted, results, workers=workers, dask=dask, watch=watch)
    except KeyboardInterrupt:
        results.write_tables(keys)
        done = sum(key in results.done for key in keys)
        warn(f"interrupted: {done} of {len(keys)} points are done; start it again to go on")
        return 1
    results.write_tables(keys)
    rows = [results.done[key] for key in keys]
    if json:
        print_json([asdict(row) for row in rows])
    else:
        costs = any(row.preset is not None for row in rows)
        header = (*_HEADER, *_COSTS) if costs else _HEADER
        cells = [(*_cells(row), *_cost_cells(row)) if costs else _cells(row) for row in rows]
        print_table(header, cells, left=("problem", "method", "goals", "status", "preset"))
        print(f"{results.csv}, {results.parquet}: {number(len(rows))} rows")
    return 0


@contextmanager
def _shown(points: int) -> Iterator[Callable[[int, int, PointRow], None]]:
    """A progress bar on a terminal, a line a point in a pipe."""
    if not sys.stderr.isatty():
        yield _print_line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=points)

        def watch(done: int, total: int, row: PointRow) -> None:
            progress.update(task, completed=done, description=_said(row))

        yield watch


def _print_line(done: int, total: int, row: PointRow) -> None:
    warn(f"{done} of {total}: {_said(row)}")


def _said(row: PointRow) -> str:
    note = f": {row.note}" if row.note else ""
    return f"{row.problem} on {row.array or 'its arrays'}, {row.adcs} ADCs, {row.method}: {row.status}{note}"


def _cells(row: PointRow) -> tuple[str, ...]:
    return (
        row.problem,
        row.array,
        row.adcs,
        row.method,
        row.goals,
        number(row.arrays),
        percent(row.utilization),
        number(row.makespan),
        row.status,
    )


def _cost_cells(row: PointRow) -> tuple[str, ...]:
    whole = (None if figure is None else round(figure) for figure in (row.latency_ns, row.energy_pj))
    area = "-" if row.area_mm2 is None else f"{row.area_mm2:.4g}"
    return (row.preset or "-", number(row.adc_bits), *map(number, whole), area)
