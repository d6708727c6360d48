"""How the blocks of one operator can be dealt to arrays that are alike, and what each deal takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.compiled import compiled, seconds_to_call
from sbdopt.search.exact.crossings import Step, empty_cells, most_shared, shared_by_each_two

NEVER = 1 << 30
"""Cells or cycles that are never reached."""
_MOST_ENTRIES = 1 << 23
"""Of the table of savings and sets of blocks."""
_MOST_SETS = 40_000_000
"""Sets of steps."""
_CHUNK = 1_000_000
"""Sets of steps that are looked at without a look at the time."""
_DEPTH = 8
"""What is kept of each set of steps on the stack."""


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


def seconds_to_deal() -> float:
    """What `portions` takes at most before it begins."""
    return seconds_to_call(_note_steps)


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
    table = _Table.of(work, unused, ended)
    if table is None:
        return None
    masks = _deals(work, arrays, table.within(within, cells), unused, most, ended)
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
    work: Work, arrays: int, empty: IntArray, unused: int, most: int, ended: Callable[[], bool]
) -> IntArray | None:
    """All ways to put blocks on arrays, as masks with shape (ways, arrays).

    Every set of blocks leaves so many cells `empty`, and all together no more than are `unused`.
    """
    masks = np.zeros((1, arrays), dtype=np.int64)
    last = np.zeros((1, len(work.sizes)), dtype=np.int64)
    for i in range(len(work.sizes)):
        alike = next((j for j in range(i - 1, -1, -1) if work.sizes[j] == work.sizes[i]), None)
        parts = []
        for a in range(arrays):
            others = empty[masks].sum(axis=1) - empty[masks[:, a]]
            fits = others + empty[masks[:, a] | 1 << i] <= unused
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
    def of(cls, work: Work, unused: int, ended: Callable[[], bool]) -> _Table | None:
        count = len(work.sizes)
        share = [
            max((saved / len(m) for m, saved in work.steps if i in m), default=0.0) for i in range(count)
        ]
        shape = (int(sum(share) + 1e-6) + 2, 1 << count)
        if shape[0] * shape[1] > _MOST_ENTRIES:
            return None
        steps: list[Step] = [tuple(work.sizes[i] for i in members) for members, _ in work.steps]
        tables, exactly = np.full((3, *shape), NEVER, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        tables[:, 0, 0], exactly[0, 0] = 0, -1
        stack = np.zeros((_DEPTH, count + 1), dtype=np.int64)
        level, visited = 0, 0
        while level >= 0:
            level, more = _note_steps(
                np.array([sum(1 << i for i in members) for members, _ in work.steps], dtype=np.int64),
                np.array([saved for _, saved in work.steps], dtype=np.int64),
                np.array([empty_cells(step) for step in steps], dtype=np.int64),
                np.array([most_shared(step) for step in steps], dtype=np.int64),
                shared_by_each_two(steps), unused, tables, exactly, stack, level,
            )  # fmt: skip
            visited += more
            if visited > _MOST_SETS or ended():
                return None
        rows = int(np.flatnonzero(exactly.any(axis=1)).max()) + 2
        empty, single, own = (
            _over_subsets(np.minimum.accumulate(table[:rows][::-1])[::-1].copy(), count) for table in tables
        )
        return cls(
            serial=_sums(work.alone),
            area=_sums([height * width for height, width in work.sizes]),
            empty=empty,
            single=single,
            own=own,
            exactly=_over_subsets(exactly[:rows], count) < 0,
        )

    def within(self, cycles: int, cells: int) -> IntArray:
        """What each set of blocks leaves empty on an array of so many cells; `NEVER` if it takes longer."""
        level = np.clip(self.serial - cycles, 0, len(self.empty) - 1)
        empty = np.take_along_axis(self.empty, level[None], axis=0)[0]
        return np.where(self.area + empty <= cells, empty, NEVER)


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


@compiled
def _note_steps(
    masks: IntArray,
    saved: IntArray,
    empty: IntArray,
    most_shared: IntArray,
    shared: IntArray,
    unused: int,
    tables: IntArray,
    exactly: IntArray,
    stack: IntArray,
    level: int,
) -> tuple[int, int]:
    """Note sets of steps without common blocks by their savings and blocks; -1 at the end, and their number.

    `tables` hold the least of `empty`, `single` and `own`. What a set leaves empty is counted as by
    `least_empty`, for some of its steps. Returns now and then, to be called again at the `level` reached.
    """
    number = 0
    following, blocks, saving, counted, cells, left, single, own = stack
    while level >= 0 and number < _CHUNK:
        k = following[level]
        if k == len(masks):
            level -= 1
            continue
        following[level] = k + 1
        if masks[k] & blocks[level]:
            continue
        more = empty[k]
        for j in range(level):
            if counted[j + 1]:
                more -= shared[k, following[j] - 1]
        counted[level + 1] = more > 0
        more = max(0, more)
        cells[level + 1] = cells[level] + more
        if cells[level + 1] > unused:
            continue
        left[level + 1] = left[level] + (more - most_shared[k] if counted[level + 1] else 0)
        level += 1
        number += 1
        mine, less = blocks[level - 1] | masks[k], saving[level - 1] + saved[k]
        single[level] = max(single[level - 1], empty[k])
        own[level] = max(own[level - 1], left[level], empty[k] - most_shared[k])
        following[level], blocks[level], saving[level] = k + 1, mine, less
        tables[0, less, mine] = min(tables[0, less, mine], cells[level])
        tables[1, less, mine] = min(tables[1, less, mine], single[level])
        tables[2, less, mine] = min(tables[2, less, mine], own[level])
        exactly[less, mine] = -1
    return level, number
