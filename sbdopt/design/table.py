"""The least error for every number of cells at once: dynamic programming over a multiple-choice knapsack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt

from sbdopt.documents import IntArray

_MOST_BYTES = 500_000_000
"""Of a table: one for each weight and number of cells."""

Options = Mapping[str, Sequence[tuple[int, int]]]
"""Cells and cost of each option, by the name of the weight."""


@dataclass(frozen=True, eq=False)
class Table:
    """For every number of cells, in units of their divisor, the least sum of costs and how it comes about.

    The least cost of the first i weights with c cells above the fewest is the least, over the options of
    weight i with s cells above its fewest and cost e, of e and the least cost of the weights before it with
    c - s (Dudzinski and Walukiewicz 1987).
    """

    names: Sequence[str]
    least: int
    """Cells of the smallest options."""
    unit: int
    extra: Sequence[IntArray]
    """Of each weight: units of its options above its smallest one."""
    cost: IntArray
    """Least cost of all weights with at most so many units above the least."""
    picks: npt.NDArray[np.uint8]
    """(weights, units): the best option of a weight if it and those before take at most so many units."""

    @classmethod
    def of(cls, options: Options, cells: int) -> Table | None:
        """The table up to so many cells; None if it would be too large, or if nothing is that small."""
        smallest = [min(size for size, _ in some) for some in options.values()]
        extra = [
            [size - least for size, _ in some] for some, least in zip(options.values(), smallest, strict=True)
        ]
        unit = gcd(*(size for sizes in extra for size in sizes)) or 1
        most = min(cells - sum(smallest), sum(map(max, extra))) // unit
        if most < 0 or (most + 1) * len(options) > _MOST_BYTES or max(map(len, extra)) > 255:
            return None
        cost = np.zeros(most + 1, dtype=np.int64)
        picks = np.zeros((len(options), most + 1), dtype=np.uint8)
        units = [np.array(sizes, dtype=np.int64) // unit for sizes in extra]
        for number, some in enumerate(options.values()):
            cost = _with(cost, picks[number], units[number].tolist(), [one for _, one in some])
        return cls(list(options), sum(smallest), unit, units, cost, picks)

    def pick(self, cells: int) -> dict[str, int]:
        """The option of each weight in the choice of at most so many cells (of the table) with least cost."""
        left = min((cells - self.least) // self.unit, len(self.cost) - 1)
        result = {}
        for number in reversed(range(len(self.names))):
            option = int(self.picks[number, left])
            result[self.names[number]] = option
            left -= int(self.extra[number][option])
        return result


def _with(
    before: IntArray, picks: npt.NDArray[np.uint8], units: Sequence[int], costs: Sequence[int]
) -> IntArray:
    """The least costs with one weight more; which of its options is best goes to `picks`."""
    first = min(range(len(units)), key=lambda option: (units[option], costs[option]))
    best = before + costs[first]
    picks[:] = first
    for option, (extra, cost) in enumerate(zip(units, costs, strict=True)):
        if option != first and extra < len(best):
            other = before[: len(before) - extra] + cost
            better = other < best[extra:]
            np.copyto(best[extra:], other, where=better)
            np.copyto(picks[extra:], np.uint8(option), where=better)
    return best
