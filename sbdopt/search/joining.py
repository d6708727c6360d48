"""Read blocks that have a place together, where that is legal and saves time."""

from __future__ import annotations

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.schedule import columns_and_rows
from sbdopt.timing import step_cycles

_MOST_ON_ARRAY = 512


def join(blocks: Blocks, places: Places, budget: Budget) -> IntArray:
    """For each block the number of the first block of its step.

    Blocks of operators with the same predecessors (they are ready at the same time) that stand on one array
    are joined one by one to the first step that they may belong to and that becomes shorter than both.
    """
    group = np.arange(len(blocks))
    ready: dict[tuple[int, ...], int] = {}
    key = np.array([ready.setdefault(before, len(ready)) for before in blocks.predecessors], dtype=np.int64)
    where = np.stack([places.kind, places.array])
    _, array = np.unique(where, axis=1, return_inverse=True)
    array = array.reshape(-1)
    together = array * len(ready) + key[blocks.operator] if len(blocks) else array
    _, crowd, size = np.unique(together, return_inverse=True, return_counts=True)
    crowded = np.flatnonzero((size[crowd] > 1) & _roomy(blocks, places, array))
    if not len(crowded):
        return group
    order = np.argsort(array, kind="stable")
    begins = np.searchsorted(array[order], np.arange(int(array.max()) + 2))
    by_crowd = crowded[np.argsort(crowd[crowded], kind="stable")]
    for members in np.split(by_crowd, np.flatnonzero(np.diff(crowd[by_crowd])) + 1):
        if budget.used_up:
            break
        number = int(array[members[0]])
        all_there = order[begins[number] : begins[number + 1]]
        if len(all_there) <= _MOST_ON_ARRAY:
            _join_on_array(blocks, places, members, all_there, group)
    return group


def _roomy(blocks: Blocks, places: Places, array: IntArray) -> BoolArray:
    """Whether blocks stand on arrays with so many empty cells that some step of several blocks may be legal.

    Two blocks of a step that share no row and no column leave their crossings empty: h_i w_j + h_j w_i cells,
    which is at least 2 sqrt(h_i w_i h_j w_j), twice the cells of the smallest block on the array. Blocks
    share rows or columns only if they agree on the input or the output there; where two blocks of an array
    do, its cells are not counted.
    """
    if not len(array):
        return np.zeros(0, dtype=bool)
    kinds = blocks.hardware.arrays
    cells = np.array([kind.rows * kind.columns for kind in kinds])[places.kind]
    used = np.bincount(array, weights=blocks.height * blocks.columns)
    smallest = np.full(len(used), np.iinfo(np.int64).max // 2)
    np.minimum.at(smallest, array, blocks.height * blocks.columns)
    result: BoolArray = cells - used[array] >= 2 * smallest[array]
    per_weight = blocks.hardware.columns_per_weight
    for number, begin, length, offset in (
        (blocks.vector, places.row, blocks.height, places.row - blocks.input),
        (blocks.operator, places.column, blocks.columns, places.column - blocks.output * per_weight),
    ):
        order = np.lexsort((begin, offset, number, array))
        same = begin[order[1:]] < (begin + length)[order[:-1]]
        for key in (array, number, offset):
            same &= key[order[1:]] == key[order[:-1]]
        agree = np.zeros(len(used), dtype=bool)
        agree[array[order[1:]][same]] = True
        result |= agree[array]
    return result


def _join_on_array(
    blocks: Blocks, places: Places, members: IntArray, all_there: IntArray, group: IntArray
) -> None:
    kind = blocks.hardware.arrays[int(places.kind[members[0]])]
    array = int(places.array[members[0]])
    faults = np.array([fault[1:] for fault in kind.faults if fault[0] == array], dtype=np.int64).reshape(
        -1, 4
    )

    def cycles(step: list[int]) -> int:
        inside = np.array(step)
        columns, rows = columns_and_rows(places.column[inside], blocks.columns[inside], blocks.height[inside])
        duration = step_cycles(blocks.hardware, kind.adcs, np.array([columns]), np.array([rows]))
        return int(duration[0])

    steps: list[tuple[list[int], int]] = []
    for block in members.tolist():
        alone = cycles([block])
        for number, (step, spent) in enumerate(steps):
            larger = [*step, block]
            longer = cycles(larger)
            if longer < spent + alone and can_be_read(blocks, places, larger, all_there, faults):
                steps[number] = (larger, longer)
                group[block] = step[0]
                break
        else:
            steps.append(([block], alone))


def can_be_read(
    blocks: Blocks, places: Places, step: list[int], all_there: IntArray, faults: IntArray
) -> bool:
    """Whether blocks on one array may be read in one step: rows and columns agree, crossings are empty."""
    inside = np.array(step)
    row, column = places.row, places.column
    rows = _meet(row[inside], blocks.height[inside], row[inside], blocks.height[inside])
    columns = _meet(column[inside], blocks.columns[inside], column[inside], blocks.columns[inside])
    inputs = np.stack([blocks.vector[inside], row[inside] - blocks.input[inside]])
    per_weight = blocks.hardware.columns_per_weight
    outputs = np.stack([blocks.operator[inside], column[inside] - blocks.output[inside] * per_weight])
    if (rows & (inputs[:, :, None] != inputs[:, None, :]).any(axis=0)).any():
        return False
    if (columns & (outputs[:, :, None] != outputs[:, None, :]).any(axis=0)).any():
        return False
    others = np.setdiff1d(all_there, inside)
    top = np.concatenate([row[others], faults[:, 0]])
    left = np.concatenate([column[others], faults[:, 1]])
    height = np.concatenate([blocks.height[others], faults[:, 2]])
    width = np.concatenate([blocks.columns[others], faults[:, 3]])
    driven = _meet(top, height, row[inside], blocks.height[inside]).any(axis=1)
    read = _meet(left, width, column[inside], blocks.columns[inside]).any(axis=1)
    return not (driven & read).any()


def _meet(begin: IntArray, size: IntArray, other: IntArray, other_size: IntArray) -> BoolArray:
    """Which intervals (rows) share a point with which others (columns)."""
    return (begin[:, None] < other + other_size) & (other < (begin + size)[:, None])
