"""What to do with a problem, by its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sbdopt.blocks import Blocks
from sbdopt.goals import MOVED, Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.exact import MOST_BLOCKS, exact
from sbdopt.search.improve import improve
from sbdopt.search.method import Finding, Found
from sbdopt.search.repair import repaired
from sbdopt.search.score import key

_SHARE = 0.1
"""Part of the budget that the local search may take where an exact search follows."""


def auto(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """The constructions and a local search, then the exact model where the problem is small enough.

    Where blocks stand already, the first of these leave them there.

    Whoever calls it stops as soon as every goal equals its bound.
    """
    best, best_key = None, None
    if start is not None:
        best, best_key = start, key(blocks, goals, start)
    if blocks.standing is not None:
        for found in repaired(blocks, budget):
            yield found
            mine = key(blocks, goals, found.placement)
            if best_key is None or mine < best_key:
                best, best_key = found.placement, mine
    if goals[0] == MOVED and best is not None:
        return
    share = _before_exact(budget) if len(blocks) <= MOST_BLOCKS else budget
    for finding in improve(blocks, goals, share, seed, best):
        yield finding
        if isinstance(finding, Found):
            mine = key(blocks, goals, finding.placement)
            if best_key is None or mine < best_key:
                best, best_key = finding.placement, mine
    budget.spent = share.spent
    if not budget.used_up:
        yield from exact(blocks, goals, budget, seed, best)


def _before_exact(budget: Budget) -> Budget:
    """The part of a budget that the local search may take where an exact search follows."""
    work = None if budget.work is None else budget.spent + _SHARE * (budget.remaining_work or 0)
    return replace(budget, seconds=budget.elapsed + _SHARE * budget.remaining, work=work)
