"""One CP-SAT model of placement and schedule with the full meaning of the format."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.method import Finding, Found


def exact(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Every best solution that there is, given time; meant for some dozens of blocks."""
    if not len(blocks):
        yield Found(Placement(*np.zeros((5, 0), dtype=np.int64)))
        return
    from sbdopt.search.exact.driver import exact_findings  # OR-Tools takes long to import

    yield from exact_findings(blocks, goals, budget, seed, start)
