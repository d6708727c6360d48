"""Leave what stands where it is, find room for the rest, and schedule all anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places, Plan
from sbdopt.search.greedy import OpenArrays, finished
from sbdopt.search.method import Found
from sbdopt.standing import Standing
from sbdopt.timing import block_cycles


def repaired(blocks: Blocks, budget: Budget) -> Iterator[Found]:
    """Placements in which the blocks that stand already stay, and the others take what room is left.

    First with all that fit where they were back there, and no array opened that is not needed; then with the
    others where nothing is read meanwhile, if need be on further arrays. Where there is no room for all,
    arrays are cleared one by one, those with the fewest cells first, until there is.
    """
    assert blocks.standing is not None
    stands, fits = blocks.standing.stands, blocks.standing.fits
    some = False
    while not some:
        for places in _attempts(blocks, stands, fits):
            if places is not None:
                some = True
                yield finished(blocks, places, budget)
            if budget.used_up:
                return
        if not fits.any():
            return
        cleared = _least_filled(blocks, blocks.standing, fits)
        stands, fits = stands & ~cleared, fits & ~cleared


def _attempts(blocks: Blocks, stands: BoolArray, fits: BoolArray) -> Iterator[Places | None]:
    """Places of all blocks, or None where one found no room."""
    height, width = blocks.height, blocks.columns
    area = height * width
    seen: set[bytes] = set()
    for key in (area, height, width, np.maximum(height, width)):
        order = np.lexsort((-area, -key))
        order = order[~fits[order]]
        if order.tobytes() not in seen:
            seen.add(order.tobytes())
            yield _placed(blocks, fits, order, None, thrifty=True)
    if stands.all():
        return
    plan = Plan.of(blocks)
    rank = np.argsort(plan.order)
    order = np.lexsort((-area, rank[blocks.operator]))
    order = order[~stands[order]]
    for thrifty in (True, False):
        yield _placed(blocks, stands, order, plan, thrifty=thrifty)


def _placed(
    blocks: Blocks, fixed: BoolArray, order: IntArray, plan: Plan | None, *, thrifty: bool
) -> Places | None:
    """Put blocks one after another into room that is left; with a plan, where nothing runs meanwhile."""
    standing = blocks.standing
    assert standing is not None
    places = Places(
        np.where(fixed, standing.kind, -1), standing.array.copy(), standing.row.copy(), standing.column.copy()
    )
    arrays = OpenArrays(blocks, len(blocks), thrifty=thrifty)
    arrays.occupy(places, fixed)
    cycles = block_cycles(blocks)
    running = -1
    for block in order.tolist():
        operator = int(blocks.operator[block])
        if plan is not None and operator != running:
            running = operator
            _make_busy(blocks, arrays, places, cycles, plan, operator)
        array = arrays.place(block, cycles[:, block], 0, places)
        if array is None:
            return None
        if plan is not None:
            arrays.busy[arrays.tile[array]] += int(cycles[places.kind[block], block])
    return places


def _make_busy(
    blocks: Blocks, arrays: OpenArrays, places: Places, cycles: IntArray, plan: Plan, operator: int
) -> None:
    """Every tile is busy with the blocks of all operators that the plan runs while this one does."""
    meanwhile = (plan.start < plan.end[operator]) & (plan.end > plan.start[operator])
    some = np.flatnonzero(meanwhile[blocks.operator] & (places.kind >= 0))
    tile, spent = arrays.tiles_of(places, some), cycles[places.kind[some], some]
    arrays.busy = np.bincount(tile, weights=spent, minlength=len(arrays.busy)).astype(np.int64)


def _least_filled(blocks: Blocks, standing: Standing, fixed: BoolArray) -> BoolArray:
    """The fixed blocks of the array on which they have the fewest cells."""
    some = np.flatnonzero(fixed)
    where = np.stack([standing.kind[some], standing.array[some]])
    _, array = np.unique(where, axis=1, return_inverse=True)
    cells = np.bincount(array.reshape(-1), weights=(blocks.height * blocks.columns)[some])
    result = np.zeros(len(blocks), dtype=bool)
    result[some[array.reshape(-1) == cells.argmin()]] = True
    return result
