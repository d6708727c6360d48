"""`sbdopt trace`: a schedule for a viewer of traces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sbdopt.cli.options import ProblemFile, SolutionFile
from sbdopt.cli.output import refuse_target


def trace(
    problem: ProblemFile,
    solution: SolutionFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Write the trace here.", show_default=False)],
) -> int:
    """Write the schedule as a Chrome trace, for ui.perfetto.dev or chrome://tracing; a cycle is 1 us."""
    from sbdopt.blocks import Blocks
    from sbdopt.check import legal_placement
    from sbdopt.documents import write_atomically
    from sbdopt.problem import Problem
    from sbdopt.solution import Solution
    from sbdopt.trace import trace as trace_schedule

    refuse_target(output, problem, solution)
    blocks = Blocks.of(Problem.load(problem))
    placement = legal_placement(blocks, Solution.load(solution), str(solution))
    write_atomically(output, trace_schedule(blocks, placement))
    print(f"written: {output}")
    return 0
