"""What no solution of any split of a problem can beat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds import infeasibility, lower_bounds
from sbdopt.documents import IntArray
from sbdopt.goals import Bound
from sbdopt.split.cutting import cut_blocks
from sbdopt.timing import earliest_starts, step_cycles

_MOST_PIECES = 4_000_000
"""Of the finest split; each takes some hundred bytes."""


class SplitBounds:
    """Lower bounds of goals over all cuts of blocks by columns and, if `add_cycles` are given, by rows.

    *Finest split.* Take a legal solution of any split and cut its pieces further where they stand, by columns
    into single weights; each goes on being read in the step of its piece. Every step holds the same cells,
    drives the same rows, reads the same columns, and has as many wanted cells on each; so all eight rules
    hold, each step takes as long as before, and all metrics are the same. Hence all solutions of all splits
    by columns are, with their values, solutions of the finest split, and what bounds that bounds them. With
    cuts by rows the finest split is that into single weights; it goes without the additions, and leaving
    them out makes no solution illegal or slower. Cells are the same in all splits, so that limits and
    values of earlier goals carry over.

    *Critical path.* See `least_cycles`.

    A finest split of more pieces than fit memory is not asked; the critical path always is.
    """

    def __init__(self, blocks: Blocks, add_cycles: int | None) -> None:
        self.blocks, self.add_cycles = blocks, add_cycles
        self._best: dict[tuple[str, tuple[tuple[str, int], ...]], Bound] = {}

    def best(self, goal: str, given: Mapping[str, int]) -> Bound:
        """The strongest bound of a goal among all solutions that have no more than `given` of others."""
        key = goal, tuple(sorted(given.items()))
        if key not in self._best:
            found = self._of(goal, given)
            self._best[key] = max(found, key=lambda bound: bound.value, default=Bound(goal, 0, "no less"))
        return self._best[key]

    def infeasibility(self) -> str | None:
        """Why no split has a legal solution, or None if no argument here shows that."""
        return None if self.finest is None else infeasibility(self.finest)

    def _of(self, goal: str, given: Mapping[str, int]) -> Iterator[Bound]:
        if goal == "makespan":
            cycles = least_cycles(self.blocks, self.add_cycles)
            path = int((earliest_starts(self.blocks, cycles) + cycles).max())
            yield Bound(goal, path, "critical path of the narrowest pieces")
        if self.finest is not None:
            what = "columns" if self.add_cycles is None else "weights"
            for bound in lower_bounds(self.finest, goal, given):
                yield Bound(goal, bound.value, f"{bound.reason}, in single {what}", bound.given)

    @cached_property
    def finest(self) -> Blocks | None:
        """The table of the finest split, if it is not too large."""
        rows = self.add_cycles is not None
        sizes = self.blocks.width * self.blocks.height if rows else self.blocks.width
        return None if sizes.sum() > _MOST_PIECES else cut_blocks(self.blocks, 1 if rows else None, 1)


def least_cycles(blocks: Blocks, add_cycles: int | None) -> IntArray:
    """Fewest cycles of each operator with its addition, however it is cut.

    If a block is cut into at most p pieces by rows, one of them has at least height / p rows, rounded up, and
    reads at least the columns of one weight; so the operator takes no less than a step of that on the kind
    with the most converters, and ceil(log2(p)) levels of additions follow. The least of this over all p that
    are possible holds for every cut; steps do not get shorter with p and levels do not get fewer, so of the
    p with as many levels only the largest counts.
    """
    hardware = blocks.hardware
    adcs = max(kind.adcs for kind in hardware.arrays)
    result = np.array([operator.cycles or 0 for operator in blocks.problem.operators], dtype=np.int64)
    tallest = np.zeros(len(result), dtype=np.int64)
    np.maximum.at(tallest, blocks.operator, blocks.height)
    crossbars = np.flatnonzero(tallest)
    heights = tallest[crossbars]
    levels = 0 if add_cycles is None else int(heights.max(initial=1) - 1).bit_length()
    columns = np.full(len(heights), hardware.columns_per_weight, dtype=np.int64)
    options = [
        step_cycles(hardware, adcs, columns, -(-heights // 2**level)) + level * (add_cycles or 0)
        for level in range(levels + 1)
    ]
    result[crossbars] = np.min(options, axis=0)
    return result
