"""What every set of some operators' blocks takes on one array: compiled.

Blocks that are alike count by their number: a set is one number of several digits, of each kind how many
there are, of which the first kind is the last digit. So are savings, of cycles of each operator.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sbdopt.documents import BoolArray, IntArray, SmallIntArray
from sbdopt.search.compiled import compiled

_COUNTED = 6
"""Steps of which all choices are looked at: the largest, as these come first."""


class Digits(NamedTuple):
    """How numbers of sets, or of savings, are made up."""

    most: IntArray
    """Blocks of each kind; cycles saved of each operator."""
    worth: IntArray
    """What one of each adds to the number."""


class Steps(NamedTuple):
    """Steps of a few blocks, with shape (steps, most kinds in a step) or (steps,)."""

    kind: IntArray
    """Kinds of the blocks of each; filled up with zeros."""
    times: IntArray
    """How many of each."""
    worth: IntArray
    """The number of the set of its blocks."""


@compiled
def note_least_empty(
    digits: Digits,
    steps: Steps,
    operator: IntArray,
    saved: IntArray,
    empty: IntArray,
    shared: IntArray,
    area: SmallIntArray,
    cells: int,
    most_empty: int,
    savings: Digits,
    least: SmallIntArray,
    most: int,
    stopped: BoolArray,
) -> int:
    """Note in `least` what all sets of steps of different blocks leave empty; the number of these sets.

    A step is of an operator, saves cycles, and leaves cells empty, of which it can share some with each other
    one. Sets count that leave no more than `most_empty`, and have room beside their blocks. `least` has a row
    for each saving, where the most of an operator stands for more, and a column for each set of blocks. What
    a set of steps leaves empty is counted as by `least_empty`, for some of them. -1 after `most` sets or if
    `stopped`, an array of one truth.
    """
    depth = digits.most.sum() // 2 + 2
    following, blocks, left, chosen = np.zeros((4, depth), np.int64)
    saving = np.zeros((depth, len(savings.most)), np.int64)
    used = np.zeros((depth, len(digits.most)), np.int64)
    values = np.zeros((depth, 1 << _COUNTED), np.int64)
    sums = np.zeros(1 << _COUNTED, np.int64)
    level, number = 0, 0
    while level >= 0:
        k = following[level]
        if k == len(empty):
            level -= 1
            continue
        following[level] += 1
        if not _fits(steps, k, used[level], digits.most):
            continue
        held, cells_left = blocks[level] + steps.worth[k], left[level]
        if area[held] + max(cells_left, empty[k]) > cells or empty[k] > most_empty:
            continue
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
        if cells_left > most_empty or area[held] + cells_left > cells:
            continue
        number += 1
        if number > most or (number & 65535 == 0 and stopped[0]):
            return -1
        chosen[level] = k
        used[level + 1] = used[level]
        for part in range(steps.kind.shape[1]):
            used[level + 1, steps.kind[k, part]] += steps.times[k, part]
        level += 1
        following[level], blocks[level], left[level] = k, held, cells_left
        saving[level] = saving[level - 1]
        saving[level, operator[k]] += saved[k]
        row = 0
        for o in range(len(savings.most)):
            row += savings.worth[o] * min(saving[level, o], savings.most[o])
        least[row, held] = min(least[row, held], cells_left)
    return number


@compiled
def _fits(steps: Steps, k: int, used: IntArray, most: IntArray) -> bool:
    """Whether there are blocks for a step beside those that are used."""
    for part in range(steps.kind.shape[1]):
        kind = steps.kind[k, part]
        if used[kind] + steps.times[k, part] > most[kind]:
            return False
    return True


@compiled
def note_larger(digits: Digits, savings: Digits, least: SmallIntArray) -> None:
    """Note that a set of blocks leaves no more empty than a set within it, or than with a larger saving."""
    for row in range(len(least) - 1, -1, -1):
        for o in range(len(savings.most)):
            if row // savings.worth[o] % (savings.most[o] + 1) < savings.most[o]:
                for some in range(least.shape[1]):
                    least[row, some] = min(least[row, some], least[row + savings.worth[o], some])
    for row in range(len(least)):
        for kind in range(len(digits.most)):
            one = digits.worth[kind]
            all_of_it = one * (digits.most[kind] + 1)
            for begin in range(0, least.shape[1], all_of_it):
                for some in range(begin + one, begin + all_of_it):
                    least[row, some] = min(least[row, some], least[row, some - one])


@compiled
def note_least_cycles(
    digits: Digits, steps: Steps, cycles: IntArray, first: IntArray, least: SmallIntArray
) -> None:
    """Note in `least` the cycles of every set of blocks, read in the steps that take least in all.

    Steps are sorted by their first kind; `first` has the number of the first of each kind, and of all steps.
    """
    without = np.zeros_like(digits.most)
    for some in range(1, len(least)):
        lowest = -1
        for kind in range(len(digits.most)):
            number = some // digits.worth[kind] % (digits.most[kind] + 1)
            without[kind] = digits.most[kind] - number
            if number and lowest < 0:
                lowest = kind
        best = 30_000
        for k in range(first[lowest], first[lowest + 1]):
            if _fits(steps, k, without, digits.most):
                best = min(best, cycles[k] + least[some - steps.worth[k]])
        least[some] = best


@compiled
def joined(digits: Digits, one: SmallIntArray, two: SmallIntArray) -> SmallIntArray:
    """The least sum for every set, of which some blocks count as in `one` and the others as in `two`."""
    least = np.empty_like(one)
    part = np.zeros_like(digits.most)
    number = np.zeros_like(digits.most)
    for some in range(len(one)):
        for kind in range(len(part)):
            number[kind] = some // digits.worth[kind] % (digits.most[kind] + 1)
        part[:] = 0
        best, held, kind = one[0] + two[some], 0, 0
        while kind < len(part):
            if part[kind] < number[kind]:
                part[kind] += 1
                held += digits.worth[kind]
                best = min(best, one[held] + two[some - held])
                kind = 0
            else:
                held -= part[kind] * digits.worth[kind]
                part[kind] = 0
                kind += 1
        least[some] = best
    return least
