"""Whether the lines of an array cannot hold some blocks and steps: bars (Scheithauer 1999).

Every column of the array is crossed by some blocks, each block by as many columns as it is wide. What can
cross a column is limited by its length. If more columns are needed than there are - by linear
programming, for any choice of sets of blocks that a column can be crossed by - there are no places. The same
holds for rows. Arithmetic with rounding is not trusted: dual values are rounded to integers, with which the
argument is an inequality that is checked exactly.

The linear program is solved here, as thousands of these questions are asked, each with a dozen rows: calling
a solver takes twenty times as long as solving.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sbdopt.documents import FloatArray, IntArray
from sbdopt.search.compiled import MOST_LINES, compiled, seconds_to_call
from sbdopt.search.exact.scales import Size

_MOST_SETS, _MOST_VISITED = 4000, 200_000
"""Sets of blocks to which no other can be added, and all that are looked at for these."""
_MOST_ITERATIONS = 500
_UNIT = 10**6
"""Dual values are multiples of one by this."""
_ROUNDING = 1e-9


def can_count_lines(number: int) -> bool:
    """Whether so many blocks are few enough to be bits of a number."""
    return number < MOST_LINES


def seconds_to_count_lines() -> float:
    """What `need_too_many_lines` takes at most before it begins."""
    return seconds_to_call(_exceed)


def need_too_many_lines(sizes: Sequence[Size], of_step: Sequence[int], room: Size) -> bool:
    """Whether blocks (of a step each, or of -1) need more rows or more columns than there are.

    False also if there are too many sets of blocks to look at.
    """
    assert can_count_lines(len(sizes))
    size, step = np.array(sizes, dtype=np.int64).reshape(-1, 2), np.array(of_step, dtype=np.int64)
    return any(
        bool(_exceed(size[:, axis].copy(), size[:, 1 - axis].copy(), step, room[axis], room[1 - axis]))
        for axis in (0, 1)
    )


@compiled
def _exceed(across: IntArray, along: IntArray, step: IntArray, length: int, lines: int) -> bool:
    """Whether so many lines cannot be crossed by every block as often as it is long.

    The least number of lines, if each is crossed by a set of blocks and may be divided, by the simplex method
    with the inverse of the basis, from sets of one block each. Of all dual values on the way those that make
    the largest set worth 1 give a bound (Farley 1990): the first that is enough ends it.
    """
    n = len(across)
    sets = _crossing(across, step, length)
    if sets[-1] < 0 or not n:
        return False
    together = 0
    for some in sets:
        together |= some
    if together != (1 << n) - 1:
        return True  # no line can be crossed by one of the blocks
    inverse, cost, used = np.eye(n), np.ones(n), along.astype(np.float64)
    for _ in range(_MOST_ITERATIONS):
        if used @ cost <= lines + _ROUNDING:
            return False
        worth = cost @ inverse
        surplus = worth.argmin()
        if worth[surplus] < -_ROUNDING:  # a block is crossed more often than it need be
            entering, price = -inverse[:, surplus], 0.0
        else:
            best, highest = _worthiest(worth, sets)
            if highest <= 0 or _are_too_few(worth / highest, along, sets, lines):
                return highest > 0
            if highest <= 1 + _ROUNDING:
                return False
            entering, price = np.zeros(n), 1.0
            for i in range(n):
                if best >> i & 1:
                    entering += inverse[:, i]
        leaving = -1
        for i in range(n):
            if entering[i] > _ROUNDING and (
                leaving < 0 or used[i] * entering[leaving] < used[leaving] * entering[i]
            ):
                leaving = i
        if leaving < 0:
            return False
        times = used[leaving] / entering[leaving]
        used -= times * entering
        used[leaving], cost[leaving] = times, price
        inverse[leaving] /= entering[leaving]
        for i in range(n):
            if i != leaving:
                inverse[i] -= entering[i] * inverse[leaving]
    return False


@compiled
def _worthiest(worth: FloatArray, sets: IntArray) -> tuple[int, float]:
    """The set that is worth most, and what it is."""
    best, highest = 0, 0.0
    for blocks in sets:
        value, i, some = 0.0, 0, blocks
        while some:
            if some & 1:
                value += worth[i]
            some >>= 1
            i += 1
        if value > highest:
            best, highest = blocks, value
    return best, highest


@compiled
def _are_too_few(worth: FloatArray, along: IntArray, sets: IntArray, lines: int) -> bool:
    """Whether blocks are worth more than so many lines can be crossed by, in integers."""
    whole = np.array([max(0, int(value * _UNIT)) for value in worth])
    total = (whole * along).sum()
    if total <= lines * (_UNIT - len(whole)):
        return False
    most = 0
    for blocks in sets:
        value, i, some = 0, 0, blocks
        while some:
            if some & 1:
                value += whole[i]
            some >>= 1
            i += 1
        most = max(most, value)
    return bool(total > most * lines)


@compiled
def _crossing(across: IntArray, step: IntArray, length: int) -> IntArray:
    """Sets of blocks that may cross a line, as bits, to which none can be added; the last is -1 if too many.

    Of one step only one block does; where a line crosses it, no other block stands on the lines across of the
    whole step.
    """
    n = len(across)
    empty = np.zeros(n, dtype=np.int64)
    for i in range(n):
        for j in range(n):
            if i != j and step[i] >= 0 and step[i] == step[j]:
                empty[i] += across[j]
    found = np.zeros(_MOST_SETS + 1, dtype=np.int64)
    number, visited = 0, 0
    chosen, following = np.zeros((2, n + 1), dtype=np.int64)
    filled, least = np.zeros((2, n + 1), dtype=np.int64)
    level = 0
    while level >= 0:
        some, i = chosen[level], following[level]
        if i < n:
            following[level] = i + 1
            if _joins(across, step, empty, length, some, filled[level], least[level], i):
                level += 1
                visited += 1
                chosen[level], following[level] = some | 1 << i, i + 1
                filled[level] = filled[level - 1] + across[i]
                least[level] = max(least[level - 1], empty[i])
            continue
        maximal = some != 0
        for j in range(n):
            if maximal and not some >> j & 1:
                maximal = not _joins(across, step, empty, length, some, filled[level], least[level], j)
        if maximal:
            found[number] = some
            number += 1
        if number > _MOST_SETS or visited > _MOST_VISITED:
            found[number - 1] = -1
            return found[:number]
        level -= 1
    return found[: max(number, 1)]


@compiled
def _joins(
    across: IntArray,
    step: IntArray,
    empty: IntArray,
    length: int,
    some: int,
    filled: int,
    least: int,
    block: int,
) -> bool:
    """Whether a line that is crossed by some blocks can be crossed by one more."""
    if filled + across[block] + max(least, empty[block]) > length:
        return False
    if step[block] >= 0:
        for j in range(len(step)):
            if some >> j & 1 and step[j] == step[block]:
                return False
    return True
