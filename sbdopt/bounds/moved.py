"""Lower bounds where blocks that stand already are to stay: cells that must be written, arrays that stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

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
    arrays with the fewest cells are emptied first. All others are used. If none can be emptied, what their
    cells without the faulty ones cannot hold needs further arrays.
    """
    if blocks.standing is None or MOVED not in given:
        return
    some = np.flatnonzero(blocks.standing.stands)
    where = np.stack([blocks.standing.kind[some], blocks.standing.array[some]])
    arrays, array = np.unique(where, axis=1, return_inverse=True)
    cells = np.bincount(array.reshape(-1), weights=(blocks.height * blocks.columns)[some])
    spare = given[MOVED] - _sure(blocks)
    emptied = int((np.cumsum(np.sort(cells)) <= spare).sum())
    sizes = np.sort(np.array(array_cells(blocks))[arrays[0]])
    staying, further = int(sizes[: len(sizes) - emptied].sum()), 0
    if not emptied:
        beyond = blocks.cells + _faulty(blocks, set(map(tuple, arrays.T.tolist()))) - staying
        further = max(0, -(-beyond // max(array_cells(blocks))))
    limit = ((MOVED, given[MOVED]),)
    if goal == "arrays":
        yield Bound(goal, len(cells) - emptied + further, "arrays that stay in use", limit)
    elif goal == "unused_cells":
        used = staying + further * min(array_cells(blocks))
        yield Bound(goal, max(0, used - blocks.cells), "arrays that stay in use", limit)


def _faulty(blocks: Blocks, arrays: Set[tuple[int, ...]]) -> int:
    """Cells of these arrays that are faulty at least: of faults that may overlap the largest of each."""
    largest: dict[tuple[int, int], int] = {}
    for number, kind in enumerate(blocks.hardware.arrays):
        for array, _, _, height, width in kind.faults:
            key = (number, array)
            if key in arrays:
                largest[key] = max(largest.get(key, 0), height * width)
    return sum(largest.values())


def _sure(blocks: Blocks) -> int:
    """Cells of the blocks that stand nowhere yet."""
    assert blocks.standing is not None
    return int((blocks.height * blocks.columns)[~blocks.standing.stands].sum())
