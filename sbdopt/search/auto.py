"""What to do with a problem, by its size."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.goals import MOVED, Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.exact import exact
from sbdopt.search.greedy import greedy
from sbdopt.search.method import Finding, Found
from sbdopt.search.pack import pack
from sbdopt.search.repair import repaired
from sbdopt.search.score import score


def auto(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Packing where cells come first, else constructions; then the exact model where the problem is small.

    Where blocks stand already, the first of these leave them there.

    Whoever calls it stops as soon as every goal equals its bound.
    """
    best, best_key = None, None
    if start is not None:
        best, best_key = start, _key(blocks, goals, start)
    if blocks.standing is not None:
        for found in repaired(blocks, budget):
            yield found
            key = _key(blocks, goals, found.placement)
            if best_key is None or key < best_key:
                best, best_key = found.placement, key
    if goals[0] == MOVED and best is not None:
        return
    for finding in _constructed(blocks, goals, budget, seed):
        yield finding
        if isinstance(finding, Found):
            key = _key(blocks, goals, finding.placement)
            if best_key is None or key < best_key:
                best, best_key = finding.placement, key
    if not budget.used_up:
        yield from exact(blocks, goals, budget, seed, best)


def _key(blocks: Blocks, goals: Goals, placement: Placement) -> tuple[int, ...]:
    """What is better has the smaller key; what is beyond the limits is worse than anything within."""
    values = score(blocks, placement)
    return (not goals.allow(values), *(values[goal] for goal in goals))


def _constructed(blocks: Blocks, goals: Goals, budget: Budget, seed: int) -> Iterator[Finding]:
    """Packing where cells come first, else or where that finds nothing within the limits constructions."""
    found = False
    if goals[0] in ("unused_cells", "arrays"):
        for finding in pack(blocks, goals, budget, seed, None):
            yield finding
            found |= isinstance(finding, Found) and goals.allow(score(blocks, finding.placement))
    if not found:
        yield from greedy(blocks, goals, budget, seed, None)
