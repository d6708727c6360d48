"""How much time a step saves by reading several blocks at once, paid for in empty cells.

Blocks of different circles can be read in one step only if the cells where rows of one meet columns of the
other are empty. Few empty cells thus mean few such steps, and a given time on few tiles becomes too short.

*What a step costs.* Call the blocks of one circle in a step a part of it. Its empty cells count in a weight:
for each two parts A, B, every cell where a row of A meets a column of B counts by as many cells as A fills on
that row, and the other way round. Let E cells be empty in all, C the most columns of an array that blocks can
fill beside an empty cell. The steps that count a cell fill different cells of its row, since no block is read
twice; so all steps together have a weight of at most E C. With areas a and columns w, A and B have a weight
of a_A w_B + a_B w_A, which is at least that of one block of each, i and j: w_i w_j (h_i + h_j), at least
2 g_i g_j for g = w h^(1/2). With rows for columns it is g = h w^(1/2) and E R; and since the sum of roots of
products is at most the root of the product of sums (Cauchy, Schwarz), also g = (w h)^(3/4) and
E (R C)^(1/2). Or let a cell where a row of i meets a column of j count by h_j w_i, the cells of the opposite
crossing: those of the steps that count one cell are all empty, have no cell in common, as blocks on one row
have different columns, and none with the crossing that the cell is in, m cells at least. So g = w h and
E (E - m).

*What it saves.* Without other circles blocks take b cycles: a block that is alone in its circle those of a
step of its own, other parts a settling (or their share of one) and their conversions. Adding a block alone in
its circle to a step lengthens it by all its turns but one, or by all if its columns are a multiple of the
converters: saved are at most its s cycles, of the settling and that turn. Other parts save a settling each;
they are given the largest s of all. The first part of a step saves nothing; it may be any, but one of those
others where there are any. So a step takes at least sum b - sum s + max s.

*Both together*, for any price l of a unit of weight: with z_i = min(1, g_i (2 l / s_i)^(1/2)), a step takes
at least sum b_i - sum s_i (1 - z_i) - l * weight. For with S = max s and u_i = s_i z_i / S, which is at most
1, sum u_i - 1 is at most the sum of u_i u_j over all pairs (1 - sum u + sum u u >= prod (1 - u), Bonferroni),
and S u_i u_j = s_i s_j z_i z_j / S <= 2 l g_i g_j. Added up over steps: all blocks, and any selection of
them, take at least sum (b_i - y_i) with y_i = s_i (1 - z_i), less an allowance of l times the most weight
that all of them share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds.circles import PARTS, circles_of, closed_circles, may_join
from sbdopt.bounds.work import most_tiles, work_of
from sbdopt.documents import BoolArray, FloatArray, IntArray
from sbdopt.timing import block_cycles, step_cycles

_PRICES = 24


@dataclass(frozen=True, eq=False)
class Price:
    """One price of empty cells: what blocks take at least, if they have an allowance between them."""

    cycles: FloatArray
    """Per class of blocks: cycles of each; negative for blocks whose work is in `Demand.shared`."""
    allowance: float


@dataclass(frozen=True, eq=False)
class Demand:
    """Blocks in classes that are alike, the tiles that there are for them, and the empty cells.

    All columns but `shared` have an entry for each class.
    """

    tiles: int
    empty: int
    reach: tuple[int, int]
    """Most rows and columns that blocks can fill beside an empty cell."""
    operator: IntArray
    height: IntArray
    columns: IntArray
    count: IntArray
    cycles: IntArray
    """Cycles of a step of its own; 0 for blocks that are not alone in their circle."""
    saved: IntArray
    """Most cycles that can be saved for each block: `s`; 0 if it can never be read with another circle."""
    shared: FloatArray
    """Per operator: cycles of its blocks that are not alone in their circles."""

    def prices(self) -> Iterator[Price]:
        """The demand as it is, at no price and no allowance being too dear; then at several prices."""
        some = self.saved > 0
        if not some.any():
            yield Price(self.cycles.astype(np.float64), 0.0)
            return
        root = np.sqrt(np.maximum(self.saved, 1))
        for across, down, reach in self._measures(some):
            ratio = self.columns**across * self.height**down / root
            low, high = float(ratio[some].min()), float(ratio[some].max())
            for limit in np.geomspace(low, 4 * high, _PRICES).tolist():
                kept = np.minimum(1, ratio / limit)
                yield Price(self.cycles - self.saved * (1 - kept), self.empty * reach / (2 * limit**2))

    def _measures(self, some: BoolArray) -> tuple[tuple[float, float, float], ...]:
        """Powers of columns and height in g, and how often an empty cell counts at most."""
        rows, columns = self.reach
        smallest = int(self.height[some].min() * self.columns[some].min())
        opposite = max(0, self.empty - smallest)
        return (1, 0.5, columns), (0.5, 1, rows), (0.75, 0.75, sqrt(rows * columns)), (1, 1, opposite)


def measure_demand(blocks: Blocks, unused: int | None, arrays: int | None) -> Demand | None:
    """The demand of a problem with at most so many unused cells and arrays; None if cells have no limit."""
    tiles = most_tiles(blocks, unused, arrays)
    if tiles is None or unused is None or not len(blocks):
        return None
    circle = circles_of(blocks)
    single = np.bincount(circle)[circle] == 1
    work = work_of(blocks, tiles, circle, np.ones(len(blocks), dtype=bool))
    saved = _saved(blocks)
    closed = closed_circles(circle, may_join(blocks, unused))
    saved[closed] = 0
    saved[~single & ~closed] = saved.max(initial=0)
    cycles = np.where(single, block_cycles(blocks).min(axis=0), 0)
    table = np.stack([blocks.operator, blocks.height, blocks.columns, cycles, saved])
    classes, count = np.unique(table, axis=1, return_counts=True)
    return Demand(
        tiles=tiles,
        empty=unused,
        reach=_reach(blocks),
        operator=classes[0],
        height=classes[1],
        columns=classes[2],
        count=count,
        cycles=classes[3],
        saved=classes[4],
        shared=work.settle * work.steps / PARTS + work.conversion * work.columns / work.adcs,
    )


def _saved(blocks: Blocks) -> IntArray:
    """Most cycles that reading each block with others saves, on any kind that it fits: see above."""
    hardware = blocks.hardware
    result = np.zeros(len(blocks), dtype=np.int64)
    for kind in hardware.arrays:
        none = np.zeros_like(blocks.columns)
        settled = step_cycles(hardware, kind.adcs, none, blocks.height)
        one_turn = step_cycles(hardware, kind.adcs, none + 1, blocks.height)
        fits = (blocks.height <= kind.rows) & (blocks.columns <= kind.columns)
        cycles = np.where(blocks.columns % kind.adcs == 0, settled, one_turn)
        result = np.maximum(result, np.where(fits, cycles, 0))
    return result


def _reach(blocks: Blocks) -> tuple[int, int]:
    """Most rows and columns that blocks can fill beside an empty cell: multiples of their common divisors."""
    kinds = blocks.hardware.arrays
    down, across = (int(np.gcd.reduce(sizes)) for sizes in (blocks.height, blocks.columns))
    rows, columns = max(kind.rows for kind in kinds) - 1, max(kind.columns for kind in kinds) - 1
    return rows // down * down, columns // across * across
