"""Arrays, steps and places of a few blocks exchanged at random, with places that are found at once."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.greedy import greedy
from sbdopt.search.method import Finding, Found
from sbdopt.search.score import key

MOST_BLOCKS = 100
"""Every move looks at all of them."""
_SHARE, _SHARE_OF_MANY, _MANY = 0.2, 0.4, 30
"""Part of what is left of the budget, where an exact search follows; that is quick for a few blocks only."""


def share_before_exact(blocks: Blocks) -> float:
    """The part of what is left of the budget that is well spent before an exact search."""
    return _SHARE_OF_MANY if pays_beside_exact(blocks) else _SHARE


def pays_beside_exact(blocks: Blocks) -> bool:
    """Whether annealing is better gone on with than the model of everything searched."""
    return len(blocks) > _MANY


def anneal(
    blocks: Blocks,
    goals: Goals,
    budget: Budget,
    seed: int,
    start: Placement | None,
    *,
    share: float = 1.0,
    stopped: BoolArray | None = None,
) -> Iterator[Finding]:
    """From a start, or the best construction, on; for up to `MOST_BLOCKS`, if time is a goal or limited.

    Takes no more than that share of what is left of the budget, and ends when `stopped`, an array of one
    truth, becomes true.

    First on the arrays of the start as fast as can be; then, if time comes first, on fewer. There is nothing
    but the constructions for more blocks, for arrays of many lines, and where there is hardly time to compile
    the search.
    """
    part = budget.part(share)
    for finding in greedy(blocks, goals, part, seed, None) if start is None else ():
        yield finding
        if isinstance(finding, Found):
            mine = finding.placement
            better = start is None or key(blocks, goals, mine) < key(blocks, goals, start)
            start = mine if better else start
    if start is not None and 1 < len(blocks) <= MOST_BLOCKS and not part.is_short:
        from sbdopt.search.annealing.rounds import rounds  # loads Numba

        yield from rounds(blocks, goals, part, seed, start, stopped)
    budget.spent = part.spent
