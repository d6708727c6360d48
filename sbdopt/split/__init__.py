"""Cut blocks into pieces where that pays: by columns, for more converters, or by rows, for fewer phases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Unpack

from sbdopt.blocks import Blocks
from sbdopt.errors import InputError
from sbdopt.goals import DEFAULT_GOALS, Goals
from sbdopt.problem import Problem
from sbdopt.search.budget import Budget
from sbdopt.solution import Solution
from sbdopt.solve import Asked, check_goals, check_method, solve
from sbdopt.split.bounds import SplitBounds
from sbdopt.split.cutting import Choice, Cut, Pieces, Split, cut
from sbdopt.split.files import save_split, split_paths
from sbdopt.split.search import Candidate, Search

__all__ = ["Cut", "Pieces", "Split", "SplitSolution", "cut", "save_split", "split", "split_paths"]


@dataclass(frozen=True, eq=False)
class SplitSolution:
    """A split of a problem, and a solution of the split problem."""

    split: Split
    solution: Solution
    """Under `solver.split` stands what cutting cost and brought, and what bounds all splits."""


def split(
    problem: Problem,
    *,
    add_cycles: int | None = None,
    weights: str | None = None,
    stop: Callable[[], bool] = lambda: False,
    **asked: Unpack[Asked],
) -> SplitSolution:
    """Find cuts of a problem's blocks, and a solution of what they make, never worse than without cuts.

    Blocks are cut by columns; with `add_cycles` by rows too, and then a digital addition of so many cycles
    for each doubling of the pieces of a block follows (see `cut`). Of solutions that are equal in all goals
    the one with the fewest pieces is taken, so that nothing is cut for nothing. `start` is a solution of the
    whole blocks; `weights` is what the split problem calls its file of weights. `stop` is asked between
    searches whether to end early. All else that may be asked is as in `solve`, errors too; InputError for a
    negative `add_cycles` and for a goal moved_cells.
    """
    method = asked.get("method", "auto")
    goals, limits = asked.get("goals", DEFAULT_GOALS), asked.get("limits")
    check_method(method)
    check_goals(goals, limits)
    if add_cycles is not None and add_cycles < 0:
        raise InputError(f"an addition takes {add_cycles} cycles; it must be at least 0")
    budget = asked.get("budget") or Budget()
    order = Goals(tuple(goals), dict(limits or {}))

    def solved(pieces: Problem, **changed: Unpack[Asked]) -> Solution:
        together: Asked = {**asked, **changed}
        return solve(pieces, **together)

    def made(choice: Choice) -> Split:
        return cut(problem, choice, add_cycles=add_cycles or 0, weights=weights)

    bounds = SplitBounds(Blocks.of(problem), add_cycles)
    search = Search(
        order, budget, make=made, solver=solved, bounds=bounds, watch=asked.get("watch"), stop=stop
    )
    interrupted = False
    try:
        search.run(method, asked.get("start"))
    except KeyboardInterrupt:
        interrupted = not budget.used_up
    first = search.first
    if first is None:
        raise KeyboardInterrupt
    best = first if search.best is None else search.best
    solution = _described(search, first, best, method, budget, interrupted or stop())
    return SplitSolution(best.split, solution)


def _described(
    search: Search, first: Candidate, best: Candidate, method: str, budget: Budget, interrupted: bool
) -> Solution:
    """The solution of the best split, with what cutting cost and brought, and what bounds all splits."""
    solver = dict(best.solution.solver or {}) | {"method": method, "split": _summary(search, first, best)}
    solver |= {"seconds": round(budget.elapsed, 3)} if budget.work is None else {"work": budget.work}
    if search.faults:
        solver["faults"] = list(dict.fromkeys(search.faults))
    if interrupted:
        solver["interrupted"] = True
    if best.solution.metrics is not None:
        return best.solution.model_copy(update={"solver": solver})
    reason = search.bounds.infeasibility()
    solver.pop("infeasible", None)
    if reason is not None:
        solver["infeasible"] = reason
    status = "unknown" if reason is None else "infeasible"
    return best.solution.model_copy(update={"solver": solver, "status": status})


def _summary(search: Search, first: Candidate, best: Candidate) -> dict[str, object]:
    """What stands under `solver.split`: all numbers are of goals, blocks, drives or cycles."""
    bounds, before = search.bounds, first.solution
    summary: dict[str, object] = {
        "cuts": "columns" if bounds.add_cycles is None else "columns and rows",
        "blocks": len(bounds.blocks),
        "pieces": len(best.split.pieces.block),
        "whole": {goal: before.value(goal) for goal in search.goals},
        "bounds": {goal: bound.value for goal, bound in search.proofs.items()},
        "proofs": {goal: bound.reason for goal, bound in search.proofs.items()},
        "drives_before": None if before.metrics is None else before.metrics.drives,
        "drives_after": None if best.solution.metrics is None else best.solution.metrics.drives,
    }
    if bounds.add_cycles is not None:
        summary["add_cycles"] = bounds.add_cycles
        summary["additions"] = len(best.split.problem.operators) - len(bounds.blocks.predecessors)
    return summary
