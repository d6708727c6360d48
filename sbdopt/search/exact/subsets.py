"""What every set of an operator's blocks takes on one array: compiled, for sets as bits of a number."""

from __future__ import annotations

import numpy as np

from sbdopt.documents import BoolArray, IntArray, SmallIntArray
from sbdopt.search.compiled import compiled

_COUNTED = 6
"""Steps of which all choices are looked at: the largest, as these come first."""


@compiled
def note_least_empty(
    masks: IntArray,
    saved: IntArray,
    empty: IntArray,
    shared: IntArray,
    area: SmallIntArray,
    cells: int,
    most_empty: int,
    least: SmallIntArray,
    most: int,
    stopped: BoolArray,
) -> int:
    """Note in `least` what all sets of steps without common blocks leave empty; the number of sets.

    A step has blocks, cycles that it saves, cells that it leaves empty, and such as it can share with each
    other one. Sets count that leave no more than `most_empty`, and have room beside their blocks. `least`
    has a row for each saving, the last for any that is larger, and a column for each set of blocks. What a
    set of steps leaves empty is counted as by `least_empty`, for some of them. -1 after `most` sets or if
    `stopped`, an array of one truth.
    """
    depth = 2
    while len(area) >> 2 * (depth - 1):  # steps have two blocks or more
        depth += 1
    following, members, saving, left = np.zeros((4, depth), np.int64)
    chosen = np.zeros(depth, np.int64)
    values = np.zeros((depth, 1 << _COUNTED), np.int64)
    sums = np.zeros(1 << _COUNTED, np.int64)
    level, number = 0, 0
    while level >= 0:
        k = following[level]
        if k == len(masks):
            level -= 1
            continue
        following[level] += 1
        if masks[k] & members[level]:
            continue
        cells_left = left[level]
        if level < _COUNTED:
            for j in range(level):
                for some in range(1 << j):
                    sums[some | 1 << j] = sums[some] + shared[k, chosen[j]]
            for some in range(1 << level):
                value = values[level, some] + empty[k] - sums[some]
                values[level + 1, some], values[level + 1, some | 1 << level] = values[level, some], value
                cells_left = max(cells_left, value)
        else:
            values[level + 1] = values[level]
        blocks = members[level] | masks[k]
        if cells_left > most_empty or area[blocks] + cells_left > cells:
            continue
        number += 1
        if number > most or (number & 65535 == 0 and stopped[0]):
            return -1
        chosen[level] = k
        level += 1
        following[level], members[level], left[level] = k + 1, blocks, cells_left
        saving[level] = saving[level - 1] + saved[k]
        row = min(saving[level], len(least) - 1)
        least[row, blocks] = min(least[row, blocks], cells_left)
    return number


@compiled
def note_larger(least: SmallIntArray) -> None:
    """Note that a set of blocks leaves no more empty than a set within it, or than with a larger saving."""
    for row in range(len(least) - 2, -1, -1):
        for some in range(least.shape[1]):
            least[row, some] = min(least[row, some], least[row + 1, some])
    for row in range(len(least)):
        block = 1
        while block < least.shape[1]:
            for begin in range(0, least.shape[1], 2 * block):
                for some in range(begin, begin + block):
                    least[row, some + block] = min(least[row, some + block], least[row, some])
            block *= 2


@compiled
def note_least_cycles(masks: IntArray, cycles: IntArray, first: IntArray, least: SmallIntArray) -> None:
    """Note in `least` the cycles of every set of blocks, read in the steps that take least in all.

    Steps are sorted by their lowest block; `first` has the number of the first of each block, and of all.
    """
    for some in range(1, len(least)):
        lowest = 0
        while not some >> lowest & 1:
            lowest += 1
        best = least[0] + 30_000
        for k in range(first[lowest], first[lowest + 1]):
            if not masks[k] & ~some:
                best = min(best, cycles[k] + least[some ^ masks[k]])
        least[some] = best


@compiled
def joined(one: SmallIntArray, two: SmallIntArray) -> SmallIntArray:
    """The least sum for every set, of which some blocks count as in `one` and the others as in `two`."""
    least = np.empty_like(one)
    for some in range(len(one)):
        best, part = one[some] + two[0], some
        while part:
            part = (part - 1) & some
            best = min(best, one[part] + two[some ^ part])
        least[some] = best
    return least
