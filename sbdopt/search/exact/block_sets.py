"""All sets of the blocks of an operator, with what each takes if cells do not count.

Blocks that are alike count by their number. A set is one number of several digits (see `subsets`), the place
of what belongs to it in an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod

import numpy as np

from sbdopt.documents import SmallIntArray
from sbdopt.search.exact.candidates import Candidate
from sbdopt.search.exact.scales import Size
from sbdopt.search.exact.subsets import Digits, Steps, note_least_cycles

MOST = 8_000
"""Cells and cycles count up to so many: numbers are kept in 16 bits."""

Kinds = tuple[int, ...]
"""Kinds of the blocks of a step, ascending."""


class BlockSets:
    """Blocks are of kinds: of a size, in units, and cycles if they are read alone."""

    def __init__(self, candidates: Sequence[tuple[Candidate, int]], size: Sequence[Size]) -> None:
        """Steps and what they take, and the sizes of blocks."""
        alone = {c.members[0]: (size[c.members[0]], spent) for c, spent in candidates if len(c.members) == 1}
        self.kinds = sorted(set(alone.values()))
        number = {kind: k for k, kind in enumerate(self.kinds)}
        self.most = [list(alone.values()).count(kind) for kind in self.kinds]
        self.steps = {tuple(sorted(number[alone[i]] for i in c.members)): spent for c, spent in candidates}
        """Kinds of the blocks of each step, and its cycles, which depend on nothing else."""

    def __len__(self) -> int:
        """How many sets there are."""
        return prod(most + 1 for most in self.most)

    @property
    def serial(self) -> int:
        """Cycles of all blocks if each is read alone."""
        return sum(most * spent for most, (_, spent) in zip(self.most, self.kinds, strict=True))

    @cached_property
    def serial_of(self) -> SmallIntArray:
        """Of every set of blocks."""
        return self._sums([spent for _, spent in self.kinds])

    @cached_property
    def area_of(self) -> SmallIntArray:
        """Cells of every set of blocks."""
        return self._sums([height * width for (height, width), _ in self.kinds])

    def _sums(self, values: Sequence[int]) -> SmallIntArray:
        """The sum of every set of blocks, of a value for each kind, or more than `MOST`."""
        sums = np.zeros(1, dtype=np.int16)
        for value, most in zip(values, self.most, strict=True):
            times = [min(number * value, MOST + 1) for number in range(most + 1)]
            sums = np.concatenate([np.minimum(sums + one, MOST + 1) for one in times])
        return sums

    @cached_property
    def fewest_of(self) -> SmallIntArray:
        """Cycles of every set of blocks, if cells do not count."""
        steps, digits = sorted(self.steps), digits_of(self.most)
        first = np.searchsorted([step[0] for step in steps], np.arange(len(self.kinds) + 1))
        cycles = np.array([self.steps[step] for step in steps], dtype=np.int64)
        least = np.zeros(len(self), dtype=np.int16)
        note_least_cycles(digits, packed(steps, digits), cycles, first, least)
        return least

    @property
    def fewest(self) -> int:
        """Cycles of all blocks on one array, if cells do not count."""
        return int(self.fewest_of[-1])


def digits_of(most: Sequence[int]) -> Digits:
    """Numbers of sets of up to so many of each."""
    numbers = np.array(most, dtype=np.int64)
    return Digits(numbers, np.concatenate([[1], np.cumprod(numbers + 1)[:-1]]))


def packed(steps: Sequence[Kinds], digits: Digits) -> Steps:
    """Steps as compiled functions see them."""
    kind, times = np.zeros((2, len(steps), max(map(len, steps), default=1)), dtype=np.int64)
    for k, step in enumerate(steps):
        for part, one in enumerate(sorted(set(step))):
            kind[k, part], times[k, part] = one, step.count(one)
    return Steps(kind, times, (times * digits.worth[kind]).sum(axis=1))
