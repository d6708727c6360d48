"""The array that holds most of some blocks: it has to read them all, whatever the others do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import ceil, gcd

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds.circles import circles_of, closed_circles, may_join, most_in_a_step, stacked
from sbdopt.bounds.stages import TimedStage
from sbdopt.bounds.work import array_cells
from sbdopt.documents import BoolArray, FloatArray, IntArray
from sbdopt.timing import block_cycles

_MOST_AREAS = 24
"""Areas of blocks, each two of which give a divisor to try."""
_MOST_CELLS = 1 << 22
"""Of an array, each number of which is looked at."""
_ROUNDING = 1e-6
"""What sums of floats may be too large by."""


def longer_on_one_array(
    blocks: Blocks, stages: Sequence[TimedStage], least: Sequence[int], unused: int, arrays: int
) -> int:
    """By how much stages that take `least` each take longer in all, on at most so many arrays.

    Chosen are the blocks whose areas are no multiples of some g. Some array holds many of their cells, see
    `fullest_array`, and reads them within the stages, which follow one another: each takes at least `least`,
    and at least what its cells on this array take. So what goes beyond the cells that can be read in `least`
    makes stages longer, least so where a cell takes the fewest cycles. 0 where arrays differ in cells, and
    where there is too much to look at.
    """
    sizes = array_cells(blocks)
    areas = blocks.height * blocks.columns
    distinct = np.unique(areas).tolist()
    if len(set(sizes)) > 1 or len(distinct) > _MOST_AREAS or max(sizes) > _MOST_CELLS:
        return 0
    cycles = _cycles_of_cells(blocks, unused, areas)
    extra = 0.0
    for divisor in sorted({*distinct, *(gcd(*pair) for pair in combinations(distinct, 2))}):
        chosen = areas % divisor > 0
        if chosen.any():
            cells = fullest_array(areas[chosen], divisor, sizes[0], unused, arrays)
            extra = max(extra, _longer(blocks, stages, least, chosen, areas, cycles, cells))
    return ceil(extra - _ROUNDING)


def fullest_array(areas: IntArray, divisor: int, cells: int, unused: int, arrays: int) -> int:
    """Cells that blocks of these areas take on some array at least, all others being multiples of `divisor`.

    Say no array has more than m of them. What is left of an array is filled by multiples of the divisor,
    but for its unused cells. With b the largest number up to m that leaves such a multiple, an array that
    has more than b has b + j, up to m, and at least divisor - j cells unused: there are few such arrays.
    All arrays together hold no more than that; if it is not enough, some array has more than m.
    """
    unit, total = int(np.gcd.reduce(areas)), int(areas.sum())
    most = np.arange(0, cells + 1, unit)
    even = cells - divisor * -(-(cells - most) // divisor)
    waste = divisor - (most - even)
    even = np.maximum(even, 0)
    room = arrays * even + np.minimum(arrays, unused // waste) * (most - even)
    return int(most[room < total].max(initial=-unit)) + unit


def _longer(
    blocks: Blocks,
    stages: Sequence[TimedStage],
    least: Sequence[int],
    chosen: BoolArray,
    areas: IntArray,
    cycles: FloatArray,
    cells: int,
) -> float:
    """Cycles that these stages take beyond `least` if one array reads so many cells of the chosen blocks.

    In each stage at the fewest cycles a cell that any of them takes; what goes beyond `least` is taken from
    stages where that is least first, as far as they have cells.
    """
    slower: list[tuple[float, float]] = []
    left = float(cells)
    for stage, low in zip(stages, least, strict=True):
        mine = np.flatnonzero(chosen & np.isin(blocks.operator, stage.operators))
        rate, there = float(cycles[mine].min(initial=np.inf)), float(areas[mine].sum())
        free = min(there, low / rate) if rate > 0 else there
        left -= free
        slower.append((rate, there - free))
    longer = 0.0
    for rate, there in sorted(slower):
        if left > 0 and there > 0:
            longer += rate * min(left, there)
            left -= there
    return longer


def _cycles_of_cells(blocks: Blocks, unused: int, areas: IntArray) -> FloatArray:
    """Cycles of a tile that each block takes at least, for each of its cells.

    A block that is read alone takes those of a step of its own. Another takes its conversions - its part of
    them if other blocks add to its outputs - and, if its circle is read alone, its part of the settling that
    as many blocks share as a step can read of them.
    """
    hardware = blocks.hardware
    circle = circles_of(blocks)
    closed = closed_circles(circle, may_join(blocks, unused))
    alone = closed & (np.bincount(circle)[circle] == 1)
    tallest = max(kind.rows for kind in hardware.arrays)
    summed = min(tallest, hardware.rows_per_phase or tallest)
    least = hardware.conversion_cycles + hardware.conversion_cycles_per_bit
    turns = blocks.columns / max(kind.adcs for kind in hardware.arrays)
    conversions = least * turns * np.where(stacked(blocks), np.minimum(1, blocks.height / summed), 1)
    settled = np.where(closed, hardware.settle_cycles / most_in_a_step(blocks, circle)[circle], 0)
    shared = hardware.input_slices * (conversions + settled)
    result: FloatArray = np.where(alone, block_cycles(blocks).min(axis=0), shared) / areas
    return result
