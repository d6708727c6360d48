"""Stages: parts of the graph of operators that follow one another, so that their times add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.timing import earliest_starts, tails


@dataclass(frozen=True, eq=False)
class TimedStage:
    """A stage, and what each of its operators has before and after it within the stage."""

    operators: IntArray
    heads: IntArray
    """Least cycles from the start of the stage to that of each operator."""
    tails: IntArray
    """Least cycles from the end of each operator to that of the stage."""
    path: int
    """Least cycles of the stage: its longest path."""


def timed_stages(blocks: Blocks, cycles: IntArray) -> list[TimedStage]:
    """All stages, if operators take at least `cycles` each."""
    heads, ends = earliest_starts(blocks, cycles), tails(blocks, cycles)
    result = []
    for operators in stages(blocks):
        head, end = heads[operators] - heads[operators].min(), ends[operators] - ends[operators].min()
        result.append(TimedStage(operators, head, end, int((head + cycles[operators] + end).max())))
    return result


def stages(blocks: Blocks) -> list[IntArray]:
    """The operators in as many groups as possible, every one after all of the groups before its own.

    A makespan is at least the sum of what each group takes by itself from the start of its first operator to
    the end of its last. If all of one group come before all of the others, any order in which operators can
    run lists it first; so one order is enough to find all groups. And all of the first do come before all of
    the others if each of the first without successors among them is directly before each of the others that
    waits for nothing else: whatever else lies between the two would belong to either side.
    """
    after: list[list[int]] = [[] for _ in blocks.predecessors]
    for operator, before in enumerate(blocks.predecessors):
        for one in before:
            after[one].append(operator)
    waiting = [len(before) for before in blocks.predecessors]
    ready = {operator for operator, number in enumerate(waiting) if not number}
    last: set[int] = set()
    begin, result = 0, []
    for place, operator in enumerate(blocks.order, start=1):
        ready.remove(operator)
        last.difference_update(blocks.predecessors[operator])
        last.add(operator)
        for one in after[operator]:
            waiting[one] -= 1
            if not waiting[one]:
                ready.add(one)
        if all(last.issubset(blocks.predecessors[one]) for one in ready):
            result.append(np.array(blocks.order[begin:place], dtype=np.int64))
            begin = place
    return result
