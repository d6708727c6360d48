"""Operators whose blocks cannot stand on one array: those of one leave the others fewer arrays."""

from __future__ import annotations

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds.stages import TimedStage
from sbdopt.bounds.work import Work
from sbdopt.documents import BoolArray, IntArray
from sbdopt.timing import NEVER

_MOST_SIZES = 24
_MOST_ARRAYS = 1 << 16


def longer_apart(blocks: Blocks, stages: list[TimedStage], work: Work, arrays: int) -> int:
    """By how much some of these stages take longer in all than their paths, on at most so many arrays.

    Taken are stages of one operator whose blocks are all read alone, in two groups: two blocks, one of
    either, are together higher than any array, and wider. Neither above nor beside each other, they are on
    different arrays. So if the blocks of one group stand on a arrays, those of the other have at most the
    rest. Of n blocks on a arrays some array has n / a or more, rounded up, and reads them one by one. What
    the stages take adds up; it is at least the least over all a.
    """
    count = np.diff(blocks.first)
    mine = [stage for stage in stages if len(stage.operators) == 1]
    operators = np.array([stage.operators[0] for stage in mine], dtype=np.int64)
    path = np.array([stage.path for stage in mine], dtype=np.int64)
    alone = (count[operators] > 0) & (work.alone_blocks[operators] == count[operators])
    operators, path = operators[alone], path[alone]
    if not 1 < arrays <= _MOST_ARRAYS:
        return 0
    height, columns = (_smallest(blocks, sizes)[operators] for sizes in (blocks.height, blocks.columns))
    sizes = np.unique(np.stack([height, columns], axis=1), axis=0)
    best = 0
    for one in sizes if len(sizes) <= _MOST_SIZES else []:
        for other in sizes:
            if any((one + other <= (kind.rows, kind.columns)).any() for kind in blocks.hardware.arrays):
                continue
            first = (height >= one[0]) & (columns >= one[1])
            second = (height >= other[0]) & (columns >= other[1]) & ~first
            if first.any() and second.any():
                best = max(best, _longer(operators, path, count, first, second, work, arrays))
    return best


def _smallest(blocks: Blocks, sizes: IntArray) -> IntArray:
    """Per operator the smallest of these sizes of its blocks."""
    result = np.full(len(blocks.predecessors), NEVER, dtype=np.int64)
    np.minimum.at(result, blocks.operator, sizes)
    return result


def _longer(
    operators: IntArray,
    path: IntArray,
    count: IntArray,
    first: BoolArray,
    second: BoolArray,
    work: Work,
    arrays: int,
) -> int:
    given = np.arange(1, arrays)
    longer = np.zeros(len(given), dtype=np.int64)
    for group, on in ((first, given), (second, arrays - given)):
        table = np.stack([count[operators], work.shortest[operators], path])[:, group]
        alike, number = np.unique(table, axis=1, return_counts=True)
        for (blocks, cycles, least), times in zip(alike.T.tolist(), number.tolist(), strict=True):
            longer += times * np.maximum(0, -(-blocks // on) * cycles - least)
    return int(longer.min())
