"""Places of blocks and steps on one array by scanning it: first all columns, then all rows.

Every block is given its columns, from the left on; when all have theirs, rows (Côté, Dell'Amico, Iori 2014:
the two stages of a master and its y-check). What columns decide is which blocks must be apart in rows:
those that meet in columns, the members of a step, and a block and all members of a step if it meets one of
them in columns (or it would stand in a crossing). Blocks of which each two must be apart need as many rows
as they are high together: that, and that no more cells than are left over may stay empty, ends most
branches early. Fast where arrays are nearly full, which is where other searches are slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.compiled import MOST_LINES, compiled, seconds_to_call
from sbdopt.search.exact.crossings import shared
from sbdopt.search.exact.scales import Size

_NONE, _FOUND, _ENDED = 0, 1, 2
_CLIQUES = 256
_MOST_STEPS = 6
"""Steps of which all sets are looked at."""


def can_scan(number: int, room: Size) -> bool:
    """Whether so many blocks, and lines, are few enough to be bits of a number."""
    return number < MOST_LINES >= max(room)


def seconds_to_scan() -> float:
    """What `scan` takes at most before it begins."""
    return seconds_to_call(_scan)


def scan(
    sizes: Sequence[Size],
    of_step: Sequence[int],
    rows: Sequence[Sequence[int]],
    columns: Sequence[Sequence[int]],
    room: Size,
    most: int,
    stopped: BoolArray,
) -> tuple[list[tuple[int, int]] | bool | None, int]:
    """Row and column of each block, False if there are none, None after `most` branches or if stopped.

    With the number of branches. Blocks are of a step each, or of -1; each may begin in some `rows` and
    `columns`, which are enough if all are pushed up and to the left; `stopped` is an array of one truth.
    """
    assert can_scan(len(sizes), room)
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i][0] * sizes[i][1], sizes[i], of_step[i]))
    height, width = np.array([sizes[i] for i in order], dtype=np.int64).reshape(-1, 2).T.copy()
    step = np.array([of_step[i] for i in order], dtype=np.int64)
    kinds = [(sizes[i], of_step[i]) for i in order]
    answer, row, column, branches = _scan(
        height,
        width,
        step,
        _shared(sizes, of_step),
        np.array([False, *(one == two for one, two in pairwise(kinds))], dtype=bool),
        _bits([rows[i] for i in order]),
        _bits([columns[i] for i in order]),
        room[0],
        room[1],
        most,
        stopped,
    )
    if answer == _ENDED:
        return None, int(branches)
    if answer == _NONE:
        return False, int(branches)
    places = [(0, 0)] * len(sizes)
    for place, i in enumerate(order):
        places[i] = int(row[place]), int(column[place])
    return places, int(branches)


def _bits(lines: Sequence[Sequence[int]]) -> IntArray:
    """Sets of lines as bits, of which the last is the sign."""
    return np.array([sum(1 << line for line in some) for some in lines], dtype=np.uint64).view(np.int64)


def _shared(sizes: Sequence[Size], of_step: Sequence[int]) -> IntArray:
    """The most empty cells that each two steps can share."""
    steps = [
        tuple(size for size, step in zip(sizes, of_step, strict=True) if step == number)
        for number in range(max(of_step, default=-1) + 1)
    ]
    return np.array([[shared(one, two) for two in steps] for one in steps], dtype=np.int64).reshape(
        len(steps), len(steps)
    )


@compiled
def _scan(
    height: IntArray,
    width: IntArray,
    step: IntArray,
    shared: IntArray,
    alike: BoolArray,
    rows: IntArray,
    columns: IntArray,
    most_rows: int,
    most_columns: int,
    most: int,
    stopped: BoolArray,
) -> tuple[int, IntArray, IntArray, int]:
    """The search over columns: every level of its stack gives one block its columns, or goes on to others."""
    n = len(height)
    steps = _step_masks(step)
    spare = most_rows * most_columns - (height * width).sum()
    first_alone = n < 2 or not alike[1]
    depth = 2 * n + 2
    at, candidate, chosen = np.zeros((3, depth), dtype=np.int64)
    empty, active = np.zeros((2, depth), dtype=np.int64)
    apart = np.zeros((depth, n), dtype=np.int64)
    for i in range(n):
        apart[0, i] = steps[i] & ~(1 << i)
    begin, end = np.full(n, -1), np.full(n, -1)
    row = np.zeros(n, dtype=np.int64)
    cliques = np.zeros(_CLIQUES, dtype=np.int64)
    to_come, part = np.zeros(n, dtype=np.int64), np.zeros(len(shared), dtype=np.int64)
    beside = np.array([_sum(height, steps[i]) - height[i] for i in range(n)])
    sets = 1 << min(len(shared), _MOST_STEPS)
    branches, placed, level = 0, 0, 0
    while level >= 0:
        c, i, a = at[level], candidate[level], active[level]
        deeper = False
        if placed == n:
            number = _cliques(height, apart[level], steps, begin, end, most_rows, cliques)
            if number >= 0:
                answer, more = _place_rows(
                    height, apart[level], cliques[:number], alike, rows, begin, row, most_rows,
                    most - branches, stopped,
                )  # fmt: skip
                branches += more
                if answer != _NONE:
                    return answer, row, begin, branches
        elif i < n:
            candidate[level] = i + 1
            if (
                begin[i] < 0
                and c + width[i] <= most_columns
                and columns[i] >> c & 1
                and not steps[i] & ~(1 << i) & a
                and not (alike[i] and begin[i - 1] < 0)
                and not (i == 0 and first_alone and 2 * c > most_columns - width[i])
            ):
                apart[level + 1] = apart[level]
                _meet(apart[level + 1], steps, a, i)
                if _largest_clique(height, apart[level + 1], steps, a | 1 << i, most_rows) <= most_rows:
                    begin[i], end[i] = c, c + width[i]
                    placed += 1
                    chosen[level + 1], active[level + 1] = i, a | 1 << i
                    at[level + 1], empty[level + 1], candidate[level + 1] = c, empty[level], i + 1
                    deeper = True
        elif i == n:
            candidate[level] = i + 1
            following = _next_event(end, a, most_columns)
            waste = empty[level] + (following - c) * (most_rows - _sum(height, a))
            if (
                following < most_columns
                and not (first_alone and begin[0] < 0 and 2 * following > most_columns - width[0])
                and waste <= spare
            ):
                for j in range(n):
                    to_come[j] = width[j] if begin[j] < 0 else max(0, end[j] - following)
                deeper = waste + _waste_ahead(to_come, beside, step, shared, sets, part) <= spare
            if deeper:
                apart[level + 1] = apart[level]
                left = a
                for j in range(n):
                    if a >> j & 1 and end[j] <= following:
                        left &= ~(1 << j)
                chosen[level + 1], active[level + 1] = -1, left
                at[level + 1], empty[level + 1], candidate[level + 1] = following, waste, 0
        if deeper:
            level += 1
            branches += 1
            if branches >= most or (branches & 4095 == 0 and stopped[0]):
                return _ENDED, row, begin, branches
        elif placed == n or i >= n:
            if level and chosen[level] >= 0:
                begin[chosen[level]] = end[chosen[level]] = -1
                placed -= 1
            level -= 1
    return _NONE, row, begin, branches


@compiled
def _step_masks(step: IntArray) -> IntArray:
    """Of each block all members of its step, as bits; itself if it is read alone."""
    masks = np.zeros(len(step), dtype=np.int64)
    for i in range(len(step)):
        masks[i] = 1 << i
        for j in range(len(step)):
            if step[i] >= 0 and step[i] == step[j]:
                masks[i] |= 1 << j
    return masks


@compiled
def _sum(values: IntArray, mask: int) -> int:
    total, i = 0, 0
    while mask:
        if mask & 1:
            total += values[i]
        mask >>= 1
        i += 1
    return total


@compiled
def _meet(apart: IntArray, steps: IntArray, active: int, block: int) -> None:
    """Note that a block shares columns with the active ones: it is apart in rows from all of their steps."""
    for j in range(len(steps)):
        if active >> j & 1:
            for k in range(len(steps)):
                if steps[j] >> k & 1:
                    apart[block] |= 1 << k
                    apart[k] |= 1 << block
                if steps[block] >> k & 1:
                    apart[j] |= 1 << k
                    apart[k] |= 1 << j


@compiled
def _grown(apart: IntArray, clique: int) -> int:
    """The blocks of a clique, and as many more that are apart from all of it."""
    for j in range(len(apart)):
        if not clique >> j & 1 and apart[j] & clique == clique:
            clique |= 1 << j
    return clique


@compiled
def _largest_clique(height: IntArray, apart: IntArray, steps: IntArray, active: int, enough: int) -> int:
    """The greatest height of some cliques that hold all active blocks, or one above `enough`."""
    largest = _sum(height, active)
    for i in range(len(height)):
        if active >> i & 1 and steps[i] != 1 << i:
            largest = max(largest, _sum(height, _grown(apart, active | steps[i])))
            if largest > enough:
                break
    return largest


@compiled
def _next_event(end: IntArray, active: int, most: int) -> int:
    """The first line on which an active block does not stand any more."""
    following = most
    for j in range(len(end)):
        if active >> j & 1 and end[j] < following:
            following = end[j]
    return following


@compiled
def _waste_ahead(
    columns: IntArray, waste: IntArray, step: IntArray, shared: IntArray, sets: int, part: IntArray
) -> int:
    """Cells that must stay empty in columns to come, at least.

    On every column of a member the rows of its step's other members are empty, `waste` of them; so many
    `columns` of each block are to come. Two steps share at most so many cells as `shared` says; for every
    set of steps the sum less what each two share is a bound (Bonferroni).
    """
    number = len(shared)
    part[:] = 0
    for i in range(len(step)):
        if step[i] >= 0:
            part[step[i]] += columns[i] * waste[i]
    best = 0
    for some in range(1, sets):
        cells = 0
        for s in range(number):
            if some >> s & 1:
                cells += part[s]
                for t in range(s):
                    if some >> t & 1:
                        cells -= min(shared[s, t], part[s], part[t])
        best = max(best, cells)
    return best


@compiled
def _cliques(
    height: IntArray,
    apart: IntArray,
    steps: IntArray,
    begin: IntArray,
    end: IntArray,
    most: int,
    found: IntArray,
) -> int:
    """The number of cliques found of blocks that are apart in rows; -1 if one is higher than the array."""
    number = 0
    for e in range(len(begin)):
        active = 0
        for i in range(len(begin)):
            if begin[i] <= begin[e] < end[i]:
                active |= 1 << i
        for i in range(len(begin)):
            if active >> i & 1:
                clique = _grown(apart, active | steps[i])
                if _sum(height, clique) > most:
                    return -1
                known = False
                for k in range(number):
                    known |= found[k] == clique
                if not known and number < len(found):
                    found[number] = clique
                    number += 1
    return number


@compiled
def _place_rows(
    height: IntArray,
    apart: IntArray,
    cliques: IntArray,
    alike: BoolArray,
    rows: IntArray,
    column: IntArray,
    row: IntArray,
    most_rows: int,
    most: int,
    stopped: BoolArray,
) -> tuple[int, int]:
    """The search over rows, for given columns: `row` of each block is set if it finds one."""
    n = len(height)
    first_alone = n < 2 or not alike[1]
    depth = 2 * n + 2
    at, candidate, chosen, left, active, ended = np.zeros((6, depth), dtype=np.int64)
    left[0] = (1 << n) - 1
    branches, level = 0, 0
    while level >= 0:
        r, i, a = at[level], candidate[level], active[level]
        if not left[level]:
            return _FOUND, branches
        deeper = False
        if i < n:
            candidate[level] = i + 1
            if (
                left[level] >> i & 1
                and r + height[i] <= most_rows
                and rows[i] >> r & 1
                and not apart[i] & a
                and (r == 0 or apart[i] & ended[level])
                and not (alike[i] and left[level] >> (i - 1) & 1 and column[i - 1] == column[i])
                and not (i == 0 and first_alone and 2 * r > most_rows - height[i])
            ):
                row[i] = r
                chosen[level + 1] = i
                left[level + 1], active[level + 1] = left[level] & ~(1 << i), a | 1 << i
                at[level + 1], ended[level + 1], candidate[level + 1] = r, ended[level], i + 1
                deeper = True
        elif i == n:
            candidate[level] = i + 1
            following = most_rows
            for j in range(n):
                if a >> j & 1:
                    following = min(following, row[j] + height[j])
            deeper = following < most_rows and not (
                first_alone and left[level] & 1 and 2 * following > most_rows - height[0]
            )
            for clique in cliques:
                if not deeper:
                    break
                beyond = 0
                for j in range(n):
                    if (clique & a) >> j & 1:
                        beyond = max(beyond, row[j] + height[j] - following)
                deeper = following + beyond + _sum(height, clique & left[level]) <= most_rows
            if deeper:
                now = 0
                for j in range(n):
                    if a >> j & 1 and row[j] + height[j] == following:
                        now |= 1 << j
                left[level + 1], active[level + 1], ended[level + 1] = left[level], a & ~now, now
                at[level + 1], candidate[level + 1] = following, 0
        if deeper:
            level += 1
            branches += 1
            if branches >= most or (branches & 4095 == 0 and stopped[0]):
                return _ENDED, branches
        elif i >= n:
            level -= 1
    return _NONE, branches
