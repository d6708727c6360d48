"""How long stages take at least that share an allowance: what empty cells save of reading, see `saving`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil

import numpy as np

from sbdopt.bounds.saving import Demand, Price
from sbdopt.bounds.stages import TimedStage
from sbdopt.documents import FloatArray, IntArray

_MOST_STAGES = 400
"""Stages that may need an allowance; further ones count as their paths."""
_MOST_WINDOWS = 200
"""Pairs of a head and a tail of a stage; where there are more, the whole stage is the only window."""
_MOST_LEVELS = 12
"""Numbers of cycles from which on blocks are counted."""
_POINTS = 128
"""Ranges of times of a stage."""
_ZOOMS = 6
"""Times that the search for the best multiplier is narrowed."""
_ROUNDING = 1e-6
"""What sums of floats may be too large by."""


@dataclass(frozen=True, eq=False)
class _Window:
    """Operators that all run within a stage less `slack` cycles, and their classes of blocks."""

    slack: int
    operators: IntArray
    classes: IntArray


@dataclass(frozen=True, eq=False)
class _Stage:
    """A stage that takes at least `low` cycles anyhow, and needs no allowance from `high` cycles on."""

    low: int
    high: int
    windows: list[_Window]

    def points(self) -> tuple[IntArray, IntArray]:
        """Ranges of times from `low` to `high`: the first and the last of each."""
        width = -(-(self.high - self.low + 1) // _POINTS)
        first = np.arange(self.low, self.high + 1, width)
        return first, np.minimum(first + width - 1, self.high)


def least_sum(stages: list[TimedStage], demand: Demand) -> int:
    """Lower bound of what these stages take in all, as they share one allowance: see `_least_sum`."""
    certain = 0
    demanding: list[_Stage] = []
    for stage in stages:
        windows = list(_windows(stage, demand)) if len(demanding) < _MOST_STAGES else []
        high = _enough(windows, demand, stage.path)
        if high > stage.path:
            demanding.append(_Stage(stage.path, high, windows))
        else:
            certain += stage.path
    return certain + _least_sum(demanding, demand)


def least_interval(slowest: int, demand: Demand) -> int:
    """Lower bound of the interval, as if all blocks were to be read in one stage of that length."""
    everything = _Window(0, np.arange(len(demand.shared)), np.arange(len(demand.operator)))
    high = _enough([everything], demand, slowest)
    return _least_sum([_Stage(slowest, high, [everything])], demand) if high > slowest else slowest


def _windows(stage: TimedStage, demand: Demand) -> Iterator[_Window]:
    """For each head and each tail the operators that do not start before it, and do not finish after it."""
    pairs = list(product(np.unique(stage.heads).tolist(), np.unique(stage.tails).tolist()))
    for head, tail in pairs if len(pairs) <= _MOST_WINDOWS else pairs[:1]:
        inside = stage.operators[(stage.heads >= head) & (stage.tails >= tail)]
        classes = np.flatnonzero(np.isin(demand.operator, inside))
        if len(classes):
            yield _Window(head + tail, inside, classes)


def _enough(windows: list[_Window], demand: Demand, low: int) -> int:
    """The shortest time from `low` on in which all blocks can be read one by one, as far as is known here."""
    cycles = demand.cycles.astype(np.float64)

    def is_short(time: int) -> bool:
        return bool(_missing(windows, demand, cycles, np.array([time]))[0] > 0)

    if not is_short(low):
        return low
    short, enough = low, 2 * low + 1
    while is_short(enough):
        short, enough = enough, 2 * enough
    while enough - short > 1:
        middle = (short + enough) // 2
        if is_short(middle):
            short = middle
        else:
            enough = middle
    return enough


def _missing(windows: list[_Window], demand: Demand, cycles: FloatArray, time: IntArray) -> FloatArray:
    """The allowance that is needed to be done in each of these times."""
    result = np.zeros(len(time))
    for window in windows:
        left = np.maximum(0, time - window.slack).astype(np.float64)
        mine, count = cycles[window.classes], demand.count[window.classes]
        work = float(mine @ count + demand.shared[window.operators].sum())
        result = np.maximum(result, work - demand.tiles * left)
        result = np.maximum(result, _missing_by_blocks(mine, count, demand.tiles, left))
    return result


def _missing_by_blocks(cycles: FloatArray, count: IntArray, tiles: int, time: FloatArray) -> FloatArray:
    """The same, because a tile reads whole blocks: for each c those that take c cycles or more, as if c.

    A tile with m blocks needs m c - time, if that is positive. Over all tiles that is least if the blocks are
    spread evenly: floor(time / c) of them need nothing, one more c less the rest, every other one c.
    """
    levels = np.unique(cycles[cycles > 0])
    if not len(levels):
        return np.zeros(len(time))
    levels = levels[np.unique(np.linspace(0, len(levels) - 1, _MOST_LEVELS).astype(np.int64))][:, None]
    order = np.argsort(cycles)
    sums = np.concatenate([[0], np.cumsum(count[order])])
    number = (sums[-1] - sums[np.searchsorted(cycles[order], levels[:, 0])])[:, None]
    fitting = np.floor(time / levels + _ROUNDING)
    rest = np.maximum(0, time - fitting * levels)
    extra = np.maximum(0, number - tiles * fitting)
    needed: FloatArray = (extra * levels - np.minimum(extra, tiles) * rest).max(axis=0)
    return needed


def _least_sum(demanding: list[_Stage], demand: Demand) -> int:
    """The least sum of cycles of stages: the best that any price proves, rounded up."""
    if not demanding:
        return 0
    return max(ceil(_sum_at(demanding, demand, price) - _ROUNDING) for price in demand.prices())


def _sum_at(demanding: list[_Stage], demand: Demand, price: Price) -> float:
    """The least sum of times of stages, the allowances that these need being within that of the price.

    For any m >= 0, the sum is at least the sum over stages of the least time + m * needed, less m * allowance
    (Lagrange). The largest of these is searched for, as they are concave in m.
    """
    points = [stage.points() for stage in demanding]
    most = max(len(begin) for begin, _ in points)
    first, needed = np.zeros((len(points), most)), np.zeros((len(points), most))
    for row, (stage, (begin, end)) in enumerate(zip(demanding, points, strict=True)):
        first[row], needed[row, : len(end)] = begin[-1], _missing(stage.windows, demand, price.cycles, end)
        first[row, : len(begin)], needed[row, len(end) - 1] = begin, 0
    if not price.allowance:
        return float(np.where(needed > _ROUNDING, np.inf, first).min(axis=1).sum())
    low, high = 0.0, float(first.max(axis=1).sum() - first[:, 0].sum()) / price.allowance
    best = 0.0
    for _ in range(_ZOOMS):
        m = np.linspace(low, high, 9)
        proven = (first + m[:, None, None] * needed).min(axis=2).sum(axis=1) - m * price.allowance
        place = int(proven.argmax())
        best = max(best, float(proven[place]))
        low, high = float(m[max(0, place - 1)]), float(m[min(8, place + 1)])
    return best
