"""Where cells come first and sizes are few: blocks shared out evenly over the fewest arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.greedy import finished
from sbdopt.search.method import Finding
from sbdopt.search.packing import Sizes

_SHARE = 0.5
"""Part of the time that is left."""
_MOST_SIZES = 8
_MOST_NUMBERS = 4000
"""How many numbers there may be to look for."""


def are_few_numbers(blocks: Blocks, placement: Placement) -> bool:
    """Whether one can look for how many blocks of each operator and size each array takes."""
    classes = np.unique(np.stack([blocks.operator, blocks.height, blocks.columns]), axis=1)
    arrays = np.unique(np.stack([placement.kind, placement.array]), axis=1)
    return int(classes.shape[1]) * int(arrays.shape[1]) <= _MOST_NUMBERS


def share(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """The start's arrays filled anew, so that each operator's blocks are spread over them evenly.

    Finds nothing where there are several kinds of array, faults on those of the start, or many sizes.
    """
    if start is None or len(goals) < 2 or len(blocks.hardware.arrays) > 1 or blocks.standing is not None:
        return
    arrays = np.unique(start.array).tolist()
    broken = {fault[0] for fault in blocks.hardware.arrays[0].faults}
    if len(Sizes.of(blocks).count) > _MOST_SIZES or broken.intersection(arrays):
        return
    if budget.is_short or not are_few_numbers(blocks, start):
        return
    from sbdopt.search.exact.sharing import shared  # OR-Tools takes long to import

    part = budget.part(_SHARE)
    for array, row, column in shared(blocks, arrays, part, seed):
        yield finished(blocks, Places(np.zeros_like(array), array, row, column), part)
    budget.spent = part.spent
