"""What to do with a problem, by its size."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.goals import MOVED, Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.exact import exact
from sbdopt.search.improve import improve
from sbdopt.search.method import Finding, Found
from sbdopt.search.repair import repaired
from sbdopt.search.score import key


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
    for finding in improve(blocks, goals, budget, seed, best):
        yield finding
        if isinstance(finding, Found):
            mine = key(blocks, goals, finding.placement)
            if best_key is None or mine < best_key:
                best, best_key = finding.placement, mine
    if not budget.used_up:
        yield from exact(blocks, goals, budget, seed, best)

