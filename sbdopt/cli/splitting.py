"""What `sbdopt solve --split` does that `sbdopt solve` does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sbdopt.cli.output import gap_percent, number, print_table, refuse_target
from sbdopt.errors import InputError
from sbdopt.goals import gap

if TYPE_CHECKING:
    from sbdopt.problem import Problem
    from sbdopt.solution import Solution
    from sbdopt.solve import Asked
    from sbdopt.split import SplitSolution

LARGEST_ADDITION: Final = 2**31 - 1
"""Cycles of a level of additions; a problem may name as many as all levels take together."""


def refuse_options(split: bool, add_cycles: int | None, keep: Path | None) -> None:
    """Refuse options that make no sense together."""
    if split and keep is not None:
        raise InputError("--split makes other blocks than those that --keep keeps; name one of them only")
    if add_cycles is not None and not split:
        raise InputError("--add-cycles says what cuts by rows cost; name --split as well")


class SplitFiles:
    """The search for a split, and the files that come of it."""

    def __init__(self, problem: Problem, path: Path, output: Path | None) -> None:
        """Refuse weights that cannot be used, and files that cannot be written, before any work is done."""
        from sbdopt.split import split_paths
        from sbdopt.weights.store import read_weights

        self._problem = problem
        self._made: SplitSolution | None = None
        self._weights = None
        self._weights_name: str | None = None
        if output is None:
            return
        problem_path, weights_path = split_paths(output)
        source = problem.weights_path
        for target in (problem_path, weights_path) if source is not None else (problem_path,):
            refuse_target(target, path, *(() if source is None else (source,)))
        if source is not None:
            self._weights, self._weights_name = read_weights(problem, source), weights_path.name

    def solve(self, add_cycles: int | None, stop: Callable[[], bool], asked: Asked) -> Solution:
        """The solution of the best split; `asked` is what `solve` is asked as well."""
        from sbdopt.split import split

        self._made = split(
            self._problem, add_cycles=add_cycles, weights=self._weights_name, stop=stop, **asked
        )
        return self._made.solution

    def save(self, output: Path) -> None:
        """Write what was found: the split problem, its weights, the solution."""
        from sbdopt.split import save_split

        if self._made is not None:
            save_split(self._problem, self._made.split, self._made.solution, output, self._weights)


def status_of_split(solution: Solution, goals: Sequence[str]) -> str:
    """The status, and whether it is one of all cuts or only of those that were made."""
    bounds = (solution.solver or {})["split"]["bounds"]
    if all(solution.value(goal) == bounds.get(goal) for goal in goals):
        return "optimal of all cuts"
    return f"{solution.status} for these cuts"


def print_split(solution: Solution, goals: Sequence[str]) -> None:
    """What cutting cost and brought, and what no split can beat."""
    summary = (solution.solver or {})["split"]
    cost = "" if "additions" not in summary else f" and {number(summary['additions'])} additions"
    print(f"split: {number(summary['blocks'])} blocks into {number(summary['pieces'])} pieces{cost}")
    print(f"bounds: of all cuts by {summary['cuts']}")
    print()
    rows = []
    for goal in goals:
        value, bound = solution.value(goal), summary["bounds"].get(goal)
        proof = summary["proofs"].get(goal, "-")
        before = number(summary["whole"][goal])
        rows.append((goal, before, number(value), number(bound), gap_percent(gap(value, bound)), proof))
    before, after = number(summary["drives_before"]), number(summary["drives_after"])
    rows.append(("drives", before, after, "-", "-", "-"))
    print_table(("", "whole", "split", "bound", "gap", "proof"), rows, left=("", "proof"))
