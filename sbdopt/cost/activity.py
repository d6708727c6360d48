"""What the arrays do for one token: reads, conversions, drives, cells read, partial sums added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import FloatArray, IntArray
from sbdopt.judge.steps import Steps, group, numbered
from sbdopt.placement import Placement


@dataclass(frozen=True, eq=False)
class Activity:
    """Counts of one token; columns have one entry a kind of array, but `reads`.

    They are floating, since products of the largest numbers of the format do not fit 64 bits.
    """

    steps: Steps
    reads: IntArray
    """For each step: input slices x phases."""
    array_reads: FloatArray
    """Reads of whole arrays: the sum of `reads`."""
    conversions: FloatArray
    """Reads x columns read."""
    drives: FloatArray
    """Input slices x rows driven: each row is driven in one of the phases."""
    cell_reads: FloatArray
    """Drives x columns read: cells on a driven row and a read column conduct, wanted or not."""
    additions: int
    """Outputs that steps yield, less those that there are: partial sums to be added digitally."""
    arrays: FloatArray
    """Arrays that hold a block."""
    peripheries: FloatArray
    """Tiles (arrays that share drivers and converters) that hold a block."""


def count_activity(blocks: Blocks, placement: Placement) -> Activity:
    """The counts of a legal placement."""
    steps = group(blocks, placement)
    reads = blocks.hardware.input_slices * steps.phases
    drives = blocks.hardware.input_slices * steps.rows.astype(np.float64)

    def by_kind(values: IntArray | FloatArray) -> FloatArray:
        sums = np.bincount(steps.kind, weights=values, minlength=len(blocks.hardware.arrays))
        return sums.astype(np.float64)

    yielded = int(steps.columns.sum()) // blocks.hardware.columns_per_weight
    return Activity(
        steps=steps,
        reads=reads,
        array_reads=by_kind(reads),
        conversions=by_kind(reads.astype(np.float64) * steps.columns),
        drives=by_kind(drives),
        cell_reads=by_kind(drives * steps.columns),
        additions=yielded - _outputs(blocks),
        arrays=by_kind(_first(numbered(steps.kind, steps.array))),
        peripheries=by_kind(_first(steps.tile)),
    )


def _first(numbers: IntArray) -> IntArray:
    """1 at the first entry of each number, 0 at others; the numbers are sorted."""
    return np.diff(numbers, prepend=-1).astype(bool).astype(np.int64)


def _outputs(blocks: Blocks) -> int:
    """Outputs of all operators that any block has: the union of intervals on the line of all operators."""
    if not len(blocks):
        return 0
    end = blocks.output + blocks.width
    begin = blocks.operator * int(end.max()) + blocks.output
    order = np.argsort(begin, kind="stable")
    begin, width = begin[order], blocks.width[order]
    reach = np.maximum.accumulate(begin + width)
    before = np.concatenate([begin[:1], reach[:-1]])
    return int(np.maximum(0, reach - np.maximum(begin, before)).sum())
