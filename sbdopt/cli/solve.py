"""`sbdopt solve`: find the best placement and schedule, and say what is proven about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbdopt.cli.interrupts import Interrupts
from sbdopt.cli.options import (
    DEFAULT_GOAL,
    Goal,
    Json,
    MethodName,
    ProblemFile,
    Seed,
    Workers,
    parse_goals,
    parse_limits,
    positive,
)
from sbdopt.cli.output import gap_percent, number, percent, print_bytes, print_table, refuse_target, warn
from sbdopt.cli.progress import shown_progress
from sbdopt.cli.splitting import LARGEST_ADDITION, SplitFiles, print_split, refuse_options, status_of_split
from sbdopt.errors import InputError
from sbdopt.goals import gap

if TYPE_CHECKING:
    from sbdopt.placement import Placement
    from sbdopt.problem import Problem
    from sbdopt.search.budget import Budget
    from sbdopt.solution import Solution
    from sbdopt.solve import Asked
    from sbdopt.standing import Standing


def solve(
    context: typer.Context,
    problem: ProblemFile,
    workers: Workers,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the solution here.")] = None,
    method: MethodName = "auto",
    goal: Goal = DEFAULT_GOAL,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="At most so much of unused_cells, arrays, makespan or interval; may be repeated.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(help="Begin with this solution, repaired if need be.", show_default=False),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="What stands on the arrays already, perhaps of a problem that has changed; goals may then "
            "name moved_cells, the cells to be written.",
            show_default=False,
        ),
    ] = None,
    kept_problem: Annotated[
        Path | None,
        typer.Option(
            help="The problem that --keep solves.", show_default="blocks are taken to have had their sizes"
        ),
    ] = None,
    split: Annotated[
        bool,
        typer.Option(
            "--split",
            help="Cut blocks by columns where that pays; -o X.json then writes the split problem to "
            "X.problem.json as well, and its weights, if there are any, to X.safetensors.",
        ),
    ] = False,
    add_cycles: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=LARGEST_ADDITION,
            help="With --split, cut by rows too: adding the partial sums takes so many cycles for each "
            "doubling of the pieces of a block.",
            show_default="no cuts by rows",
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            callback=positive,
            help="Seconds since the command began.",
            show_default="60, or none with a work limit",
        ),
    ] = None,
    work_limit: Annotated[
        float | None,
        typer.Option(callback=positive, help="Units of work; with one worker, the same result every time."),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Neither progress nor result; errors only.")] = False,
) -> int:
    """Find the best placement and schedule. Ctrl-C keeps the best so far."""
    from sbdopt.problem import Problem
    from sbdopt.search.budget import Budget
    from sbdopt.solve import solve as solve_problem

    seconds = time_limit or (60.0 if work_limit is None else math.inf)
    budget = Budget(seconds=seconds, work=work_limit, workers=workers, begin=context.obj)
    goals, limits = parse_goals(goal), parse_limits(limit or ())
    refuse_target(output, *(path for path in (problem, keep, kept_problem) if path is not None))
    if kept_problem is not None and keep is None:
        raise InputError("--kept-problem says what --keep solves; name that as well")
    refuse_options(split, add_cycles, keep)
    with Interrupts() as interrupts:
        loaded = Problem.load(problem)
        files = SplitFiles(loaded, problem, output) if split else None
        standing = None if keep is None else _standing(loaded, keep, kept_problem)
        begin = None if start is None else _start(loaded, start, budget)
        with nullcontext() if quiet or json else shown_progress(goals, budget) as watch:
            interrupts.search_begins(seconds, budget.elapsed)
            asked: Asked = {
                "method": method,
                "goals": goals,
                "limits": limits,
                "budget": budget,
                "seed": seed,
                "start": begin,
                "watch": watch,
            }
            try:
                if files is None:
                    solution = solve_problem(loaded, standing=standing, **asked)
                else:
                    solution = files.solve(add_cycles, lambda: interrupts.asked, asked)
            except KeyboardInterrupt:  # before the search had begun
                warn(f"{loaded.name}: unknown: there was no time to find anything")
                return 1
            interrupts.search_ended()
        if output is not None and files is not None:
            files.save(output)
        elif output is not None:
            solution.save(output)
        for fault in (solution.solver or {}).get("faults", []):
            warn(f"warning: {fault}")
        if json:
            print_bytes(solution.to_bytes())
        elif not quiet:
            _print_result(solution, goals, budget.elapsed)
    if solution.metrics is not None:
        return 0
    warn(f"{loaded.name}: {solution.status}: {why_nothing(solution, budget.elapsed)}")
    return 1


def _start(problem: Problem, path: Path, budget: Budget) -> Placement | None:
    """The placement to begin with, and a word on what is not as it was."""
    from sbdopt.earlier import start_of
    from sbdopt.solution import Solution

    solution = Solution.load(path)
    start = start_of(problem, solution, budget)
    if start is None:
        warn(f"warning: {path}: not legal, and there is no room to repair it; it is not used")
    return start


def _standing(problem: Problem, path: Path, was: Path | None) -> Standing:
    """The blocks that stand already."""
    from sbdopt.earlier import standing_of
    from sbdopt.problem import Problem
    from sbdopt.solution import Solution

    solution = Solution.load(path)
    if was is None and solution.problem_sha256 != problem.sha256:
        warn(
            f"warning: {path} is of another problem, so that blocks are taken to have had the sizes that "
            "they have now; name that problem with --kept-problem"
        )
    return standing_of(problem, solution, None if was is None else Problem.load(was))


def why_nothing(solution: Solution, seconds: float) -> str:
    """Why there is no solution, as far as is known."""
    solver = solution.solver or {}
    if "infeasible" in solver:
        return str(solver["infeasible"])
    beyond = solver.get("beyond_limits", 0)
    within = f" within the limits ({number(beyond)} beyond them)" if beyond else ""
    return f"nothing{within} was found in {seconds:.1f} s"


def _print_result(solution: Solution, goals: Sequence[str], seconds: float) -> None:
    metrics = solution.metrics
    if metrics is None:
        return
    solver = solution.solver or {}
    ended = ", interrupted" if solver.get("interrupted") else ""
    status = status_of_split(solution, goals) if "split" in solver else solution.status
    print(f"{solution.problem}: {status}, {seconds:.1f} s, method {solver['method']}{ended}")
    print()
    rows = []
    for goal in goals:
        value, bound = solution.value(goal), solution.bound(goal)
        proof = solver["proofs"].get(goal, "-")
        rows.append((goal, number(value), number(bound), gap_percent(gap(value, bound)), proof))
    print_table(("goal", "value", "bound", "gap", "proof"), rows, left=("goal", "proof"))
    print()
    if "split" in solver:
        print_split(solution, goals)
        print()
    moved = {name: solver[name] for name in ("moved_cells", "touched_arrays") if name in solver}
    print_metrics(metrics.model_dump() | moved)


def print_metrics(metrics: dict[str, int | float]) -> None:
    """All metrics, a line each."""
    rows = [
        (name, percent(value) if name == "utilization" else number(int(value)))
        for name, value in metrics.items()
    ]
    print_table(("metric", "value"), rows, left=("metric",))
