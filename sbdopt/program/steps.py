"""The steps of an array: what is driven in each phase, what is read, and how long that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.program.addresses import Addresses
from sbdopt.simulate.array import Standing, destinations, drive
from sbdopt.simulate.ranges import covered
from sbdopt.timing import step_cycles


@dataclass(frozen=True, eq=False)
class Step:
    """One step; rows ascend, and so do columns."""

    kind: int
    array: int
    start: int
    cycles: int
    """Of one phase."""
    operators: tuple[int, ...]
    row: IntArray
    element: IntArray
    """Address of the element that each row carries."""
    phase: IntArray
    """In which each row is driven."""
    column: IntArray
    slice: IntArray
    """Address of the slice of an output that each column yields."""

    @property
    def phases(self) -> int:
        """In how many phases the rows are driven."""
        return int(self.phase.max()) + 1

    @property
    def end(self) -> int:
        """The first cycle after the step."""
        return self.start + self.phases * self.cycles


def steps_of(blocks: Blocks, array: Standing, addresses: Addresses) -> Iterator[Step]:
    """The steps of one array that drive and read anything, in order of time."""
    hardware = blocks.hardware
    for part in array.runs("start"):
        row, element, phase = drive(part, hardware.rows_per_phase)
        column, target = destinations(part, addresses.slices.total)
        if not len(row) or not len(column):
            continue
        kind, columns = int(part.kind[0]), covered(part.left, part.right)
        limit = hardware.rows_per_phase
        summed = _summed(part, columns) if limit is None else min(limit, _summed(part, columns))
        cycles = step_cycles(
            hardware, hardware.arrays[kind].adcs, np.array([len(columns)]), np.array([summed])
        )
        yield Step(
            kind=kind,
            array=int(part.array[0]),
            start=int(part.start[0]),
            cycles=int(cycles[0]),
            operators=tuple(sorted(set(blocks.operator[part.block].tolist()))),
            row=row,
            element=element,
            phase=phase,
            column=column,
            slice=target,
        )


def _summed(step: Standing, columns: IntArray) -> int:
    """The largest number of cells of the step's blocks on one of its columns."""
    height = step.bottom - step.top
    if len(step) == 1:
        return int(height[0])
    change = np.zeros(len(columns) + 1, dtype=np.int64)
    np.add.at(change, np.searchsorted(columns, step.left), height)
    np.add.at(change, np.searchsorted(columns, step.right), -height)
    return int(np.cumsum(change).max())
