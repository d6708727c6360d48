"""What to do with a problem, by its size."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.exact import exact
from sbdopt.search.greedy import greedy
from sbdopt.search.method import Finding, Found
from sbdopt.search.pack import pack
from sbdopt.search.score import score


def auto(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Packing where cells come first, else constructions; then the exact model where the problem is small.

    Whoever calls it stops as soon as every goal equals its bound.
    """
    best, best_key = start, None
    if start is not None:
        best_key = tuple(score(blocks, start)[goal] for goal in goals)
        yield Found(start)
    for finding in _constructed(blocks, goals, budget, seed):
        yield finding
        if isinstance(finding, Found):
            key = tuple(score(blocks, finding.placement)[goal] for goal in goals)
            if best_key is None or key < best_key:
                best, best_key = finding.placement, key
    if not budget.used_up:
        yield from exact(blocks, goals, budget, seed, best)


def _constructed(blocks: Blocks, goals: Goals, budget: Budget, seed: int) -> Iterator[Finding]:
    found = False
    if goals[0] == "unused_cells":
        for finding in pack(blocks, goals, budget, seed, None):
            yield finding
            found |= isinstance(finding, Found)
    if not found:
        yield from greedy(blocks, goals, budget, seed, None)
