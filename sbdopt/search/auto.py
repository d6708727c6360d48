"""What to do with a problem, by its size."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.goals import MOVED, Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.exact import MOST_BLOCKS, exact
from sbdopt.search.improve import improve
from sbdopt.search.method import Finding, Found, Method
from sbdopt.search.pack import pack
from sbdopt.search.repair import repaired
from sbdopt.search.score import key
from sbdopt.search.sharing import share

_SHARE = 0.1
"""Part of the budget that the local search may take where an exact search follows."""


def auto(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Packing and sharing out where cells come first, a local search, then the exact model if it is small.

    Where blocks stand already, the first of these leave them there.

    Whoever calls it stops as soon as every goal equals its bound.
    """
    best, best_key = None, None
    if start is not None:
        best, best_key = start, key(blocks, goals, start)
    for stage in _stages(blocks, goals):
        if budget.used_up:
            return
        for finding in stage(blocks, goals, budget, seed, best):
            yield finding
            if isinstance(finding, Found):
                mine = key(blocks, goals, finding.placement)
                if best_key is None or mine < best_key:
                    best, best_key = finding.placement, mine
        if stage is _kept and goals[0] == MOVED and best is not None:
            return


def _stages(blocks: Blocks, goals: Goals) -> Iterator[Method]:
    """What is run, one after the other, each from the best so far."""
    if blocks.standing is not None:
        yield _kept
    if goals[0] in ("unused_cells", "arrays"):
        yield pack
        if len(blocks) > MOST_BLOCKS:
            yield share
    if len(blocks) > MOST_BLOCKS:
        yield _improved
    else:
        yield _improved_for_a_while
        yield exact


def _kept(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    yield from repaired(blocks, budget)


def _improved(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    packed = goals[0] in ("unused_cells", "arrays")
    yield from improve(blocks, goals, budget, seed, start, packed=packed)


def _improved_for_a_while(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    part = budget.part(_SHARE)
    yield from improve(blocks, goals, part, seed, start)
    budget.spent = part.spent
