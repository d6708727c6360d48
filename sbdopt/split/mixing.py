"""Fill arrays so that each holds its share of every size: what runs together then finds room on all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement
from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Plan, deal
from sbdopt.search.greedy import finished
from sbdopt.search.packing import Filling, FreeSpace, Rectangle, Sizes, Stock

Place = tuple[int, int, int]
"""(size, row, column)"""


def mixed(blocks: Blocks, arrays: int, budget: Budget) -> Placement | None:
    """The blocks dealt out over some `arrays` arrays that hold all sizes in the same proportion.

    For hardware of one kind of array; takes more arrays where these do not suffice. None if there are
    several kinds, too few arrays, or no time.
    """
    if len(blocks.hardware.arrays) > 1:
        return None
    sizes = Sizes.of(blocks)
    fillings = _mixed_fillings(blocks.hardware.arrays[0], sizes, arrays, budget)
    if fillings is None:
        return None
    return finished(blocks, deal(blocks, sizes, fillings, Plan.of(blocks)), budget).placement


def _mixed_fillings(kind: ArrayKind, sizes: Sizes, arrays: int, budget: Budget) -> list[Filling] | None:
    """Every array takes an even share, rounded up, of what is left of each size, as far as there is room."""
    stock = Stock(kind, int(sizes.count.sum()))
    left = sizes.count.copy()
    order = np.lexsort((-sizes.height, -sizes.height * sizes.width))
    known: dict[bytes, tuple[list[Place], IntArray]] = {}
    fillings: list[Filling] = []
    while left.any():
        if stock.empty or budget.used_up:
            return None
        faults = stock.faults
        array = stock.take(1)[0]
        share = -(-left // max(1, arrays - len(fillings)))
        places, taken = known.get(share.tobytes(), ([], sizes.count + 1))
        if faults or (taken > left).any():
            places = _fill(kind, faults, sizes, order[share[order] > 0], share)
            taken = np.bincount([size for size, _, _ in places], minlength=len(left))
            if not faults:
                known[share.tobytes()] = places, taken
        if places:
            fillings.append(Filling(0, array, tuple(places)))
            left -= taken
    return fillings


def _fill(
    kind: ArrayKind, faults: Sequence[Rectangle], sizes: Sizes, order: IntArray, share: IntArray
) -> list[Place]:
    """Fill an array with these sizes in order, so many of each at most."""
    space = FreeSpace(kind.rows, kind.columns, faults)
    places: list[Place] = []
    for size in order.tolist():
        height, width = int(sizes.height[size]), int(sizes.width[size])
        for _ in range(int(share[size])):
            place = space.find(height, width)
            if place is None:
                break
            space.take(*place, height, width)
            places.append((size, *place))
    return places
