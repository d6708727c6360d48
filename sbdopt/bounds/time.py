"""Lower bounds of makespan and interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds.stages import stages
from sbdopt.bounds.work import Work, measure_work, most_unused
from sbdopt.documents import IntArray
from sbdopt.goals import Bound
from sbdopt.timing import block_cycles, earliest_starts, operator_cycles, tails

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
    """
    room = _room(given)
    cycles = operator_cycles(blocks)
    yield Bound("makespan", _longest_path(blocks, cycles), "critical path")
    work = measure_work(blocks, most_unused(blocks, given), given.get("arrays"))
    if work is None:
        return
    shares = np.array([work.share([operator]) for operator in range(len(cycles))], dtype=np.int64)
    cycles = np.maximum(cycles, shares)
    yield Bound("makespan", _longest_path(blocks, cycles), "critical path with conversions on tiles", room)
    yield Bound("makespan", _windows(blocks, cycles, work), "conversions on tiles in a window", room)


def interval_bounds(blocks: Blocks, given: Mapping[str, int]) -> Iterator[Bound]:
    """Lower bounds of the interval: the slowest block's own step, and an even share of all work of a tile."""
    room = _room(given)
    slowest = int(block_cycles(blocks).min(axis=0).max(initial=0)) if len(blocks) else 0
    yield Bound("interval", slowest, "slowest block")
    work = measure_work(blocks, most_unused(blocks, given), given.get("arrays"))
    if work is not None:
        share = work.share(list(range(len(blocks.predecessors))))
        yield Bound("interval", share, "conversions on tiles", room)


def _room(given: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """What is given of the room that a solution may take; the rest says nothing about time."""
    return tuple((name, value) for name, value in given.items() if name in ("arrays", "unused_cells"))


def _longest_path(blocks: Blocks, cycles: IntArray) -> int:
    return int((earliest_starts(blocks, cycles) + cycles).max())


def _windows(blocks: Blocks, cycles: IntArray, work: Work) -> int:
    """The sum over all stages of the best window: from the start of some operator to the end of some other."""
    heads, ends = earliest_starts(blocks, cycles), tails(blocks, cycles)
    total = 0
    for stage in stages(blocks):
        head, end = heads[stage] - heads[stage].min(), ends[stage] - ends[stage].min()
        best = int((head + cycles[stage] + end).max())
        if 1 < len(stage) <= _MOST_OPERATORS:
            best = max(best, _best_window(stage, head, end, work))
        total += best
    return total


def _best_window(stage: IntArray, heads: IntArray, ends: IntArray, work: Work) -> int:
    best = 0
    order = np.argsort(-ends, kind="stable")
    order = order[work.any_work[stage[order]]]
    for head in np.unique(heads[order]):
        inside = order[heads[order] >= head]
        share = work.shares_of_prefixes(stage[inside])
        best = max(best, int((head + share + ends[inside]).max()))
    return best
