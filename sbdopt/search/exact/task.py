"""What the exact methods are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sbdopt.search.exact.relations import Relations


@dataclass(frozen=True)
class Task:
    """To minimise one goal within limits of others, or to show that nothing is better than the best."""

    goal: str
    limits: Mapping[str, int]
    known: int
    """Nothing is below that."""
    best: int | None
    """Only less is of interest; None: anything."""
    horizon: int
    """No solution of interest takes longer."""
    spans: Mapping[tuple[int, ...], int] = field(default_factory=dict)
    """For sets of operators the least sum of their cycles from ready to finished, if that is known."""

    def unused(self, relations: Relations) -> int:
        """No solution of interest has more unused cells."""
        room = sum(slot.cells for slot in relations.slots) - relations.blocks.cells
        return min(room, self.limits.get("unused_cells", room))
