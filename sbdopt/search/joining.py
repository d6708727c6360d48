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
    cells = np.array([kind.cells for kind in kinds])[places.kind]
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

    pairs = _possible_pairs(blocks, places, members, all_there, faults)
    if not pairs.any():
        return
    place = {block: number for number, block in enumerate(members.tolist())}
    steps: list[tuple[list[int], int]] = []
    for block in members.tolist():
        alone = cycles([block])
        for number, (step, spent) in enumerate(steps):
            if len(step) == 1 and not pairs[place[step[0]], place[block]]:
                continue
            larger = [*step, block]
            longer = cycles(larger)
            if longer < spent + alone and can_be_read(blocks, places, larger, all_there, faults):
                steps[number] = (larger, longer)
                group[block] = step[0]
                break
        else:
            steps.append(([block], alone))


def _possible_pairs(
    blocks: Blocks, places: Places, members: IntArray, all_there: IntArray, faults: IntArray
) -> BoolArray:
    """Which two of some blocks on an array may make a step: their crossings are empty, or they share lines.

    What is taken is counted on a grid of all edges, and summed up from its corner.
    """
    top = np.concatenate([places.row[all_there], faults[:, 0]])
    left = np.concatenate([places.column[all_there], faults[:, 1]])
    bottom = top + np.concatenate([blocks.height[all_there], faults[:, 2]])
    right = left + np.concatenate([blocks.columns[all_there], faults[:, 3]])
    rows, columns = np.unique(np.concatenate([top, bottom])), np.unique(np.concatenate([left, right]))
    taken = np.zeros((len(rows) + 1, len(columns) + 1), dtype=np.int64)
    for sign, down, across in ((1, top, left), (-1, bottom, left), (-1, top, right), (1, bottom, right)):
        at = np.searchsorted(rows, down) + 1, np.searchsorted(columns, across) + 1
        np.add.at(taken, at, sign)
    sums = (taken.cumsum(axis=0).cumsum(axis=1) > 0).cumsum(axis=0).cumsum(axis=1)
    row, column = places.row[members], places.column[members]
    height, width = blocks.height[members], blocks.columns[members]
    above, below = np.searchsorted(rows, row)[:, None], np.searchsorted(rows, row + height)[:, None]
    before, after = np.searchsorted(columns, column), np.searchsorted(columns, column + width)
    crossing = sums[below, after] - sums[above, after] - sums[below, before] + sums[above, before]
    shared = _meet(row, height, row, height) | _meet(column, width, column, width)
    empty = (crossing == 0) & (crossing.T == 0)
    result: BoolArray = np.where(shared, _agree(blocks, places, members), empty)
    return result


def _agree(blocks: Blocks, places: Places, members: IntArray) -> BoolArray:
    """Which two blocks read the same input on a row where they meet, and the same output on a column."""
    per_weight = blocks.hardware.columns_per_weight
    row, column = places.row[members], places.column[members]
    rows = _meet(row, blocks.height[members], row, blocks.height[members])
    columns = _meet(column, blocks.columns[members], column, blocks.columns[members])
    inputs = np.stack([blocks.vector[members], row - blocks.input[members]])
    outputs = np.stack([blocks.operator[members], column - blocks.output[members] * per_weight])
    same_input = (inputs[:, :, None] == inputs[:, None, :]).all(axis=0)
    same_output = (outputs[:, :, None] == outputs[:, None, :]).all(axis=0)
    result: BoolArray = (~rows | same_input) & (~columns | same_output)
    return result


def can_be_read(
    blocks: Blocks, places: Places, step: list[int], all_there: IntArray, faults: IntArray
) -> bool:
    """Whether blocks on one array may be read in one step: rows and columns agree, crossings are empty."""
    inside = np.array(step)
    row, column = places.row, places.column
    if not _agree(blocks, places, inside).all():
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
