"""How much reading there is to do, and on how many tiles it can be done at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds.circles import PARTS, circles_of, closed_circles, may_join, shares_of_steps
from sbdopt.documents import BoolArray, IntArray
from sbdopt.timing import NEVER, block_cycles


@dataclass(frozen=True, eq=False)
class Work:
    """Work of each operator, and the tiles that share it.

    Blocks that can never be read together with another one are `alone`: they take their own cycles of a
    tile. The others are counted by the columns that must be converted for them, and by the steps that they
    need at least: one for each circle of blocks that are never read together with any block outside it.
    """

    tiles: int
    alone: IntArray
    """Per operator: cycles of a tile that its blocks that are read alone take, all in all."""
    alone_blocks: IntArray
    """Per operator: how many blocks that are."""
    shortest: IntArray
    """Per operator: fewest cycles of any of them."""
    columns: IntArray
    """Per operator: columns x phases that must be converted for its other blocks."""
    steps: IntArray
    """Per operator: its shares of the steps of circles, in parts of which `PARTS` make a step. What several
    operators have in common is shared evenly, so that the shares of any operators are at most their steps."""
    settle: int
    conversion: int
    adcs: int
    """Fewest cycles of settling and of conversion of any step; most converters of any array."""

    @property
    def any_work(self) -> BoolArray:
        """Operators that take any time of a tile."""
        return (self.alone > 0) | (self.columns > 0)

    def share(self, operators: list[int]) -> int:
        """Cycles that some tile is busy with these operators at least."""
        return int(self.shares_of_prefixes(np.array(operators, dtype=np.int64))[-1])

    def shares_of_prefixes(self, operators: IntArray) -> IntArray:
        """The same for the first, the first two, ... of these operators.

        Work of w cycles in all is at least w / tiles on some tile. All steps together settle once each, and
        take at least as many turns as all their columns take in one step. The tile that converts most
        columns also settles once, and its conversions are rounded up to whole turns. Of n blocks that are
        read alone some tile has at least n / tiles, rounded up, none of which takes less than the shortest.
        """
        alone = np.cumsum(self.alone[operators])
        columns = np.cumsum(self.columns[operators])
        turns = -(-columns // self.adcs)
        settled = self.settle * np.cumsum(self.steps[operators])
        total = -(-(PARTS * (alone + self.conversion * turns) + settled) // (PARTS * self.tiles))
        most_columns = -(-columns // self.tiles)
        converted = self.settle + self.conversion * -(-most_columns // self.adcs)
        most_blocks = -(-np.cumsum(self.alone_blocks[operators]) // self.tiles)
        one_by_one = most_blocks * np.minimum.accumulate(self.shortest[operators])
        by_columns: IntArray = np.where(columns > 0, converted, 0)
        by_blocks: IntArray = np.where(most_blocks > 0, one_by_one, 0)
        result: IntArray = np.maximum(np.maximum(total, by_columns), by_blocks)
        return result


def array_cells(blocks: Blocks) -> list[int]:
    """Cells of an array of each kind."""
    return [kind.cells for kind in blocks.hardware.arrays]


def most_unused(blocks: Blocks, given: Mapping[str, int]) -> int | None:
    """The most unused cells within what is given: so many arrays have no more cells than the largest have."""
    limits = [given["unused_cells"]] if "unused_cells" in given else []
    if "arrays" in given:
        limits.append(given["arrays"] * max(array_cells(blocks)) - blocks.cells)
    return min(limits, default=None)


def measure_work(blocks: Blocks, unused: int | None, arrays: int | None = None) -> Work | None:
    """The work of a problem with at most so many unused cells and arrays.

    None where there are as many tiles as anyone wants.
    """
    tiles = most_tiles(blocks, unused, arrays)
    if tiles is None or not len(blocks):
        return None
    circle = circles_of(blocks)
    return work_of(blocks, tiles, circle, closed_circles(circle, may_join(blocks, unused)))


def work_of(blocks: Blocks, tiles: int, circle: IntArray, closed: BoolArray) -> Work:
    """The work if no step reads a block in `closed` with one of another circle."""
    hardware = blocks.hardware
    alone = closed & (np.bincount(circle)[circle] == 1)
    cycles = block_cycles(blocks).min(axis=0)
    operators = len(blocks.predecessors)
    alone_cycles = np.zeros(operators, dtype=np.int64)
    np.add.at(alone_cycles, blocks.operator[alone], cycles[alone])
    shortest = np.full(operators, NEVER, dtype=np.int64)
    np.minimum.at(shortest, blocks.operator[alone], cycles[alone])
    columns = np.zeros(operators, dtype=np.int64)
    for operator in np.unique(blocks.operator[~alone]).tolist():
        mine = np.arange(blocks.first[operator], blocks.first[operator + 1])
        columns[operator] = _columns_to_convert(blocks, mine[~alone[mine]])
    least = hardware.conversion_cycles + hardware.conversion_cycles_per_bit
    return Work(
        tiles=tiles,
        alone=alone_cycles,
        alone_blocks=np.bincount(blocks.operator[alone], minlength=operators),
        shortest=shortest,
        columns=columns,
        steps=shares_of_steps(blocks, circle, closed & ~alone),
        settle=hardware.input_slices * hardware.settle_cycles,
        conversion=hardware.input_slices * least,
        adcs=max(kind.adcs for kind in hardware.arrays),
    )


def most_arrays(blocks: Blocks, unused: int | None, arrays: int | None) -> int | None:
    """The most arrays that a solution can use: of those there are, and by its cells or arrays if limited."""
    kinds = blocks.hardware.arrays
    limits = [] if arrays is None else [arrays]
    if all(kind.count is not None for kind in kinds):
        limits.append(sum(kind.count or 0 for kind in kinds))
    if unused is not None:
        limits.append((blocks.cells + unused) // min(array_cells(blocks)))
    return max(1, min(limits)) if limits else None


def most_tiles(blocks: Blocks, unused: int | None, arrays: int | None) -> int | None:
    """The most tiles that a solution can use: no more than arrays, nor than there are."""
    most, kinds = most_arrays(blocks, unused, arrays), blocks.hardware.arrays
    if most is None or any(kind.count is None for kind in kinds):
        return most
    return min(most, sum(-(-(kind.count or 0) // kind.tiers) for kind in kinds))


def _columns_to_convert(blocks: Blocks, chosen: IntArray) -> int:
    """Columns x phases that must be converted for blocks of one operator.

    Each output must be read once per `rows` of the rows that add to it, since no more stand in one array,
    and in one phase for every `rows_per_phase` of them. Blocks are cut where others begin or end.
    """
    hardware = blocks.hardware
    tallest = max(kind.rows for kind in hardware.arrays)
    limit = min(tallest, hardware.rows_per_phase or tallest)
    begin, end = blocks.output[chosen], blocks.output[chosen] + blocks.width[chosen]
    edges, place = np.unique(np.concatenate([begin, end]), return_inverse=True)
    change = np.zeros(len(edges), dtype=np.int64)
    np.add.at(change, place, np.concatenate([blocks.height[chosen], -blocks.height[chosen]]))
    summed = np.cumsum(change)[:-1]
    reads = -(-summed // limit)
    return int((reads * np.diff(edges)).sum()) * hardware.columns_per_weight
