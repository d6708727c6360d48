"""One CP-SAT model of placement and schedule with the full meaning of the format."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.method import Finding


def exact(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Every best solution that there is, given time; meant for some dozens of blocks."""
    if not len(blocks):
        return
    from sbdopt.search.exact.driver import exact_findings  # OR-Tools takes long to import

    yield from exact_findings(blocks, goals, budget, seed, start)
