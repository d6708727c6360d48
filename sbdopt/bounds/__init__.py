"""What no solution can beat: `lower_bounds` asks every argument, each of which carries its proof."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.bounds.cells import cell_bounds, position_bound, too_few_arrays
from sbdopt.bounds.time import interval_bounds, makespan_bounds
from sbdopt.goals import Bound

__all__ = ["infeasibility", "lower_bounds", "position_bound"]


def lower_bounds(blocks: Blocks, goal: str, given: dict[str, int]) -> Iterator[Bound]:
    """Lower bounds of a goal among all solutions that have no more than `given` of other goals."""
    if goal == "unused_cells":
        yield from cell_bounds(blocks)
    elif goal == "makespan":
        yield from makespan_bounds(blocks, given.get("unused_cells"))
    elif goal == "interval":
        yield from interval_bounds(blocks, given.get("unused_cells"))


def infeasibility(blocks: Blocks) -> str | None:
    """Why there is no legal placement at all, or None if no argument here shows that."""
    return too_few_arrays(blocks)
