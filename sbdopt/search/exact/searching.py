"""A compiled search for places of a few blocks on one array; see `fits` for what it decides."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sbdopt.documents import BoolArray, IntArray

Mask = np.uint64
"""A bit for each column."""
Masks = NDArray[np.uint64]
"""Places of a block: for each row a mask of columns at which it may begin."""

MOST_COLUMNS = 63
"""Columns that a mask of 64 bits can hold, and one to spare."""


@njit(cache=True)
def _count(mask: Mask) -> np.int64:
    """Bits that are set."""
    mask = mask - ((mask >> np.uint64(1)) & np.uint64(0x5555555555555555))
    mask = (mask & np.uint64(0x3333333333333333)) + ((mask >> np.uint64(2)) & np.uint64(0x3333333333333333))
    mask = (mask + (mask >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((mask * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True)
def _bits(begin: int, end: int) -> Mask:
    """Bits begin .. end - 1, of those that there are."""
    begin, end = max(begin, 0), min(end, 63)
    if begin >= end:
        return np.uint64(0)
    return ((np.uint64(1) << np.uint64(end)) - np.uint64(1)) & ~(
        (np.uint64(1) << np.uint64(begin)) - np.uint64(1)
    )


@njit(cache=True)
def _avoid(places: Masks, height: int, width: int, top: int, bottom: int, left: int, right: int) -> None:
    """Take away the places at which a block meets rows top .. bottom - 1 and columns left .. right - 1."""
    apart = ~_bits(left - width + 1, right)
    for row in range(max(top - height + 1, 0), min(bottom, len(places))):
        places[row] &= apart


@njit(cache=True)
def _meet(one: int, size: int, other: int, other_size: int) -> bool:
    return one < other + other_size and other < one + size


@njit(cache=True)
def _keep_steps(
    places: Masks,
    unplaced: int,
    placed: int,
    count: int,
    order: IntArray,
    height: IntArray,
    width: IntArray,
    step: IntArray,
    row: IntArray,
    column: IntArray,
) -> None:
    """Take places of `unplaced` away that break isolation or agreement with what has just been placed."""
    rows, columns = len(places), MOST_COLUMNS
    h, w = height[unplaced], width[unplaced]
    for q in range(count):
        member, other = order[q], placed
        for _ in range(2):  # the new block as the other one, then as the member
            if step[member] >= 0 and step[member] == step[unplaced] and step[other] != step[member]:
                if _meet(column[other], width[other], column[member], width[member]):
                    _avoid(places, h, w, row[other], row[other] + height[other], 0, columns)
                if _meet(row[other], height[other], row[member], height[member]):
                    _avoid(places, h, w, 0, rows, column[other], column[other] + width[other])
            member, other = other, member
        member = order[q]
        if step[placed] >= 0 and step[member] == step[placed] and step[unplaced] != step[placed]:
            _avoid(
                places,
                h,
                w,
                row[placed],
                row[placed] + height[placed],
                column[member],
                column[member] + width[member],
            )
            _avoid(
                places,
                h,
                w,
                row[member],
                row[member] + height[member],
                column[placed],
                column[placed] + width[placed],
            )


@njit(cache=True)
def _first_places(height: IntArray, width: IntArray, rows: int, columns: int) -> Masks:
    """Where each block may stand: on sums of heights and of widths of others (normal patterns)."""
    count = len(height)
    places = np.zeros((count, rows), np.uint64)
    for i in range(count):
        down, across = np.zeros(rows + 1, np.bool_), np.zeros(columns + 1, np.bool_)
        down[0], across[0] = True, True
        for j in range(count):
            if j != i:
                for r in range(rows, height[j] - 1, -1):
                    down[r] |= down[r - height[j]]
                for c in range(columns, width[j] - 1, -1):
                    across[c] |= across[c - width[j]]
        mask = np.uint64(0)
        for c in range(columns - width[i] + 1):
            if across[c]:
                mask |= np.uint64(1) << np.uint64(c)
        for r in range(rows - height[i] + 1):
            if down[r]:
                places[i, r] = mask
    return places


@njit(cache=True)
def _turn_over(
    places: Masks, height: IntArray, width: IntArray, twin: IntArray, rows: int, columns: int
) -> None:
    """The largest block stands in the upper half, and in the left one if there is only one like it."""
    largest, alone = 0, True
    for i in range(len(height)):
        if height[i] * width[i] > height[largest] * width[largest]:
            largest = i
    for i in range(len(height)):
        alone &= twin[i] != largest
    for r in range(rows):
        if 2 * r > rows - height[largest]:
            places[largest, r] = np.uint64(0)
        elif alone:
            places[largest, r] &= _bits(0, (columns - width[largest]) // 2 + 1)


@njit(cache=True)
def _tightest(places: Masks, placed: BoolArray, twin: IntArray) -> tuple[int, np.int64]:
    """The block with fewest places left, and how many; of blocks that are alike the first comes first."""
    best, fewest = -1, np.int64(1 << 60)
    for i in range(len(placed)):
        if placed[i] or (twin[i] >= 0 and not placed[twin[i]]):
            continue
        number = np.int64(0)
        for mask in places[i]:
            if mask:
                number += _count(mask)
        if number < fewest:
            best, fewest = i, number
    return best, fewest


@njit(cache=True)
def _narrow(
    after: Masks,
    before: Masks,
    k: int,
    count: int,
    placed: BoolArray,
    order: IntArray,
    height: IntArray,
    width: IntArray,
    step: IntArray,
    twin: IntArray,
    row: IntArray,
    column: IntArray,
) -> bool:
    """The places that are left to the others once block k stands; whether each has one."""
    for u in range(len(placed)):
        if placed[u] or u == k:
            continue
        places = after[u]
        places[:] = before[u]
        bottom, right = row[k] + height[k], column[k] + width[k]
        if step[u] >= 0 and step[u] == step[k]:
            _avoid(places, height[u], width[u], row[k], bottom, 0, MOST_COLUMNS)
            _avoid(places, height[u], width[u], 0, len(places), column[k], right)
        else:
            _avoid(places, height[u], width[u], row[k], bottom, column[k], right)
        _keep_steps(places, u, k, count, order, height, width, step, row, column)
        if twin[u] == k:
            places[: row[k]] = np.uint64(0)
            places[row[k]] &= ~_bits(0, column[k] + 1)
        if not places.any():
            return False
    return True


@njit(cache=True)
def search(
    height: IntArray,
    width: IntArray,
    step: IntArray,
    twin: IntArray,
    rows: int,
    columns: int,
    limit: int,
    row: IntArray,
    column: IntArray,
) -> int:
    """Places of blocks, written to `row` and `column`: 1 if there are, 0 if there are none, -1 if unknown.

    `step` is the number of a block's step or -1, `twin` the block before it that it may be exchanged for or
    -1. Depth first; the block with fewest places left comes next; at most `limit` places are tried.
    """
    count = len(height)
    places = np.zeros((count + 1, count, rows), np.uint64)
    places[0] = _first_places(height, width, rows, columns)
    _turn_over(places[0], height, width, twin, rows, columns)
    placed, order = np.zeros(count, np.bool_), np.zeros(count, np.int64)
    waiting = np.zeros((count, rows), np.uint64)
    depth, tried = 0, 0
    order[0], _ = _tightest(places[0], placed, twin)
    waiting[0] = places[0, order[0]]
    while depth >= 0:
        k = order[depth]
        r = 0
        while r < rows and not waiting[depth, r]:
            r += 1
        if r == rows:
            depth -= 1
            if depth >= 0:
                placed[order[depth]] = False
            continue
        lowest = waiting[depth, r] & (~waiting[depth, r] + np.uint64(1))
        waiting[depth, r] ^= lowest
        row[k], column[k] = r, _count(lowest - np.uint64(1))
        tried += 1
        if tried > limit:
            return -1
        if not _narrow(
            places[depth + 1], places[depth], k, depth, placed, order, height, width, step, twin, row, column
        ):
            continue
        placed[k] = True
        if depth + 1 == count:
            return 1
        depth += 1
        order[depth], _ = _tightest(places[depth], placed, twin)
        waiting[depth] = places[depth, order[depth]]
    return 0
