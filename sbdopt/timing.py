"""How long a step takes, and how long the operators need if nothing stands in their way."""

from __future__ import annotations

from math import gcd

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.problem import Hardware

NEVER = np.iinfo(np.int64).max
"""Cycles of what cannot be done at all."""


def step_cycles(hardware: Hardware, adcs: int, columns: IntArray, rows: IntArray) -> IntArray:
    """Duration of steps that read `columns` columns with at most `rows` wanted cells on one column.

    The formula of the format; it never falls when `columns` or `rows` grows, or `adcs` shrinks.
    """
    limit = hardware.rows_per_phase
    phases = np.ones_like(rows) if limit is None else -(-rows // limit)
    summed = rows if limit is None else np.minimum(rows, limit)
    conversion = hardware.conversion_cycles + hardware.conversion_cycles_per_bit * _bits(summed)
    turns: IntArray = hardware.settle_cycles + -(-columns // adcs) * conversion
    return hardware.input_slices * phases * turns


def step_unit(hardware: Hardware) -> int:
    """Every step takes a multiple of so many cycles."""
    return hardware.input_slices * gcd(
        hardware.settle_cycles, hardware.conversion_cycles, hardware.conversion_cycles_per_bit
    )


def _bits(summed: IntArray) -> IntArray:
    """max(1, ceil(log2(summed))), exactly: the bits of summed - 1."""
    _, exponent = np.frexp(np.maximum(summed - 1, 1).astype(np.float64))
    return exponent.astype(np.int64)


def block_cycles(blocks: Blocks) -> IntArray:
    """For each kind of array (rows) and block (columns) the duration of a step of the block alone.

    `NEVER` where the block does not fit. Any step that holds the block takes at least as long, since it
    reads at least its columns and sums at least its rows.
    """
    kinds = blocks.hardware.arrays
    result = np.full((len(kinds), len(blocks)), NEVER, dtype=np.int64)
    for number, kind in enumerate(kinds):
        fits = (blocks.height <= kind.rows) & (blocks.columns <= kind.columns)
        cycles = step_cycles(blocks.hardware, kind.adcs, blocks.columns[fits], blocks.height[fits])
        result[number, fits] = cycles
    return result


def operator_cycles(blocks: Blocks) -> IntArray:
    """Least cycles of every operator: the slowest block on its fastest kind, or the digital cycles."""
    result = np.array([operator.cycles or 0 for operator in blocks.problem.operators], dtype=np.int64)
    if len(blocks):
        np.maximum.at(result, blocks.operator, block_cycles(blocks).min(axis=0))
    return result


def earliest_starts(blocks: Blocks, cycles: IntArray) -> IntArray:
    """Cycle in which each operator can start at the earliest, if operators take `cycles`."""
    starts = [0] * len(cycles)
    duration = cycles.tolist()
    for operator in blocks.order:
        for before in blocks.predecessors[operator]:
            starts[operator] = max(starts[operator], starts[before] + duration[before])
    return np.array(starts, dtype=np.int64)


def longest_path(blocks: Blocks, cycles: IntArray) -> int:
    """The cycles of the longest path of operators, if operators take `cycles`."""
    return int((earliest_starts(blocks, cycles) + cycles).max(initial=0))


def tails(blocks: Blocks, cycles: IntArray) -> IntArray:
    """Cycles from the end of each operator to the end of the last, if operators take `cycles`."""
    after = [0] * len(cycles)
    duration = cycles.tolist()
    for operator in reversed(blocks.order):
        for before in blocks.predecessors[operator]:
            after[before] = max(after[before], after[operator] + duration[operator])
    return np.array(after, dtype=np.int64)
