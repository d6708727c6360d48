"""What must be written where an earlier solution is kept."""

from __future__ import annotations

from dataclasses import dataclass

from sbdopt.blocks import Blocks
from sbdopt.placement import Placement


@dataclass(frozen=True)
class Moved:
    """Cells to be written, and arrays in which any are. Cells that are only no longer used do not count."""

    moved_cells: int
    """Cells of the blocks that do not stand where they stood already."""
    touched_arrays: int


def moved(blocks: Blocks, placement: Placement) -> Moved | None:
    """What a complete placement moves; None if nothing is to be kept."""
    before = blocks.standing
    if before is None:
        return None
    written = ~before.stands
    for name in ("kind", "array", "row", "column"):
        written |= getattr(before, name) != getattr(placement, name)
    cells = (blocks.height * blocks.columns)[written]
    touched = set(zip(placement.kind[written].tolist(), placement.array[written].tolist(), strict=True))
    return Moved(moved_cells=int(cells.sum()), touched_arrays=len(touched))
