"""Placement and schedule by CP-SAT with the full meaning of the format: as one model, and in parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.method import Finding, Found

MOST_BLOCKS = 100


def exact(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """The best solution that there is, given time - for up to `MOST_BLOCKS`; finds nothing for more.

    Goals from moved cells on are not looked at.

    The model has a literal for every pair of blocks and clauses for triples: with more blocks it would be
    too large to be built, let alone solved.
    """
    if len(blocks) > MOST_BLOCKS:
        return
    if not len(blocks):
        yield Found(Placement(*np.zeros((5, 0), dtype=np.int64)))
        return
    if start is not None and budget.is_short:
        return
    from sbdopt.search.exact.driver import exact_findings  # OR-Tools takes long to import

    yield from exact_findings(blocks, goals, budget, seed, start)
