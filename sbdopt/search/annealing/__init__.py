"""Arrays, steps and places of a few blocks exchanged at random, with places that are found at once."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.compiled import COMPILING
from sbdopt.search.method import Finding

MOST_BLOCKS = 100


def anneal(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """From a start, or the best construction, on; for up to `MOST_BLOCKS`, if time is a goal or limited.

    First on the arrays of the start as fast as can be; then, if time comes first, on fewer. Finds nothing
    for arrays of many lines, nor where there is hardly time to compile the search.
    """
    if 1 < len(blocks) <= MOST_BLOCKS and budget.remaining > COMPILING:
        from sbdopt.search.annealing.rounds import rounds  # loads Numba

        yield from rounds(blocks, goals, budget, seed, start)
