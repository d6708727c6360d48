"""Whether the lines of an array cannot hold some blocks and steps: bars (Scheithauer 1999).

Every column of the array is crossed by some blocks, each block by as many columns as it is wide. What can
cross a column is limited by its length. If more columns are needed than there are - by linear
programming, for any choice of sets of blocks that a column can be crossed by - there are no places. The same
holds for rows. The linear program is not trusted: its dual values are rounded to integers, with which the
argument is an inequality that is checked exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linprog

from sbdopt.documents import IntArray
from sbdopt.search.exact.scales import Size

_MOST_SETS = 4000
_UNIT = 10**6
"""Dual values are multiples of one by this."""


def need_too_many_lines(sizes: Sequence[Size], of_step: Sequence[int], room: Size) -> bool:
    """Whether blocks (of a step each, or of -1) need more rows or more columns than there are.

    False also if there are too many sets of blocks to look at.
    """
    return any(
        _exceeds([size[axis] for size in sizes], [size[1 - axis] for size in sizes], of_step, room, axis)
        for axis in (0, 1)
    )


def _exceeds(
    across: Sequence[int], along: Sequence[int], of_step: Sequence[int], room: Size, axis: int
) -> bool:
    """Whether lines of length `room[axis]` cannot be crossed by every block as often as it is long."""
    sets = _crossing(across, of_step, room[axis])
    if sets is None or not len(sets):
        return False
    gain = -np.array(along, dtype=np.float64)
    dual = linprog(gain, A_ub=sets, b_ub=np.ones(len(sets)), bounds=(0, None), method="highs")
    if dual.status != 0:
        return False
    worth = np.floor(dual.x * _UNIT).astype(np.int64)
    return int(worth @ np.array(along)) > int((sets @ worth).max()) * room[1 - axis]


def _crossing(across: Sequence[int], of_step: Sequence[int], length: int) -> IntArray | None:
    """All sets of blocks that may cross a line, a row of zeros and ones each; None if there are too many.

    Of one step only one block does.
    """
    sets: list[tuple[int, ...]] = []
    for blocks in _extend(across, of_step, length):
        sets.append(blocks)
        if len(sets) > _MOST_SETS:
            return None
    table = np.zeros((len(sets), len(across)), dtype=np.int64)
    for row, blocks in enumerate(sets):
        table[row, list(blocks)] = 1
    return table


def _extend(across: Sequence[int], of_step: Sequence[int], length: int) -> Iterator[tuple[int, ...]]:
    """Where a line crosses a block of a step no other block stands on the lines across of the whole step."""
    whole = {step: sum(a for a, s in zip(across, of_step, strict=True) if s == step) for step in of_step}
    empty = [whole[s] - a if s >= 0 else 0 for a, s in zip(across, of_step, strict=True)]
    stack: list[tuple[tuple[int, ...], int, int]] = [((), 0, 0)]
    while stack:
        blocks, filled, least = stack.pop()
        steps = {of_step[i] for i in blocks} - {-1}
        for i in range(blocks[-1] + 1 if blocks else 0, len(across)):
            now = (*blocks, i), filled + across[i], max(least, empty[i])
            if of_step[i] not in steps and now[1] + now[2] <= length:
                yield now[0]
                stack.append(now)
