"""One array: write its cells, drive its rows, read its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from sbdopt.documents import BoolArray, IntArray
from sbdopt.simulate.cells import disturb
from sbdopt.simulate.chip import Chip
from sbdopt.simulate.coding import Coding
from sbdopt.simulate.converter import Converter
from sbdopt.simulate.ranges import covered, ranges
from sbdopt.weights.tensors import FloatArray

CellValues = Callable[[int], FloatArray]
"""From the number of a block to what its cells are to hold, (height, columns)."""

_CELLS = 1 << 22
"""Cells that are held at a time, unless a single column has more."""


@dataclass(frozen=True, eq=False)
class Standing:
    """Blocks where they stand, ordered by kind, array, start and block.

    `row` and `column` are where a block begins; of its rows and columns `top` .. `bottom - 1` and `left` ..
    `right - 1` exist. It wants row r driven with element `driver` + r of all inputs, and its column c belongs
    to `target` + c of all slices of all outputs. Only if it is `wanted` are its columns read.
    """

    block: IntArray
    kind: IntArray
    array: IntArray
    start: IntArray
    row: IntArray
    column: IntArray
    top: IntArray
    bottom: IntArray
    left: IntArray
    right: IntArray
    driver: IntArray
    target: IntArray
    wanted: BoolArray

    def __len__(self) -> int:
        return len(self.block)

    def part(self, chosen: slice | IntArray | BoolArray) -> Standing:
        """Some of the blocks."""
        return Standing(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def runs(self, *names: str) -> Iterator[Standing]:
        """The blocks, split wherever one of the named columns changes."""
        changes = np.zeros(max(len(self) - 1, 0), dtype=bool)
        for name in names:
            changes |= np.diff(getattr(self, name)) != 0
        ends = [0, *(np.flatnonzero(changes) + 1).tolist(), len(self)]
        for begin, end in pairwise(ends):
            if begin < end:
                yield self.part(slice(begin, end))


@dataclass(frozen=True, eq=False)
class Faults:
    """Rectangles of faulty cells on one array."""

    row: IntArray
    column: IntArray
    height: IntArray
    width: IntArray

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, eq=False)
class Strip:
    """Some columns of an array, and every row on which they have a cell that can conduct."""

    rows: IntArray
    columns: IntArray
    cells: FloatArray
    """(rows, columns)"""
    variance: FloatArray | None
    """Of each cell from read to read; None: none has any."""


@dataclass(frozen=True, eq=False)
class Periphery:
    """How arrays are driven and read, and of what their cells are made."""

    chip: Chip
    coding: Coding
    rows_per_phase: int | None


def run_array(
    standing: Standing,
    faults: Faults,
    values: CellValues,
    drivers: FloatArray,
    totals: FloatArray,
    periphery: Periphery,
) -> None:
    """Program one array with the blocks that stand on it, run its steps, and add what they yield to `totals`.

    `drivers` (elements of inputs, slices, batch) is all that rows can be driven with; `totals` is (slices of
    outputs, slices of inputs, batch). Columns do not influence one another: a large array is programmed and
    read some at a time. Steps in which nothing is wanted are left out.
    """
    rows = covered(standing.top, standing.bottom)
    columns = covered(standing.left, standing.right)
    steps = [step for step in standing.runs("start") if step.wanted.any()]
    if not steps:
        return
    width = max(1, _CELLS // max(1, len(rows)))
    for begin in range(0, len(columns), width):
        strip = program_cells(standing, faults, values, rows, columns[begin : begin + width], periphery)
        for step in steps:
            _read(step, strip, drivers, totals, periphery)


def program_cells(
    standing: Standing,
    faults: Faults,
    values: CellValues,
    driven: IntArray,
    columns: IntArray,
    periphery: Periphery,
) -> Strip:
    """Write some columns, block after block. Faulty cells take no weight; those never driven are left out."""
    chip, most = periphery.chip, periphery.coding.top
    first, last = columns[0], columns[-1]
    here = standing.part(np.flatnonzero((standing.left <= last) & (standing.right > first)))
    broken = np.flatnonzero((faults.column <= last) & (faults.column + faults.width > first))
    rows = driven if chip.precision.stuck else covered(here.top, here.bottom)
    if len(broken):
        begin = np.searchsorted(driven, faults.row[broken])
        end = np.searchsorted(driven, faults.row[broken] + faults.height[broken])
        rows = np.union1d(rows, driven[covered(begin, end)])
    cells = np.zeros((len(rows), len(columns)))
    programmed = np.zeros(cells.shape if chip.precision.disturbed else (0, 0), dtype=bool)
    top, bottom = np.searchsorted(rows, here.top), np.searchsorted(rows, here.bottom)
    left, right = np.searchsorted(columns, here.left), np.searchsorted(columns, here.right)
    for b in np.argsort(here.block).tolist():
        r, c = slice(top[b], bottom[b]), slice(left[b], right[b])
        # Rows and columns of one block are all there, so they follow one another without a gap.
        down, across = here.top[b] - here.row[b], max(here.left[b], first) - here.column[b]
        part = values(int(here.block[b]))[down : down + r.stop - r.start, across : across + c.stop - c.start]
        cells[r, c] = part
        programmed[r, c] = True
    variance = None
    if chip.precision.disturbed:
        draw = chip.draw(int(standing.kind[0]), int(standing.array[0]), int(first))
        cells, variance = disturb(cells, programmed, most, chip.precision, draw)
    for b in broken.tolist():
        r = slice(*np.searchsorted(rows, [faults.row[b], faults.row[b] + faults.height[b]]))
        c = slice(*np.searchsorted(columns, [faults.column[b], faults.column[b] + faults.width[b]]))
        cells[r, c] = np.minimum(stuck(rows[r, None], columns[c]), most)
    return Strip(rows, columns, cells, variance)


def stuck(row: IntArray, column: IntArray) -> FloatArray:
    """What faulty cells conduct: it follows from where they are, and is never a whole number, so never 0."""
    return ((row * 7919 + column * 104729) % 9973).astype(np.float64) + 0.5


def _read(
    step: Standing, strip: Strip, drivers: FloatArray, totals: FloatArray, periphery: Periphery
) -> None:
    """Run one step, phase after phase, as far as it reads columns of the strip."""
    column, target = destinations(step.part(step.wanted), len(totals))
    inside = (column >= strip.columns[0]) & (column <= strip.columns[-1])
    if not inside.any():
        return
    across = np.searchsorted(strip.columns, column[inside])
    row, element, phase = drive(step, periphery.rows_per_phase)
    down = np.searchsorted(strip.rows, row)
    conducts = np.searchsorted(strip.rows, row, side="right") > down
    converter = Converter(periphery.chip.precision, rows_summed(step, periphery.rows_per_phase))
    place = (step.kind[0], step.array[0], strip.columns[0], step.start[0])
    draw = periphery.chip.draw(*map(int, place)) if strip.variance is not None else None
    for number in range(int(phase.max(initial=-1)) + 1):
        now = conducts & (phase == number)
        cells, driven = np.ix_(down[now], across), drivers[element[now]]
        sums = np.tensordot(strip.cells[cells].T, driven, 1)
        if strip.variance is not None and draw is not None:
            variance = np.tensordot(strip.variance[cells].T, driven**2, 1)
            sums += np.sqrt(variance) * draw.standard_normal(sums.shape)
        np.add.at(totals, target[inside], converter.convert(sums))


def destinations(step: Standing, targets: int) -> tuple[IntArray, IntArray]:
    """Each read column with each slice of an output that a block of the step has on it, once."""
    column = ranges(step.left, step.right)
    target = column + np.repeat(step.target, step.right - step.left)
    if len(step) > 1:
        column, target = np.divmod(np.unique(column * targets + target), targets)
    return column, target


def drive(step: Standing, rows_per_phase: int | None) -> tuple[IntArray, IntArray, IntArray]:
    """The driven rows, the element of all inputs that each carries, and the phase in which it is driven.

    Rows of rank 0 .. n-1, n .. 2n-1, ... are driven together. As long as blocks that share a column share no
    row, and a row has the same rank on all columns that want it, no column then sums more than n wanted rows
    at a time, in as few phases as there can be.
    """
    wanted = ranges(step.top, step.bottom)
    element = wanted + np.repeat(step.driver, step.bottom - step.top)
    phase = np.zeros_like(wanted) if rows_per_phase is None else _ranks(step) // rows_per_phase
    if len(step) == 1:
        return wanted, element, phase
    row, place = np.unique(wanted, return_inverse=True)
    last, latest = np.zeros_like(row), np.zeros_like(row)
    np.maximum.at(last, place, np.arange(len(wanted)))
    np.maximum.at(latest, place, phase)
    return row, element[last], latest


def rows_summed(step: Standing, rows_per_phase: int | None) -> int:
    """The most rows that a column of the step sums at a time, as far as its own blocks want them."""
    wanted = int(_ranks(step).max(initial=-1)) + 1
    return wanted if rows_per_phase is None else min(wanted, rows_per_phase)


def _ranks(step: Standing) -> IntArray:
    """For each row of each block, one after the other: how many rows one of its columns wants above it."""
    columns = covered(step.left, step.right)
    begin, end = np.searchsorted(columns, step.left), np.searchsorted(columns, step.right)
    height = step.bottom - step.top
    depth = np.zeros(len(columns), dtype=np.int64)
    above = np.zeros(len(step), dtype=np.int64)
    for b in np.argsort(step.top, kind="stable").tolist():
        mine = depth[begin[b] : end[b]]
        above[b] = mine.max(initial=0)
        mine += height[b]
    return ranges(above, above + height)
