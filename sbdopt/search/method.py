"""What a method is: a callable that yields whatever it finds or proves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sbdopt.blocks import Blocks
from sbdopt.goals import Bound, Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget


@dataclass(frozen=True)
class Found:
    """A placement that the method holds to be legal."""

    placement: Placement


@dataclass(frozen=True)
class Infeasible:
    """A proof that there is no legal placement."""

    reason: str


Finding = Found | Bound | Infeasible

Method = Callable[[Blocks, Goals, Budget, int, Placement | None], Iterator[Finding]]
"""`(blocks, goals, budget, seed, start)`: yields findings; who calls it judges them and keeps the best."""
