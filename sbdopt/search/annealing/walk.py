"""Random exchanges of blocks between arrays and steps, each with places that are found at once.

Compiled, and all in one file: what is kept on disk is made anew when the file of the function that is called
changes, but not when that of another one does.
"""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple

import numpy as np

from sbdopt.documents import BoolArray, FloatArray, IntArray
from sbdopt.search.compiled import MOST_LINES, compiled

_POWER = 8.0
"""Of the mean of loads that stands for their evenness: the greater, the more only the busiest counts."""
_SWAP, _SHIFT = 0.4, 0.65
"""Moves up to the first are swaps, up to the second shifts; the others change steps."""
_JOIN_ELSEWHERE, _JOIN_HERE = 0.3, 0.7
"""Chances that a block is read with others: where it comes to, and where it was."""

_NOISE, _TOGETHER = 1.0, 3.0
"""By how much the logarithm of cells is changed at random, and for blocks of a step, which come first."""
_TIE = 0.01
"""What chance adds to the sides that a block touches, of which there may be as many elsewhere."""
_TOUCHING, _UP, _RULES = 0, 1, 3
"""Where a block is put: where it touches most, furthest up, or else furthest to the left."""


class Chip(NamedTuple):
    """Arrays, in units of rows and columns; all columns but `taken` and `cycles` have an entry for each."""

    rows: IntArray
    columns: IntArray
    tile: IntArray
    taken: IntArray
    """The columns that cannot be used, as bits, of each array and row."""
    room: IntArray
    """Cells that can be used."""
    cycles: IntArray
    """Of a step, by array, largest height of a block and sum of widths."""


class Work(NamedTuple):
    """Blocks: sizes in units, the operators, and what counts together (see `levels`)."""

    height: IntArray
    width: IntArray
    operator: IntArray
    level: IntArray


class State(NamedTuple):
    """Array, step (blocks of the same number are read together) and place of each block."""

    array: IntArray
    step: IntArray
    row: IntArray
    column: IntArray


class Ground(NamedTuple):
    """An array while blocks are put on it: of each row the columns that are taken, or must be empty."""

    filled: IntArray
    empty: IntArray
    columns: int
    """How many there are."""


class Piece(NamedTuple):
    """A block to be put, and the rows and columns, as bits, of those of its step that stand already."""

    height: int
    width: int
    rows: int
    columns: int


class Aim(NamedTuple):
    """What is to be small: cycles above `enough`, plus `even` x their evenness, plus the price of cells."""

    enough: int
    even: float
    price: FloatArray
    """Of a cell that blocks fill, by array."""


@compiled
def walk(
    chip: Chip,
    work: Work,
    aim: Aim,
    state: State,
    best: State,
    hot: float,
    cold: float,
    moves: int,
    tries: int,
    random: np.random.Generator,
    stopped: BoolArray,
) -> float:
    """Exchange at random, ever more reluctant to get worse; `best` is the best on the way, with this worth.

    Simulated annealing (Kirkpatrick 1983): what costs d more is accepted with probability exp(-d / heat),
    where the heat falls from `hot` to `cold`, if places are found. `state` must be legal; it and `best`
    are overwritten. The worth is that of `Aim` without evenness. `stopped` is an array of one truth.
    """
    load, longest, even = count(chip, work, state)
    size = work.height * work.width
    area = np.zeros(len(chip.tile), np.int64)
    for i, a in enumerate(state.array):
        area[a] += size[i]
    least = _worth(aim, longest, area)
    now = least + aim.even * even.sum()
    _copy(state, best)
    row, column = state.row.copy(), state.column.copy()
    for move in range(moves):
        if stopped[0]:
            break
        i, j = int(len(row) * random.random()), int(len(row) * random.random())
        a, step, array_of_j, step_of_j = state.array[i], state.step[i], state.array[j], state.step[j]
        other = _exchange(work, state, len(area), i, j, random)
        if other < 0:
            continue
        b = state.array[i]
        new_load, new_longest, new_even, new_area = load.copy(), longest.copy(), even.copy(), area.copy()
        new_area[a] -= size[i]
        new_area[b] += size[i]
        if other != i:
            new_area[b] -= size[other]
            new_area[a] += size[other]
        for level in (work.level[i], work.level[other]):
            for x in (a, b):
                new_load[level, x] = _cycles(chip, work, state, level, x)
            new_longest[level], new_even[level] = _busiest(new_load[level], chip.tile)
        worth = _worth(aim, new_longest, new_area)
        cost = worth + aim.even * new_even.sum()
        heat = hot * (cold / hot) ** (move / moves)
        if (
            (cost <= now or random.random() < exp((now - cost) / heat))
            and _find_room(chip, work, state, a, i, other, new_area[a], tries, random, row, column)
            and (
                a == b or _find_room(chip, work, state, b, i, other, new_area[b], tries, random, row, column)
            )
        ):
            for k in range(len(row)):
                if state.array[k] == a or state.array[k] == b:
                    state.row[k], state.column[k] = row[k], column[k]
            load, longest, even, area, now = new_load, new_longest, new_even, new_area, cost
            if worth < least:
                least = worth
                _copy(state, best)
        else:
            state.array[i], state.step[i], state.array[j], state.step[j] = a, step, array_of_j, step_of_j
    return least


@compiled
def count(chip: Chip, work: Work, state: State) -> tuple[IntArray, IntArray, FloatArray]:
    """Cycles by level and array; of the busiest tile by level; and how even tiles are by level."""
    levels = work.level.max() + 1
    load = np.zeros((levels, len(chip.tile)), np.int64)
    longest, even = np.zeros(levels, np.int64), np.zeros(levels)
    for level in range(levels):
        for a in range(len(chip.tile)):
            load[level, a] = _cycles(chip, work, state, level, a)
        longest[level], even[level] = _busiest(load[level], chip.tile)
    return load, longest, even


@compiled
def _worth(aim: Aim, longest: IntArray, area: IntArray) -> float:
    return float(max(longest.sum(), aim.enough) + (aim.price * area).sum())


@compiled
def _copy(state: State, to: State) -> None:
    to.array[:], to.step[:], to.row[:], to.column[:] = state.array, state.step, state.row, state.column


@compiled
def _exchange(work: Work, state: State, arrays: int, i: int, j: int, random: np.random.Generator) -> int:
    """Exchange block i with j, or move it, or read it with others.

    The other block that is changed, i if there is none, -1 if nothing is changed.
    """
    array, step, chance = state.array, state.step, random.random()
    if chance < _SWAP:
        if array[i] == array[j]:
            return -1
        array[i], array[j] = array[j], array[i]
        if work.operator[i] == work.operator[j] and random.random() < 0.5:
            step[i], step[j] = step[j], step[i]
        else:
            _read_anew(work, state, i, _JOIN_ELSEWHERE, random)
            _read_anew(work, state, j, _JOIN_ELSEWHERE, random)
        return j
    if chance < _SHIFT:
        b = int(arrays * random.random())
        if b == array[i]:
            return -1
        array[i] = b
        _read_anew(work, state, i, _JOIN_ELSEWHERE, random)
    else:
        _read_anew(work, state, i, _JOIN_HERE, random)
    return i


@compiled
def _read_anew(work: Work, state: State, i: int, chance: float, random: np.random.Generator) -> None:
    """Read a block with others of its operator on its array, if there are any, or alone."""
    used = np.zeros(len(state.step), np.bool_)
    mate, mates = -1, 0
    for k in range(len(state.step)):
        if k != i:
            used[state.step[k]] = True
            if state.array[k] == state.array[i] and work.operator[k] == work.operator[i]:
                mates += 1
                if int(mates * random.random()) == 0:
                    mate = k
    if mates and random.random() < chance:
        state.step[i] = state.step[mate]
    else:
        state.step[i] = np.argmin(used)


@compiled
def _cycles(chip: Chip, work: Work, state: State, level: int, a: int) -> int:
    """Cycles of the steps of a level on an array."""
    height, width = np.zeros(len(state.step), np.int64), np.zeros(len(state.step), np.int64)
    for i, step in enumerate(state.step):
        if state.array[i] == a and work.level[i] == level:
            height[step] = max(height[step], work.height[i])
            width[step] += work.width[i]
    total = 0
    for step in range(len(width)):
        if width[step]:
            total += chip.cycles[a, height[step], min(width[step], chip.columns[a])]
    return total


@compiled
def _busiest(load: IntArray, tile: IntArray) -> tuple[int, float]:
    """Cycles of the busiest tile, and how even all are: a mean that lies between theirs and that."""
    busy = np.zeros(len(tile), np.int64)
    for a, cycles in enumerate(load):
        busy[tile[a]] += cycles
    mean = 0.0
    for cycles in busy:
        mean += float(cycles) ** _POWER
    return busy.max(), (mean / len(busy)) ** (1 / _POWER)


@compiled
def _find_room(
    chip: Chip,
    work: Work,
    state: State,
    a: int,
    one: int,
    other: int,
    area: int,
    tries: int,
    random: np.random.Generator,
    row: IntArray,
    column: IntArray,
) -> bool:
    """Whether places were found for the blocks of an array, which fill so many cells.

    First the others are left where they stand, and only one block and another that were exchanged are put.
    """
    members = np.flatnonzero(state.array == a)
    if area + _most_emptied(work, state, members) > chip.room[a]:  # saves looking
        return False
    taken = chip.taken[a, : chip.rows[a]]
    stands = (members != one) & (members != other)
    order, standing = np.concatenate((members[stands], members[~stands])), stands.sum()
    for i in members:
        row[i], column[i] = state.row[i], state.column[i]
    if _put_all(
        order,
        standing,
        work.height,
        work.width,
        state.step,
        taken,
        chip.columns[a],
        _TOUCHING,
        random,
        row,
        column,
    ):
        return True
    return find_places(
        members, work.height, work.width, state.step, taken, chip.columns[a], tries, random, row, column
    )


@compiled
def _most_emptied(work: Work, state: State, members: IntArray) -> int:
    """The most cells that one of the steps of an array leaves empty."""
    size = np.zeros((3, len(state.step)), np.int64)
    most = 0
    for i in members:
        size[0, state.step[i]] += work.height[i]
        size[1, state.step[i]] += work.width[i]
        size[2, state.step[i]] += work.height[i] * work.width[i]
    for i in members:
        most = max(most, size[0, state.step[i]] * size[1, state.step[i]] - size[2, state.step[i]])
    return most


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
        if _put_all(order, 0, height, width, step, taken, columns, rule, random, row, column):
            return True
    return False


@compiled
def _put_all(
    order: IntArray,
    standing: int,
    height: IntArray,
    width: IntArray,
    step: IntArray,
    taken: IntArray,
    columns: int,
    rule: int,
    random: np.random.Generator,
    row: IntArray,
    column: IntArray,
) -> bool:
    """Whether all blocks find a place in this order, of which the first so many are `standing`."""
    ground = Ground(taken.copy(), np.zeros_like(taken), columns)
    step_rows, step_columns = np.zeros_like(height), np.zeros_like(height)
    free = np.zeros(len(taken) + 2, np.int64)
    for k, i in enumerate(order):
        piece = Piece(height[i], width[i], step_rows[step[i]], step_columns[step[i]])
        if k < standing:
            r, c = row[i], column[i]
        else:
            _find_free(ground, piece, free)
            if rule == _TOUCHING:
                r, c = _most_touching(ground, piece, free, random)
            else:
                r, c = _first(free, columns, rule)
            if r < 0:
                return False
        across = _ones(width[i]) << c
        for line in range(len(taken)):
            if r <= line < r + height[i]:
                ground.filled[line] |= across
                ground.empty[line] |= piece.columns
            if piece.rows >> line & 1:
                ground.empty[line] |= across
        step_rows[step[i]] |= _ones(height[i]) << r
        step_columns[step[i]] |= across
        row[i], column[i] = r, c
    return True


@compiled
def _find_free(ground: Ground, piece: Piece, free: IntArray) -> None:
    """Set `free` to the columns at which a block may begin, as bits, of each row; the first is at 1.

    Where others of its step stand on some rows and columns, it must leave these columns empty and find its
    own empty on those rows: with a block in them that would mix.
    """
    across = 0
    for line in range(len(ground.filled)):
        if piece.rows >> line & 1:
            across |= ground.filled[line]
    possible = _ones(ground.columns - piece.width + 1) if piece.width <= ground.columns else 0
    free[:] = 0
    for r in range(len(ground.filled) - piece.height + 1):
        on_rows, blocked = 0, across
        for line in range(r, r + piece.height):
            on_rows |= ground.filled[line]
            blocked |= ground.filled[line] | ground.empty[line]
        if on_rows & piece.columns:
            continue
        reach = 1
        while 2 * reach <= piece.width:  # a column is blocked for a block that would reach a blocked one
            blocked |= blocked >> reach
            reach *= 2
        blocked |= blocked >> (piece.width - reach)
        free[r + 1] = ~blocked & possible


@compiled
def _first(free: IntArray, columns: int, rule: int) -> tuple[int, int]:
    """The place furthest up, or furthest to the left; -1 if there is none."""
    row, column = -1, columns
    for r in range(len(free) - 2):
        for c in range(column):
            if free[r + 1] >> c & 1:
                row, column = r, c
                break
        if rule == _UP and row >= 0:
            break
    return row, column


@compiled
def _most_touching(
    ground: Ground, piece: Piece, free: IntArray, random: np.random.Generator
) -> tuple[int, int]:
    """The place where a block touches most and empties least, for its size; -1 if there is none.

    Only places from which it cannot be moved to one side, nor either up or down, are compared.
    """
    most, row, column = -np.inf, -1, -1
    for r in range(len(free) - 2):
        here = free[r + 1]
        here &= ~(here << 1 & here >> 1 & _ones(ground.columns - 1)) & ~(free[r] & free[r + 2])
        for c in range(ground.columns if here else 0):
            if here >> c & 1:
                worth = _contact(ground, piece, r, c) + _TIE * random.random()
                if piece.rows:
                    worth -= _emptied(ground, piece, r, c)
                if worth > most:
                    most, row, column = worth, r, c
    return row, column


@compiled
def _contact(ground: Ground, piece: Piece, r: int, c: int) -> int:
    """Sides of cells of a block that touch others or the edge."""
    filled, below, right = ground.filled, r + piece.height, c + piece.width
    across = _ones(piece.width) << c
    sides = piece.width if r == 0 else _bits(filled[r - 1] & across)
    sides += piece.width if below == len(filled) else _bits(filled[below] & across)
    for line in range(r, below):
        sides += 1 if c == 0 else filled[line] >> (c - 1) & 1
        sides += 1 if right == ground.columns else filled[line] >> right & 1
    return sides


@compiled
def _emptied(ground: Ground, piece: Piece, r: int, c: int) -> int:
    """Further cells that must be empty if a block of a step stands here."""
    cells, across = 0, _ones(piece.width) << c
    for line in range(len(ground.empty)):
        if r <= line < r + piece.height:
            cells += _bits(piece.columns & ~ground.empty[line])
        if piece.rows >> line & 1:
            cells += _bits(across & ~ground.empty[line])
    return cells


@compiled
def _ones(number: int) -> int:
    """So many bits, all of them set; all of a number if there are `MOST_LINES`."""
    return (1 << number) - 1 if number < MOST_LINES else -1


@compiled
def _bits(mask: int) -> int:
    """How many bits are set."""
    number = 0
    while mask:
        number += 1
        mask &= mask - 1
    return number
