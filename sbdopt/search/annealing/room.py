"""Places of blocks and steps on one array, found by trying orders at random; compiled."""

from __future__ import annotations

from math import log

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.search.compiled import compiled

_NOISE, _TOGETHER = 1.0, 3.0
"""By how much the logarithm of cells is changed at random, and for blocks of a step, which come first."""
_TIE = 0.01
"""What chance adds to the sides that a block touches, of which there may be as many elsewhere."""
_TOUCHING, _UP, _RULES = 0, 1, 3
"""Where a block is put: where it touches most, furthest up, or else furthest to the left."""


@compiled
def find_places(
    members: IntArray,
    height: IntArray,
    width: IntArray,
    step: IntArray,
    taken: IntArray,
    columns: int,
    tries: int,
    random: np.random.Generator,
    row: IntArray,
    column: IntArray,
) -> bool:
    """Whether places were found, which are then in `row` and `column`; if not, those may have changed.

    Blocks are put one by one, in an order that is drawn anew each time, where they touch most of what stands
    and leave fewest further cells empty, or furthest up, or furthest to the left. `step` has a number for
    each block; those of one are apart in rows and columns and their crossings stay empty. `taken` are the
    columns, as bits, that cannot be used, of each row.
    """
    count = np.zeros(len(height), np.int64)
    for i in members:
        count[step[i]] += 1
    key = np.empty(len(members))
    for attempt in range(tries):
        earlier = _TOGETHER * random.random() if attempt else 1.0
        for k, i in enumerate(members):
            key[k] = -log(height[i] * width[i]) - (earlier if count[step[i]] > 1 else 0.0)
            if attempt:
                key[k] -= _NOISE * (2 * random.random() - 1)
        rule = int(_RULES * random.random()) if attempt else _TOUCHING
        order = members[np.argsort(key)]
        if _put_all(order, height, width, step, count, taken, columns, rule, random, row, column):
            return True
    return False


@compiled
def _put_all(
    order: IntArray,
    height: IntArray,
    width: IntArray,
    step: IntArray,
    count: IntArray,
    taken: IntArray,
    columns: int,
    rule: int,
    random: np.random.Generator,
    row: IntArray,
    column: IntArray,
) -> bool:
    """Whether all blocks find a place in this order."""
    filled, empty = taken.copy(), np.zeros_like(taken)
    step_rows, step_columns = np.zeros_like(height), np.zeros_like(height)
    for i in order:
        joint, mine = count[step[i]] > 1, step[i]
        best, best_row, best_column = -np.inf, -1, -1
        for r in range(len(taken) - height[i] + 1):
            lines = ((1 << height[i]) - 1) << r
            blocked = 0
            if joint:
                if lines & step_rows[mine]:
                    continue
                for line in range(r, r + height[i]):
                    blocked |= filled[line]
                if blocked & step_columns[mine]:
                    continue
                for line in range(len(taken)):
                    if step_rows[mine] >> line & 1:
                        blocked |= filled[line]
                blocked |= step_columns[mine]
            for line in range(r, r + height[i]):
                blocked |= filled[line] | empty[line]
            for c in range(columns - width[i] + 1):
                if blocked >> c & ((1 << width[i]) - 1):
                    continue
                if rule == _TOUCHING:
                    worth = _contact(filled, columns, r, c, height[i], width[i]) + _TIE * random.random()
                    if joint:
                        worth -= _emptied(
                            empty, r, c, height[i], width[i], step_rows[mine], step_columns[mine]
                        )
                    worth /= height[i] + width[i]
                elif rule == _UP:
                    worth = -float(r * columns + c)
                else:
                    worth = -float(c * len(taken) + r)
                if worth > best:
                    best, best_row, best_column = worth, r, c
        if best_row < 0:
            return False
        across = ((1 << width[i]) - 1) << best_column
        for line in range(len(taken)):
            inside = best_row <= line < best_row + height[i]
            if inside:
                filled[line] |= across
            if joint and inside:
                empty[line] |= step_columns[mine]
            if joint and step_rows[mine] >> line & 1:
                empty[line] |= across
        step_rows[mine] |= ((1 << height[i]) - 1) << best_row
        step_columns[mine] |= across
        row[i], column[i] = best_row, best_column
    return True


@compiled
def _contact(filled: IntArray, columns: int, r: int, c: int, height: int, width: int) -> int:
    """Sides of cells of a block that touch others or the edge."""
    across = ((1 << width) - 1) << c
    sides = width if r == 0 else _bits(filled[r - 1] & across)
    sides += width if r + height == len(filled) else _bits(filled[r + height] & across)
    for line in range(r, r + height):
        sides += 1 if c == 0 else filled[line] >> (c - 1) & 1
        sides += 1 if c + width == columns else filled[line] >> (c + width) & 1
    return sides


@compiled
def _emptied(
    empty: IntArray, r: int, c: int, height: int, width: int, step_rows: int, step_columns: int
) -> int:
    """Further cells that must be empty if a block of a step stands here."""
    cells, across = 0, ((1 << width) - 1) << c
    for line in range(len(empty)):
        if r <= line < r + height:
            cells += _bits(step_columns & ~empty[line])
        if step_rows >> line & 1:
            cells += _bits(across & ~empty[line])
    return cells


@compiled
def _bits(mask: int) -> int:
    """How many bits are set."""
    number = 0
    while mask:
        number += 1
        mask &= mask - 1
    return number
