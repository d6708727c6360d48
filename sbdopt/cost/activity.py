"""What the arrays do for one token: reads, conversions, drives, cells read, partial sums added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.judge.steps import Steps, group, numbered
from sbdopt.placement import Placement


@dataclass(frozen=True, eq=False)
class Activity:
    """Counts of one token; columns have one entry a kind of array, but `reads`."""

    steps: Steps
    reads: IntArray
    """For each step: input slices x phases."""
    array_reads: IntArray
    """Reads of whole arrays: the sum of `reads`."""
    conversions: IntArray
    """Reads x columns read."""
    drives: IntArray
    """Input slices x rows driven: each row is driven in one of the phases."""
    cell_reads: IntArray
    """Drives x columns read: cells on a driven row and a read column conduct, wanted or not."""
    additions: int
    """Outputs that steps yield, less those that there are: partial sums to be added digitally."""
    arrays: IntArray
    """Arrays that hold a block."""
    peripheries: IntArray
    """Tiles (arrays that share drivers and converters) that hold a block."""


def count_activity(blocks: Blocks, placement: Placement) -> Activity:
    """The counts of a legal placement."""
    steps = group(blocks, placement)
    slices = blocks.hardware.input_slices
    kinds = len(blocks.hardware.arrays)

    def by_kind(values: IntArray) -> IntArray:
        result = np.zeros(kinds, dtype=np.int64)
        np.add.at(result, steps.kind, values)
        return result

    yielded = int(steps.columns.sum()) // blocks.hardware.columns_per_weight
    return Activity(
        steps=steps,
        reads=slices * steps.phases,
        array_reads=by_kind(slices * steps.phases),
        conversions=by_kind(slices * steps.phases * steps.columns),
        drives=by_kind(slices * steps.rows),
        cell_reads=by_kind(slices * steps.rows * steps.columns),
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
