"""Lower bounds of makespan and interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds.allowance import least_interval, least_sum
from sbdopt.bounds.apart import longer_apart
from sbdopt.bounds.heaviest import longer_on_one_array
from sbdopt.bounds.saving import measure_demand
from sbdopt.bounds.stages import TimedStage, timed_stages
from sbdopt.bounds.work import Work, measure_work, most_arrays, most_unused
from sbdopt.documents import IntArray
from sbdopt.goals import Bound
from sbdopt.timing import block_cycles, earliest_starts, operator_cycles

_MOST_OPERATORS = 4000


def makespan_bounds(blocks: Blocks, given: Mapping[str, int]) -> Iterator[Bound]:
    """Lower bounds of the makespan of solutions with no more arrays and unused cells than are given.

    *Critical path*: each operator takes at least its slowest block's own step (a step that holds the block
    reads no fewer columns and sums no fewer rows), and operators on a path follow one another.

    *Conversions on tiles*: all steps of an operator lie between its start and its finish, on at most so many
    tiles; so it takes at least what an even share of its work takes on one tile. The critical path is taken
    again with these durations.

    *Tiles in a window*: for operators that start at cycle r or later, after which the rest takes at least q
    more cycles, all work lies in a window that ends q cycles before the makespan (energetic reasoning on the
    heads and tails of the previous argument), stage by stage, since what stages take adds up.

    *Operators that cannot share arrays*: see `apart`; added to that of windows, and to that of empty cells.

    *An array that holds much*: it reads its blocks stage by stage, whatever others read; see `heaviest`.

    *Steps that empty cells allow*: each block takes the cycles of its own step, less what few empty cells
    permit to save by reading it with others; see `saving` and `allowance`.
    """
    room, unused = _room(given), most_unused(blocks, given)
    cycles = operator_cycles(blocks)
    yield Bound("makespan", _longest_path(blocks, cycles), "critical path")
    work = measure_work(blocks, unused, given.get("arrays"))
    if work is None:
        return
    shares = np.zeros_like(cycles)
    for operator in np.flatnonzero(np.diff(blocks.first) > work.tiles).tolist():
        shares[operator] = work.share([operator])  # others have a tile for each block
    cycles = np.maximum(cycles, shares)
    yield Bound("makespan", _longest_path(blocks, cycles), "critical path with conversions on tiles", room)
    for value, reason in _sums_over_stages(blocks, cycles, work, unused, given.get("arrays")):
        yield Bound("makespan", value, reason, room)


def _sums_over_stages(
    blocks: Blocks, cycles: IntArray, work: Work, unused: int | None, limit: int | None
) -> Iterator[tuple[int, str]]:
    """What all stages take at least, and by which argument, if operators take at least `cycles` each."""
    crowded: list[TimedStage] = []
    roomy: list[TimedStage] = []
    size = np.diff(blocks.first)
    for stage in timed_stages(blocks, cycles):
        (crowded if size[stage.operators].sum() > work.tiles else roomy).append(stage)
    certain = sum(stage.path for stage in roomy)
    least = [_best_window(stage, work) for stage in crowded]
    windows = certain + sum(least)
    yield windows, "conversions on tiles in a window"
    arrays = most_arrays(blocks, unused, limit)
    if unused is not None and arrays is not None:
        stages, times = [*crowded, *roomy], [*least, *(stage.path for stage in roomy)]
        longer = longer_on_one_array(blocks, stages, times, unused, arrays)
        yield windows + longer, "an array that holds much"
    apart = longer_apart(blocks, roomy, work, arrays) if arrays is not None else 0
    if apart:
        yield windows + apart, "operators that cannot share arrays"
    demand = measure_demand(blocks, unused, limit) if crowded else None
    if demand is not None:
        yield certain + apart + least_sum(crowded, demand), "steps that empty cells allow"


def interval_bounds(blocks: Blocks, given: Mapping[str, int]) -> Iterator[Bound]:
    """Lower bounds of the interval: the slowest block's own step, and an even share of all work of a tile."""
    room, unused, arrays = _room(given), most_unused(blocks, given), given.get("arrays")
    slowest = int(block_cycles(blocks).min(axis=0).max(initial=0)) if len(blocks) else 0
    yield Bound("interval", slowest, "slowest block")
    work = measure_work(blocks, unused, arrays)
    if work is not None:
        share = work.share(list(range(len(blocks.predecessors))))
        yield Bound("interval", share, "conversions on tiles", room)
    demand = measure_demand(blocks, unused, arrays)
    if demand is not None:
        yield Bound("interval", least_interval(slowest, demand), "steps that empty cells allow", room)


def _room(given: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """What is given of the room that a solution may take; the rest says nothing about time."""
    return tuple((name, value) for name, value in given.items() if name in ("arrays", "unused_cells"))


def _longest_path(blocks: Blocks, cycles: IntArray) -> int:
    return int((earliest_starts(blocks, cycles) + cycles).max())


def _best_window(stage: TimedStage, work: Work) -> int:
    """The best window of a stage: from the start of some operator to the end of some other."""
    best = stage.path
    if not 1 < len(stage.operators) <= _MOST_OPERATORS:
        return best
    order = np.argsort(-stage.tails, kind="stable")
    order = order[work.any_work[stage.operators[order]]]
    for head in np.unique(stage.heads[order]):
        inside = order[stage.heads[order] >= head]
        share = work.shares_of_prefixes(stage.operators[inside])
        best = max(best, int((head + share + stage.tails[inside]).max()))
    return best
