"""What no solution can beat: `lower_bounds` asks every argument, each of which carries its proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sbdopt.blocks import Blocks
from sbdopt.bounds.arrays import array_bounds, cell_bounds_for_time
from sbdopt.bounds.cells import cell_bounds, position_bound, too_few_arrays
from sbdopt.bounds.moved import moved_bounds, staying_bounds
from sbdopt.bounds.time import interval_bounds, makespan_bounds
from sbdopt.goals import MOVED, Bound

__all__ = ["infeasibility", "lower_bounds", "position_bound"]


def lower_bounds(blocks: Blocks, goal: str, given: Mapping[str, int]) -> Iterator[Bound]:
    """Lower bounds of a goal among all solutions that have no more than `given` of other goals."""
    yield from staying_bounds(blocks, goal, given)
    if goal == MOVED:
        yield from moved_bounds(blocks)
    elif goal == "unused_cells":
        yield from cell_bounds(blocks)
        yield from cell_bounds_for_time(blocks, given)
    elif goal == "arrays":
        yield from array_bounds(blocks, given)
    elif goal == "makespan":
        yield from makespan_bounds(blocks, given)
    elif goal == "interval":
        yield from interval_bounds(blocks, given)


def infeasibility(blocks: Blocks) -> str | None:
    """Why there is no legal placement at all, or None if no argument here shows that."""
    return too_few_arrays(blocks)
