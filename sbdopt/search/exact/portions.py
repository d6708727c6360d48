"""How the blocks of one operator can be dealt to arrays that are alike, and what each deal takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.exact.crossings import Step, empty_cells, most_shared, shared

NEVER = 1 << 30
"""Cells or cycles that are never reached."""


@dataclass(frozen=True)
class Portions:
    """Deals of one operator with the cycles it may take, a row each; no row takes more than it must.

    Two numbers of cycles for one deal count as the same if just the same steps save enough for both, and the
    lesser stands for both.
    """

    masks: IntArray
    """Of each array the blocks on it, as bits, with shape (rows, arrays)."""
    cycles: IntArray
    """Shape (rows,)."""
    room: IntArray
    """How many cycles more are needed at least to make a difference; `NEVER` if none."""
    area: IntArray
    """Cells of the blocks on each array, in units, with shape (rows, arrays)."""
    empty: IntArray
    """Cells that steps leave empty at least, on each array."""
    single: IntArray
    """Cells that one of these steps leaves empty, at least, by itself."""
    own: IntArray
    """As `empty`, less what each of these steps can share with one other."""

    def __len__(self) -> int:
        return len(self.cycles)

    def take(self, rows: IntArray | BoolArray) -> Portions:
        """Some of the rows."""
        return Portions(*(getattr(self, column.name)[rows] for column in fields(self)))


@dataclass(frozen=True)
class Work:
    """What reading one operator on an array takes."""

    sizes: Sequence[tuple[int, int]]
    """Height and width of each block, in units."""
    alone: Sequence[int]
    """Cycles of each block if it is read alone."""
    steps: Sequence[tuple[tuple[int, ...], int]]
    """Blocks that may be read together, and the cycles saved by that (more than none)."""


def portions(
    work: Work,
    arrays: int,
    cells: int,
    unused: int,
    within: int,
    most: int,
    ended: Callable[[], bool],
) -> Portions | None:
    """All ways to deal an operator within some cycles; None if there are more than `most`, or if time ended.

    `cells` has an array; at most `unused` of all may stay empty. Of blocks that are alike later ones
    are on no later array.
    """
    if 2 ** len(work.sizes) > most:
        return None
    table = _Table.of(work, unused, most, ended)
    if table is None:
        return None
    masks = _deals(work, arrays, table.least(cells) <= within, most, ended)
    if masks is None:
        return None
    serial, area = table.serial[masks], table.area[masks]
    none = np.zeros(0, dtype=np.int64)
    found = [Portions(masks[:0], none, none, *[masks[:0]] * 4)]
    later = np.full(len(masks), NEVER)
    for cycles in range(min(within, int(serial.max(initial=-1))), -1, -1):
        saving = serial - cycles
        level = np.clip(saving, 0, len(table.empty) - 1)
        empty = table.empty[level, masks]
        fits = (area + empty <= cells).all(axis=1) & (empty.sum(axis=1) <= unused)
        if not fits.any():
            break
        matters = ((saving >= 0) & table.exactly[level, masks]).any(axis=1)
        rows = np.flatnonzero(fits & matters)
        found.append(
            Portions(
                masks[rows],
                np.full(len(rows), cycles),
                later[rows] - cycles,
                area[rows],
                empty[rows],
                table.single[level, masks][rows],
                table.own[level, masks][rows],
            )
        )
        later[rows] = cycles
        if sum(map(len, found)) > most or ended():
            return None
    return Portions(
        *(np.concatenate([getattr(part, column.name) for part in found]) for column in fields(Portions))
    )


def _deals(
    work: Work, arrays: int, possible: BoolArray, most: int, ended: Callable[[], bool]
) -> IntArray | None:
    """All ways to put blocks on arrays that hold only possible sets, as masks with shape (ways, arrays)."""
    masks = np.zeros((1, arrays), dtype=np.int64)
    last = np.zeros((1, len(work.sizes)), dtype=np.int64)
    for i in range(len(work.sizes)):
        alike = next((j for j in range(i - 1, -1, -1) if work.sizes[j] == work.sizes[i]), None)
        parts = []
        for a in range(arrays):
            fits = possible[masks[:, a] | 1 << i]
            if alike is not None:
                fits &= last[:, alike] >= a
            new = masks[fits], last[fits]
            new[0][:, a] |= 1 << i
            new[1][:, i] = a
            parts.append(new)
        masks, last = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        if len(masks) > most or ended():
            return None
    return masks


@dataclass(frozen=True)
class _Table:
    """For every saving and set of blocks, what it takes at least to save so much by reading some together."""

    serial: IntArray
    """Cycles of each set of blocks if all are read alone."""
    area: IntArray
    empty: IntArray
    """Shape (savings, sets); `NEVER` where so much cannot be saved."""
    single: IntArray
    own: IntArray
    exactly: BoolArray
    """Whether some steps save just so much."""

    @classmethod
    def of(cls, work: Work, unused: int, most: int, ended: Callable[[], bool]) -> _Table | None:
        sets = _sets_of_steps(work, unused, most, ended)
        if sets is None:
            return None
        count = len(work.sizes)
        mask, saved = sets[:, 0], sets[:, 1]
        shape = (int(saved.max()) + 2, 1 << count)
        tables = []
        for value in sets[:, 2:].T:
            table = np.full(shape, NEVER)
            np.minimum.at(table, (saved, mask), value)
            table = np.minimum.accumulate(table[::-1])[::-1]
            tables.append(_over_subsets(table, count))
        empty, single, own = tables
        exactly = np.zeros(shape, dtype=np.int64)
        exactly[saved, mask] = -1
        return cls(
            serial=_sums(work.alone),
            area=_sums([height * width for height, width in work.sizes]),
            empty=empty,
            single=single,
            own=own,
            exactly=_over_subsets(exactly, count) < 0,
        )

    def least(self, cells: int) -> IntArray:
        """The fewest cycles of each set of blocks on an array of so many cells, by area."""
        saved = (self.area + self.empty <= cells).sum(axis=0) - 1
        return np.where(saved < 0, NEVER, self.serial - saved)


def _sums(values: Sequence[int]) -> IntArray:
    """The sum of every subset."""
    sums = np.zeros(1, dtype=np.int64)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def _over_subsets(table: IntArray, count: int) -> IntArray:
    """The minimum over all subsets of each set."""
    for i in range(count):
        halves = table.reshape(len(table), -1, 2, 1 << i)
        np.minimum(halves[:, :, 1], halves[:, :, 0], out=halves[:, :, 1])
    return table


def _sets_of_steps(work: Work, unused: int, most: int, ended: Callable[[], bool]) -> IntArray | None:
    """Sets of steps without common blocks: blocks, saving, and `empty`, `single` and `own`, a row each.

    What a set leaves empty is counted as by `least_empty`, for some of its steps.
    """
    steps: list[Step] = [tuple(work.sizes[i] for i in members) for members, _ in work.steps]
    masks = [sum(1 << i for i in members) for members, _ in work.steps]
    empty, most_so = [empty_cells(step) for step in steps], [most_shared(step) for step in steps]
    found = [(0, 0, 0, 0, 0)]
    stack: list[tuple[int, int, int, tuple[int, ...], int, int, int, int]] = [(0, 0, 0, (), 0, 0, 0, 0)]
    while stack:
        begin, mask, saved, counted, cells, left, single, own = stack.pop()
        for k in range(begin, len(steps)):
            if masks[k] & mask:
                continue
            more = empty[k] - sum(shared(steps[k], steps[j]) for j in counted)
            now = (*counted, k), cells + more, left + more - most_so[k]
            if more <= 0:
                now = counted, cells, left
            if now[1] > unused:
                continue
            entry = (mask | masks[k], saved + work.steps[k][1])
            least = max(single, empty[k]), max(own, now[2], empty[k] - most_so[k])
            found.append((*entry, now[1], *least))
            stack.append((k + 1, *entry, *now, *least))
        if len(found) > most or ended():
            return None
    return np.array(found, dtype=np.int64)
