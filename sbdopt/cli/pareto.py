"""`sbdopt pareto`: all trade-offs of arrays and makespan that are not beaten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.interrupts import Interrupts
from sbdopt.cli.options import Json, MethodName, ProblemFile, Seed, Workers, positive
from sbdopt.cli.output import gap_percent, number, print_bytes, print_table, refuse_target, warn
from sbdopt.cli.solve import why_nothing
from sbdopt.goals import gap

if TYPE_CHECKING:
    from sbdopt.front import Front
    from sbdopt.pareto import Solved
    from sbdopt.problem import Problem


def pareto(
    problem: ProblemFile,
    workers: Workers,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Write the front here, and its solutions to a folder beside it; gone on with if it exists.",
            show_default=False,
        ),
    ] = None,
    points: Annotated[int, typer.Option(min=1, help="Solve at most so many points.")] = 16,
    time_limit: Annotated[float, typer.Option(callback=positive, help="Seconds for each point.")] = 10.0,
    method: MethodName = "auto",
    seed: Seed = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the front: .png or .svg.", show_default=False)
    ] = None,
    json: Json = False,
) -> int:
    """Find all trade-offs of arrays and makespan. Ctrl-C keeps what is done."""
    from sbdopt.pareto import NothingFoundError, front_of, load_front, save_front, solutions_folder
    from sbdopt.pareto import pareto as pareto_of
    from sbdopt.problem import Problem
    from sbdopt.search.budget import Budget

    for target in (output, plot):
        refuse_target(target, problem)
    if plot is not None:
        from sbdopt.plot import check_suffix

        check_suffix(plot)
    loaded = Problem.load(problem)
    known = load_front(loaded, output) if output is not None and output.exists() else ()

    def budget() -> Budget:
        return Budget(seconds=time_limit, workers=workers)

    walk = pareto_of(loaded, method=method, points=points, budget=budget, seed=seed, known=known)
    solved: tuple[Solved, ...] = known
    said: set[str] = set()
    with Interrupts() as interrupts:
        try:
            for more in interrupts.each(walk, time_limit):
                for line in map(_said, more):
                    if line not in said:
                        warn(line)
                    said.add(line)
                if output is not None:
                    save_front(loaded, more, output, saved=solved)
                solved = more
        except NothingFoundError as nothing:
            warn(f"{loaded.name}: {nothing.solution.status}: {why_nothing(nothing.solution, time_limit)}")
            return 1
        if not solved:
            warn(f"{loaded.name}: unknown: interrupted before anything was found")
            return 1
        folder = None if output is None else solutions_folder(output).name
        front = front_of(loaded, solved, folder)
        _show(front, loaded, plot, json)
    return 0


def _said(one: Solved) -> str:
    best = f"{number(one.arrays)} arrays, makespan {number(one.makespan)}"
    return f"at most {number(one.limit)} arrays: {best} (bound {number(one.makespan_bound)})"


def _show(front: Front, problem: Problem, plot: Path | None, json: bool) -> None:
    if plot is not None:
        from sbdopt.plot import draw_front, save_figure

        save_figure(draw_front(front), plot)
    if json:
        print_bytes(front.to_bytes())
        return
    rows = [
        (
            number(point.arrays),
            number(point.arrays_bound),
            number(point.makespan),
            number(point.makespan_bound),
            gap_percent(gap(point.makespan, point.makespan_bound)),
            "proven" if point.proven else "feasible",
            *([] if point.solution is None else [point.solution]),
        )
        for point in front.unbeaten
    ]
    limits = ", ".join(number(point.limit) for point in front.points)
    missing = "no trade-off is missing" if front.complete else "others may be missing"
    print(f"{front.problem}: {len(rows)} of {len(front.points)} points are not beaten; {missing}")
    print(f"solved for at most {limits} arrays")
    print()
    header = ["arrays", "bound", "makespan", "bound", "gap", "status"]
    header += [] if front.points[0].solution is None else ["solution"]
    print_table(header, rows, left=("status", "solution"))
