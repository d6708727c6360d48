"""Lower bounds where blocks that stand already are to stay: cells that must be written, arrays that stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds.work import array_cells
from sbdopt.goals import MOVED, Bound


def moved_bounds(blocks: Blocks) -> Iterator[Bound]:
    """Blocks that stand nowhere yet - new, of another size, on what has become faulty - must be written."""
    if blocks.standing is not None:
        yield Bound(MOVED, _sure(blocks), "blocks that stand nowhere yet")


def staying_bounds(blocks: Blocks, goal: str, given: Mapping[str, int]) -> Iterator[Bound]:
    """Lower bounds of arrays and unused cells of solutions that move no more cells than are given.

    An array is free of blocks that stand there only if all of them move. So beside the cells that must be
    written anyway, those of every array that is emptied are moved: at most so many are as fit when the
    arrays with the fewest cells are emptied first. All others are used.
    """
    if blocks.standing is None or MOVED not in given:
        return
    some = np.flatnonzero(blocks.standing.stands)
    where = np.stack([blocks.standing.kind[some], blocks.standing.array[some]])
    arrays, array = np.unique(where, axis=1, return_inverse=True)
    cells = np.bincount(array.reshape(-1), weights=(blocks.height * blocks.columns)[some])
    spare = given[MOVED] - _sure(blocks)
    emptied = int((np.cumsum(np.sort(cells)) <= spare).sum())
    limit = ((MOVED, given[MOVED]),)
    if goal == "arrays":
        yield Bound(goal, len(cells) - emptied, "arrays that stay in use", limit)
    elif goal == "unused_cells":
        sizes = np.sort(np.array(array_cells(blocks))[arrays[0]])
        staying = int(sizes[: len(sizes) - emptied].sum())
        yield Bound(goal, max(0, staying - blocks.cells), "arrays that stay in use", limit)


def _sure(blocks: Blocks) -> int:
    """Cells of the blocks that stand nowhere yet."""
    assert blocks.standing is not None
    return int((blocks.height * blocks.columns)[~blocks.standing.stands].sum())
