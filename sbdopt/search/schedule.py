"""Give blocks that have a place the cycle in which they are read."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.timing import operator_cycles, step_cycles, tails


@dataclass(frozen=True, eq=False)
class Steps:
    """Which blocks are to be read together, and how long that takes."""

    of_block: IntArray
    """Number of the step of each block."""
    tile: IntArray
    """Number of the tile of each step."""
    cycles: IntArray
    """Duration of each step."""


def make_steps(blocks: Blocks, kind: IntArray, array: IntArray, column: IntArray, group: IntArray) -> Steps:
    """The steps of blocks with a place; blocks with the same `group` are read in one step.

    The blocks of a group must stand on one array and be readable together.
    """
    _, of_block = np.unique(group, return_inverse=True)
    steps = int(of_block.max()) + 1 if len(group) else 0
    first = np.zeros(steps, dtype=np.int64)
    first[of_block[::-1]] = np.arange(len(group))[::-1]
    columns, rows = blocks.columns[first], blocks.height[first]
    members = np.bincount(of_block, minlength=steps)
    crowded = np.flatnonzero(members > 1)
    if len(crowded):
        order = np.argsort(of_block, kind="stable")
        ends = np.cumsum(members)
        for step in crowded.tolist():
            inside = order[ends[step] - members[step] : ends[step]]
            columns[step], rows[step] = columns_and_rows(
                column[inside], blocks.columns[inside], blocks.height[inside]
            )
    cycles = np.zeros(steps, dtype=np.int64)
    tile = np.zeros(steps, dtype=np.int64)
    for number, hardware_kind in enumerate(blocks.hardware.arrays):
        here = kind[first] == number
        cycles[here] = step_cycles(blocks.hardware, hardware_kind.adcs, columns[here], rows[here])
        tile[here] = array[first[here]] // hardware_kind.tiers * len(blocks.hardware.arrays) + number
    return Steps(of_block, np.unique(tile, return_inverse=True)[1], cycles)


def columns_and_rows(column: IntArray, width: IntArray, height: IntArray) -> tuple[int, int]:
    """Columns read by blocks in one step, and the most cells of theirs on one column."""
    begins = np.unique(np.concatenate([column, column + width]))
    covers = (column[:, None] <= begins[:-1]) & (begins[:-1] < (column + width)[:, None])
    summed = (covers * height[:, None]).sum(axis=0)
    return int(np.diff(begins)[summed > 0].sum()), int(summed.max())


def schedule(blocks: Blocks, steps: Steps) -> IntArray:
    """Start of each block, if its step begins as early as its tile and its operators allow.

    Steps are taken in the order of their longest way to the end of the last operator, as soon as the
    operators that they wait for are scheduled, and put into the earliest gap of their tile. So what is
    critical is reserved first, and what has time fills the gaps between (serial schedule generation with
    insertion; Kolisch 1996). Steps of operators that wait for one another must not be mixed in a circle.
    """
    problem = blocks.problem
    way = operator_cycles(blocks) + tails(blocks, operator_cycles(blocks))
    pairs = np.unique(np.stack([steps.of_block, blocks.operator], axis=1), axis=0)
    operators_of: list[list[int]] = [[] for _ in range(len(steps.cycles))]
    steps_of: list[list[int]] = [[] for _ in problem.operators]
    for step, operator in pairs.tolist():
        operators_of[step].append(operator)
        steps_of[operator].append(step)
    successors: list[list[int]] = [[] for _ in problem.operators]
    waits = [len(before) for before in blocks.predecessors]
    for operator, before in enumerate(blocks.predecessors):
        for predecessor in before:
            successors[predecessor].append(operator)
    to_wait = [len(mine) for mine in operators_of]
    open_steps = [len(mine) for mine in steps_of]
    ready = [0] * len(problem.operators)
    finish = [0] * len(problem.operators)
    cycles, tile = steps.cycles.tolist(), steps.tile.tolist()
    busy: list[list[tuple[int, int]]] = [[] for _ in range(max(tile, default=-1) + 1)]
    start = [0] * len(cycles)
    heap: list[tuple[int, int]] = []
    can_run = [operator for operator in blocks.order if not waits[operator]]

    def release() -> None:
        while can_run:
            operator = can_run.pop()
            for step in steps_of[operator]:
                to_wait[step] -= 1
                if not to_wait[step]:
                    urgency = max(int(way[mine]) for mine in operators_of[step])
                    heapq.heappush(heap, (-urgency, step))
            if not open_steps[operator]:
                finish[operator] = ready[operator] + (problem.operators[operator].cycles or 0)
                complete(operator)

    def complete(operator: int) -> None:
        for successor in successors[operator]:
            ready[successor] = max(ready[successor], finish[operator])
            waits[successor] -= 1
            if not waits[successor]:
                can_run.append(successor)

    release()
    while heap:
        _, step = heapq.heappop(heap)
        earliest = max(ready[operator] for operator in operators_of[step])
        start[step] = _reserve(busy[tile[step]], earliest, cycles[step])
        for operator in operators_of[step]:
            finish[operator] = max(finish[operator], start[step] + cycles[step])
            open_steps[operator] -= 1
            if not open_steps[operator]:
                complete(operator)
        release()
    return np.array(start, dtype=np.int64)[steps.of_block]


def _reserve(busy: list[tuple[int, int]], earliest: int, cycles: int) -> int:
    """Take the first gap of `cycles` at or after `earliest` in a sorted list of (start, end).

    What follows without a gap becomes one entry, so that lists stay short where tiles are full.
    """
    place = bisect_left(busy, (earliest, earliest))
    if place and busy[place - 1][1] > earliest:
        earliest = busy[place - 1][1]
    while place < len(busy) and busy[place][0] < earliest + cycles:
        earliest = max(earliest, busy[place][1])
        place += 1
    begin, end = earliest, earliest + cycles
    first, last = place, place
    if place and busy[place - 1][1] == begin:
        first, begin = place - 1, busy[place - 1][0]
    if place < len(busy) and busy[place][0] == end:
        last, end = place + 1, busy[place][1]
    busy[first:last] = [(begin, end)]
    return earliest
