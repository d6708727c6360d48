"""Bands: blocks that read the same inputs, on the same rows; read in one step, they settle once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.search.neighbourhoods import levels
from sbdopt.timing import NEVER, step_cycles

Band = tuple[int, ...]
"""Blocks, none of which has rows without the others."""


@dataclass(frozen=True, eq=False)
class Family:
    """Groups of blocks; those of a group read the same inputs and wait for the same operators.

    The first blocks of all groups are of the same operator and size, and so are the second ones, and so on:
    groups that are divided in the same way give bands of the same classes.
    """

    groups: list[list[int]]
    divisions: list[list[slice]]
    """Ways to divide a group into bands: which of its blocks each band has."""


@dataclass(frozen=True, eq=False)
class BandClasses:
    """All classes of bands that blocks can make: of blocks of the same operators and sizes."""

    families: list[Family]
    """Every block is in one group of one of them."""
    of_division: list[list[list[int]]]
    """For each family and division the class of each of its bands."""
    parts: IntArray
    """How many blocks of each size (columns) a band of each class (rows) has."""
    level: IntArray
    """Of the operators of each class, from 0 without gaps."""
    cycles: IntArray
    """Of a step that reads a band of the class (columns), on each kind of array (rows)."""

    @classmethod
    def of(cls, blocks: Blocks, size: IntArray) -> BandClasses:
        """Those of a problem; `size` is a number for the size of each block."""
        families = _families(blocks, size)
        numbers: dict[tuple[tuple[int, int], ...], int] = {}
        examples: list[list[int]] = []
        of_division: list[list[list[int]]] = []
        for family in families:
            of_division.append([])
            for division in family.divisions:
                of_division[-1].append([])
                for piece in division:
                    band = family.groups[0][piece]
                    key = tuple((int(blocks.operator[b]), int(size[b])) for b in band)
                    if key not in numbers:
                        numbers[key] = len(examples)
                        examples.append(band)
                    of_division[-1][-1].append(numbers[key])
        parts = np.array([np.bincount(size[band], minlength=int(size.max()) + 1) for band in examples])
        first = np.array([band[0] for band in examples])
        _, level = np.unique(levels(blocks)[blocks.operator[first]], return_inverse=True)
        columns = np.array([int(blocks.columns[band].sum()) for band in examples])
        return cls(families, of_division, parts, level, _cycles(blocks, columns, blocks.height[first]))


def _cycles(blocks: Blocks, columns: IntArray, height: IntArray) -> IntArray:
    """Cycles of a step of so many columns and rows on each kind of array; `NEVER` where it does not fit."""
    kinds = blocks.hardware.arrays
    result = np.full((len(kinds), len(columns)), NEVER, dtype=np.int64)
    for number, kind in enumerate(kinds):
        fits = (height <= kind.rows) & (columns <= kind.columns)
        result[number, fits] = step_cycles(blocks.hardware, kind.adcs, columns[fits], height[fits])
    return result


def _families(blocks: Blocks, size: IntArray) -> list[Family]:
    """All blocks in groups of no more columns than the widest array has."""
    widest = max(kind.columns for kind in blocks.hardware.arrays)
    alike: dict[tuple[object, ...], list[int]] = {}
    tables = (blocks.operator, blocks.vector, blocks.input, blocks.height)
    for block, (operator, *rows) in enumerate(zip(*(table.tolist() for table in tables), strict=True)):
        alike.setdefault((*rows, blocks.predecessors[operator]), []).append(block)
    families: dict[tuple[tuple[int, int], ...], list[list[int]]] = {}
    for members in alike.values():
        for group in _cut(blocks, members, widest):
            key = tuple((int(blocks.operator[b]), int(size[b])) for b in group)
            families.setdefault(key, []).append(group)
    return [Family(groups, _divisions(len(groups[0]))) for groups in families.values()]


def _cut(blocks: Blocks, members: Sequence[int], widest: int) -> list[list[int]]:
    """Groups of no more than so many columns, in the order of the blocks."""
    groups: list[list[int]] = []
    filled = widest
    for block in members:
        filled += int(blocks.columns[block])
        if filled > widest:
            groups.append([])
            filled = int(blocks.columns[block])
        groups[-1].append(block)
    return groups


def _divisions(count: int) -> list[list[slice]]:
    """So many blocks as one band, as two, and each by itself."""
    ends = {(0, count), (0, -(-count // 2), count), tuple(range(count + 1))}
    return [[slice(a, b) for a, b in pairwise(one) if a < b] for one in sorted(ends)]
