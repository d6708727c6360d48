"""Which blocks are read together, and how many cycles that takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray
from sbdopt.placement import Placement


@dataclass(frozen=True, eq=False)
class Intervals:
    """Driven rows or read columns of all steps: begin .. end - 1, sorted, none touching another.

    All steps lie one after another on one line: row or column p of step s is the number s * span + p.
    """

    span: int
    begin: IntArray
    end: IntArray

    @property
    def step(self) -> IntArray:
        """The step of each interval."""
        return self.begin // self.span

    def meet(self, step: IntArray, begin: IntArray, size: IntArray) -> BoolArray:
        """Whether any of `begin` .. `begin + size - 1` is in an interval of the step."""
        begin = step * self.span + begin
        following = np.searchsorted(self.end, begin, side="right")
        none = np.iinfo(np.int64).max
        met: BoolArray = np.append(self.begin, none)[following] < begin + size
        return met


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of a placement, sorted by (kind, array, start); columns have one entry a step, but `of`."""

    of: IntArray
    """For each block the step in which it is read."""
    kind: IntArray
    array: IntArray
    start: IntArray
    tile: IntArray
    """Equal numbers share one periphery; sorted by (kind, array // tiers), from 0 without gaps."""
    blocks: IntArray
    """How many blocks are read."""
    driven: Intervals
    read: Intervals
    rows: IntArray
    """How many rows are driven."""
    columns: IntArray
    """How many columns are read."""
    phases: IntArray
    duration: IntArray
    """In cycles."""

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def end(self) -> IntArray:
        """The first cycle after each step."""
        return self.start + self.duration


def group(blocks: Blocks, placement: Placement) -> Steps:
    """The steps of a placement whose blocks lie inside arrays that exist."""
    hardware = blocks.hardware
    of = numbered(placement.kind, placement.array, placement.start)
    first = np.unique(of, return_index=True)[1]
    kind, array, start = placement.kind[first], placement.array[first], placement.start[first]
    tiers = np.array([one.tiers for one in hardware.arrays], dtype=np.int64)
    adcs = np.array([one.adcs for one in hardware.arrays], dtype=np.int64)
    span = 1 + max(max(one.rows, one.columns) for one in hardware.arrays)
    driven = _merged(span, of * span + placement.row, blocks.height)
    read = _merged(span, of * span + placement.column, blocks.columns)
    columns = _total(read)
    height = _largest_height(span, of * span + placement.column, blocks.columns, blocks.height)
    limit = hardware.rows_per_phase
    phases = np.ones_like(height) if limit is None else -(-height // limit)
    bits = _bits(height if limit is None else np.minimum(height, limit))
    conversion = hardware.conversion_cycles + hardware.conversion_cycles_per_bit * bits
    turn = hardware.settle_cycles + -(-columns // adcs[kind]) * conversion
    return Steps(
        of=of,
        kind=kind,
        array=array,
        start=start,
        tile=numbered(kind, array // tiers[kind]),
        blocks=np.bincount(of, minlength=len(kind)),
        driven=driven,
        read=read,
        rows=_total(driven),
        columns=columns,
        phases=phases,
        duration=hardware.input_slices * phases * turn,
    )


def finishes(blocks: Blocks, steps: Steps) -> list[int]:
    """For each operator of the problem the cycle in which it has finished.

    An operator with blocks finishes when the last step of one of them ends; a digital one its cycles after
    all its predecessors have finished, and one that has neither blocks nor cycles together with them.
    """
    filled = np.flatnonzero(np.diff(blocks.first))
    last = np.maximum.reduceat(steps.end[steps.of], blocks.first[filled])
    ends = dict(zip(filled.tolist(), last.tolist(), strict=True))
    finish = [0] * len(blocks.predecessors)
    for operator in blocks.order:
        ready = max((finish[before] for before in blocks.predecessors[operator]), default=0)
        cycles = blocks.problem.operators[operator].cycles or 0
        finish[operator] = ends.get(operator, ready + cycles)
    return finish


def numbered(*columns: IntArray) -> IntArray:
    """For each row of a table its place among all different rows, in lexicographic order."""
    order = np.lexsort(columns[::-1])
    differs = np.zeros(len(order), dtype=bool)
    for column in columns:
        differs[1:] |= np.diff(column[order]) != 0
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(differs)
    return number


def _merged(span: int, begin: IntArray, size: IntArray) -> Intervals:
    """The union of intervals on the line of all steps; `span` leaves a gap between one step and the next."""
    order = np.argsort(begin, kind="stable")
    begin = begin[order]
    reach = np.maximum.accumulate(begin + size[order])
    opens = np.ones(len(begin), dtype=bool)
    opens[1:] = begin[1:] > reach[:-1]
    return Intervals(span, begin[opens], reach[np.roll(opens, -1)])


def _total(intervals: Intervals) -> IntArray:
    """Rows or columns of each step."""
    first = np.unique(intervals.step, return_index=True)[1]
    return np.add.reduceat(intervals.end - intervals.begin, first)


def _largest_height(span: int, begin: IntArray, columns: IntArray, height: IntArray) -> IntArray:
    """For each step the largest number of cells of its blocks on one column, on the line of all steps.

    Going over the columns from left to right, a block's height is added where it begins and taken off behind
    its end - first taken off, then added, so that no sum on the way exceeds the one that counts.
    """
    place = np.concatenate([begin + columns, begin])
    order = np.argsort(place, kind="stable")
    sums = np.cumsum(np.concatenate([-height, height])[order])
    first = np.unique(place[order] // span, return_index=True)[1]
    return np.maximum.reduceat(sums, first)


def _bits(summed: IntArray) -> IntArray:
    """max(1, ceil(log2(summed))): how many powers of two from 1 on are smaller."""
    powers = 1 << np.arange(62, dtype=np.int64)
    return np.maximum(1, np.searchsorted(powers, summed, side="left")).astype(np.int64)
