"""A placement as a walk sees it: whole numbers in units, and arrays by their place in a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement
from sbdopt.search.annealing.walk import Chip, State, Work, count
from sbdopt.search.compiled import MOST_LINES
from sbdopt.search.method import Found
from sbdopt.search.neighbourhoods import levels
from sbdopt.search.schedule import make_steps, schedule
from sbdopt.search.widening import further_arrays
from sbdopt.timing import block_cycles, step_cycles

_Fault = tuple[int, tuple[int, int, int, int]]
"""Place of an array in the list, and a rectangle."""


@dataclass(frozen=True, eq=False)
class Board:
    """A placement as a walk sees it."""

    blocks: Blocks
    arrays: list[tuple[int, int]]
    """Kind and number of each."""
    units: tuple[int, int]
    """Rows and columns in a unit."""
    chip: Chip
    work: Work
    state: State
    mean: float
    """Cycles of a block read alone."""

    @classmethod
    def of(cls, blocks: Blocks, start: Placement, time: str, more: int) -> Board | None:
        """With so many arrays that are not used, at most; None if arrays have too many lines.

        Blocks that are read together but not of one operator are read one after another.
        """
        where = np.stack([start.kind, start.array])
        used, array = np.unique(where, axis=1, return_inverse=True)
        arrays = [(kind, number) for kind, number in used.T.tolist()]
        arrays += islice(further_arrays(blocks, start), max(0, min(more, len(blocks)) - len(arrays)))
        kinds, faults = blocks.hardware.arrays, _faults(blocks, arrays)
        edges = np.array([fault for _, fault in faults], dtype=np.int64).reshape(-1, 4)
        rows = np.concatenate([blocks.height, start.row, edges[:, 0], edges[:, 2]])
        columns = np.concatenate([blocks.columns, start.column, edges[:, 1], edges[:, 3]])
        units = int(np.gcd.reduce(rows)), int(np.gcd.reduce(columns))
        size = [(kinds[kind].rows // units[0], kinds[kind].columns // units[1]) for kind, _ in arrays]
        if max(map(max, size)) > MOST_LINES:
            return None
        level = np.zeros(len(blocks), dtype=np.int64)
        if time == "makespan":
            level = np.unique(levels(blocks)[blocks.operator], return_inverse=True)[1]
        steps = np.stack([array.reshape(-1), start.start, blocks.operator])
        return cls(
            blocks=blocks,
            arrays=arrays,
            units=units,
            chip=_chip(blocks, arrays, units, size, faults),
            work=Work(blocks.height // units[0], blocks.columns // units[1], blocks.operator, level),
            state=State(
                array.reshape(-1),
                np.unique(steps, axis=1, return_inverse=True)[1].reshape(-1),
                start.row // units[0],
                start.column // units[1],
            ),
            mean=float(block_cycles(blocks).min(axis=0).mean()),
        )

    @property
    def cycles(self) -> int:
        """The sum over levels of the cycles of the busiest tile."""
        return int(count(self.chip, self.work, self.state)[1].sum())

    @property
    def filled(self) -> IntArray:
        """Cells that the blocks fill on each array, in units."""
        cells = self.work.height * self.work.width
        return np.bincount(self.state.array, weights=cells, minlength=len(self.arrays)).astype(np.int64)

    def finished(self, state: State) -> Found:
        """The placement of a state, scheduled."""
        kind, array = np.array(self.arrays, dtype=np.int64)[state.array].T
        row, column = state.row * self.units[0], state.column * self.units[1]
        steps = make_steps(self.blocks, kind, array, column, state.step)
        return Found(Placement(kind, array, row, column, schedule(self.blocks, steps)))


def _faults(blocks: Blocks, arrays: Sequence[tuple[int, int]]) -> list[_Fault]:
    return [
        (a, (row, column, height, width))
        for a, (kind, number) in enumerate(arrays)
        for array, row, column, height, width in blocks.hardware.arrays[kind].faults
        if array == number
    ]


def _chip(
    blocks: Blocks,
    arrays: Sequence[tuple[int, int]],
    units: tuple[int, int],
    size: Sequence[tuple[int, int]],
    faults: Sequence[_Fault],
) -> Chip:
    kinds, hardware = blocks.hardware.arrays, blocks.hardware
    rows, columns = np.array(size, dtype=np.int64).T.copy()
    tiles = np.array([(kind, number // kinds[kind].tiers) for kind, number in arrays], dtype=np.int64)
    taken = np.zeros((len(arrays), int(rows.max())), dtype=np.uint64)
    for a, (row, column, height, width) in faults:
        mask = ((1 << width // units[1]) - 1) << column // units[1]
        taken[a, row // units[0] : (row + height) // units[0]] |= mask
    high, wide = np.meshgrid(np.arange(rows.max() + 1), np.arange(columns.max() + 1), indexing="ij")
    cycles = [
        step_cycles(hardware, kinds[kind].adcs, wide * units[1], np.maximum(high, 1) * units[0])
        for kind, _ in arrays
    ]
    return Chip(
        rows=rows,
        columns=columns,
        tile=np.unique(tiles, axis=0, return_inverse=True)[1].reshape(-1),
        taken=taken.view(np.int64),
        room=rows * columns - np.bitwise_count(taken).sum(axis=1, dtype=np.int64),
        cycles=np.array(cycles),
    )
