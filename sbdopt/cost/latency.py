"""How long steps and tokens take in ns: the schedule is run again, in its order, with a preset's times."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.cost.activity import Activity
from sbdopt.cost.figures import PARTS
from sbdopt.cost.preset import Timing
from sbdopt.documents import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class StepTimes:
    """For each step the ns of its parts that nothing else hides."""

    adc: FloatArray
    drivers: FloatArray
    crossbar: FloatArray
    digital: FloatArray

    @property
    def total(self) -> FloatArray:
        """Duration of each step."""
        return self.adc + self.drivers + self.crossbar + self.digital


def step_times(timing: Timing, conversion_ns: float, reads: IntArray, turns: IntArray) -> StepTimes:
    """Times of steps of `reads` reads, in each of which a converter converts `turns` columns.

    In a pipeline (as in pimsim-nn) the longer of front and back counts for every read, the shorter once.
    """
    fronts = backs = reads.astype(np.float64)
    front = timing.driver_ns + timing.crossbar_ns
    convert = turns * conversion_ns
    back = convert + timing.output_ns
    if timing.pipelined:
        fronts = np.where(front > back, reads, 1.0)
        backs = np.where(front > back, 1.0, reads)
    return StepTimes(
        adc=backs * convert,
        drivers=fronts * timing.driver_ns,
        crossbar=fronts * timing.crossbar_ns,
        digital=backs * timing.output_ns + timing.step_ns,
    )


@dataclass(frozen=True, eq=False)
class Path:
    """The latency of a token, and where the time goes on a critical path, by part."""

    latency_ns: float
    parts: dict[str, float]


class Schedule:
    """The order of a placement's steps and operators, run again with other times."""

    def __init__(self, blocks: Blocks, activity: Activity) -> None:
        operators = blocks.problem.operators
        # Nodes: steps, then for each operator that its inputs are there, then that its outputs are.
        self._ready = len(activity.steps)
        self._done = self._ready + len(operators)
        cycle_ns = blocks.hardware.cycle_ns
        self._digital = np.array([(operator.cycles or 0) * cycle_ns for operator in operators])
        self._after = _graph(blocks, activity, self._ready, self._done)
        self._order = [*TopologicalSorter(self._after).static_order()]

    def run(self, times: StepTimes, before: FloatArray, after: FloatArray) -> Path:
        """Every step as soon as its tile and its operators allow.

        `before` and `after`: ns for each operator to bring its inputs and to take its outputs away.
        """
        parts = np.zeros((len(self._after), len(PARTS)))
        for column, part in enumerate(PARTS[:4]):
            parts[: self._ready, column] = getattr(times, part)
        parts[self._ready : self._done, 4] = before
        parts[self._done :, 3] = self._digital
        parts[self._done :, 4] = after
        duration = parts.sum(axis=1).tolist()
        end, last = [0.0] * len(duration), [-1] * len(duration)
        for node in self._order:
            slowest = max(self._after[node], key=end.__getitem__, default=-1)
            last[node] = slowest
            end[node] = duration[node] + (end[slowest] if slowest >= 0 else 0.0)
        node = final = max(range(len(end)), key=end.__getitem__)
        spent = np.zeros(len(PARTS))
        while node >= 0:
            spent += parts[node]
            node = last[node]
        return Path(end[final], dict(zip(PARTS, spent.tolist(), strict=True)))


def _graph(blocks: Blocks, activity: Activity, ready: int, done: int) -> dict[int, set[int]]:
    """What each node is after."""
    steps = activity.steps
    graph: dict[int, set[int]] = {node: set() for node in range(done + len(blocks.predecessors))}
    for operator, predecessors in enumerate(blocks.predecessors):
        graph[ready + operator] = {done + one for one in predecessors}
        graph[done + operator] = {ready + operator}
    pairs = np.unique(np.stack([blocks.operator, steps.of], axis=1), axis=0)
    for operator, step in pairs.tolist():
        graph[step].add(ready + operator)
        graph[done + operator].add(step)
    order = np.lexsort((steps.start, steps.tile))
    same = steps.tile[order][1:] == steps.tile[order][:-1]
    for earlier, later in zip(order[:-1][same].tolist(), order[1:][same].tolist(), strict=True):
        graph[later].add(earlier)
    return graph
