"""The least cycles of one operator on arrays that are alike, if all other blocks were like sand.

Only cells count: those of its own blocks, and those that its steps leave empty, of which all arrays together
have no more than there are to spare. Steps may share empty cells, but not all: what they leave empty in all
is at least what they leave each, less what each two can share (Bonferroni's inequality; see `crossings`).

For every set of blocks and number of cycles that leaves some number of cells empty on an array. So many
cycles are too few if all ways to deal the blocks to the arrays leave more empty than there are to spare: of
few blocks all ways are compared; of more, prices of the blocks show it (the linear relaxation of dealing
sets, as Gilmore and Gomory 1961: if no set leaves fewer cells empty than its blocks cost together, less a
rent for the array, all together leave at least what all blocks cost less all rents).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from sbdopt.documents import IntArray, SmallIntArray
from sbdopt.search.budget import Budget
from sbdopt.search.exact.crossings import empty_cells, shared_by_each_two
from sbdopt.search.exact.questions import Questions
from sbdopt.search.exact.runner import Halt, Run
from sbdopt.search.exact.scales import Size

if TYPE_CHECKING:
    from sbdopt.search.exact.subsets import Digits, Steps

_SHARE = 0.1
"""Part of what is left of the budget that one operator may take."""
_MOST_SETS, _MOST_ENTRIES = 1 << 23, 1 << 26
"""Sets of blocks of an operator, and entries of its table of sets and savings."""
_FEW = 50_000_000
"""Pairs of a set and one within it up to which all ways to deal blocks are compared."""
_MOST, _NEVER = 8_000, 12_000
"""Cells of an array, in units, or cycles of an operator, and more than that: numbers are kept in 16 bits."""
_WIDER = 1.25
"""By how much more cells steps may leave empty each time, as long as there are not too many sets of them."""
_FIRST = 4
"""Cells that they may leave empty at first."""
_MOST_TRIES, _WORK = 20_000_000, 1e-7
"""Sets of steps that are looked at, and units of work of each, and of each ten entries of the table."""
_PARTS = 1 << 12
"""Prices are multiples of such a part of a cell, so that sums are exact."""
_COLUMNS = 40
"""Sets of blocks that are added at a time."""

_Kinds = tuple[int, ...]


def least_alone(questions: Questions, known: IntArray, arrays: int, unused: int, run: Run) -> dict[int, int]:
    """For operators cycles that they take at least, those with fewest steps first.

    `unused` cells of all arrays may stay empty, in units; so many cycles are `known` already.
    """
    from sbdopt.search.compiled import seconds_to_call  # loads Numba
    from sbdopt.search.exact.subsets import note_least_empty

    least: dict[int, int] = {}
    cells = questions.fits.scales.rows * questions.fits.scales.columns
    for operator in sorted(questions.candidates, key=lambda o: len(questions.candidates[o])):
        part = run.budget.part(_SHARE)
        if run.halt.halted or part.used_up or run.budget.remaining < seconds_to_call(note_least_empty):
            break
        steps = {candidate.members: spent for candidate, spent in questions.candidates[operator]}
        alone = _Alone(steps, questions.size, arrays, cells, unused, part, run.halt)
        if alone.sets <= _MOST_SETS and max(cells, alone.serial) <= _MOST:
            least[operator] = alone.least(int(known[operator]))
            run.budget.spent = part.spent
    return least


@dataclass(eq=False)
class _Alone:
    """Blocks are of kinds: of a size, and cycles if they are read alone."""

    given: Mapping[tuple[int, ...], int]
    """Cycles of steps of some blocks."""
    size: Sequence[Size]
    """Of each block."""
    arrays: int
    cells: int
    """Of an array."""
    unused: int
    budget: Budget
    halt: Halt

    def __post_init__(self) -> None:
        kind_of = {
            step[0]: (self.size[step[0]], spent) for step, spent in self.given.items() if len(step) == 1
        }
        self.kinds = sorted(set(kind_of.values()))
        number = {kind: k for k, kind in enumerate(self.kinds)}
        self.most = [list(kind_of.values()).count(kind) for kind in self.kinds]
        self.steps: dict[_Kinds, int] = {}
        """Kinds of the blocks of each step, and the least cycles of such a one."""
        for step, spent in self.given.items():
            kinds = tuple(sorted(number[kind_of[i]] for i in step))
            self.steps[kinds] = min(spent, self.steps.get(kinds, spent))

    @property
    def sets(self) -> int:
        """How many there are of blocks."""
        return prod(most + 1 for most in self.most)

    @property
    def serial(self) -> int:
        """Cycles of all blocks if each is read alone."""
        return sum(most * spent for most, (_, spent) in zip(self.most, self.kinds, strict=True))

    def least(self, known: int) -> int:
        """The least cycles, or as many as are proven when the time is up; `known` if there are none."""
        pairs = prod((most + 1) * (most + 2) // 2 for most in self.most)
        exceeds = self._dealt_exceed if pairs <= _FEW else self._priced_exceed
        least = max(known, -(-int(self._fewest_cycles[-1]) // self.arrays))
        while not (self.budget.used_up or self.halt.halted):
            if least > self.serial:
                return known
            if not exceeds(self._costs(least)):
                break
            least += 1
        return least

    @cached_property
    def _digits(self) -> Digits:
        from sbdopt.search.exact.subsets import Digits

        most = np.array(self.most, dtype=np.int64)
        return Digits(most, np.concatenate([[1], np.cumprod(most + 1)[:-1]]))

    def _packed(self, steps: Sequence[_Kinds]) -> Steps:
        from sbdopt.search.exact.subsets import Steps

        kind, times = np.zeros((2, len(steps), max(map(len, steps), default=1)), dtype=np.int64)
        for k, step in enumerate(steps):
            for part, one in enumerate(sorted(set(step))):
                kind[k, part], times[k, part] = one, step.count(one)
        return Steps(kind, times, (times * self._digits.worth[kind]).sum(axis=1))

    def _sums(self, values: Sequence[int]) -> SmallIntArray:
        """The sum of every set of blocks, of a value for each kind, or more than `_MOST`."""
        sums = np.zeros(1, dtype=np.int16)
        for value, most in zip(values, self.most, strict=True):
            times = [min(number * value, _MOST + 1) for number in range(most + 1)]
            sums = np.concatenate([np.minimum(sums + one, _MOST + 1) for one in times])
        return sums

    @cached_property
    def _serial(self) -> SmallIntArray:
        return self._sums([spent for _, spent in self.kinds])

    @cached_property
    def _area(self) -> SmallIntArray:
        return self._sums([height * width for (height, width), _ in self.kinds])

    @cached_property
    def _fewest_cycles(self) -> SmallIntArray:
        """Of every set of blocks, if cells do not count."""
        from sbdopt.search.exact.subsets import note_least_cycles

        steps = sorted(self.steps)
        first = np.searchsorted([step[0] for step in steps], np.arange(len(self.kinds) + 1))
        cycles = np.array([self.steps[step] for step in steps], dtype=np.int64)
        least = np.zeros(self.sets, dtype=np.int16)
        note_least_cycles(self._digits, self._packed(steps), cycles, first, least)
        return least

    @cached_property
    def _table(self) -> tuple[SmallIntArray, int]:
        """For every saving and set of blocks the cells that stay empty, if they are no more than a number.

        That number, which comes second, grows until there are too many sets of steps to look at.
        """
        from sbdopt.search.exact.subsets import note_larger, note_least_empty

        alone = [spent for _, spent in self.kinds]
        saved = {step: sum(alone[k] for k in step) - spent for step, spent in self.steps.items()}
        size = {step: tuple(self.kinds[k][0] for k in step) for step, more in saved.items() if more > 0}
        steps = sorted(size, key=lambda step: -empty_cells(size[step]))
        rows = 1 + min(self.serial - int(self._fewest_cycles[-1]), _MOST_ENTRIES // self.sets)
        least = np.full((rows, self.sets), _NEVER, dtype=np.int16)
        least[0, 0] = 0
        most, allowed, complete = min(_FIRST, self.unused), self._most_tries(), 0
        packed, shares = self._packed(steps), shared_by_each_two([size[step] for step in steps])
        saves = np.array([saved[step] for step in steps], dtype=np.int64)
        empty = np.array([empty_cells(size[step]) for step in steps], dtype=np.int64)
        while True:
            number = note_least_empty(
                self._digits,
                packed,
                saves,
                empty,
                shares,
                self._area,
                self.cells,
                most,
                least,
                allowed,
                self.halt.flag,
            )
            self.budget.spent += _WORK * (number if number >= 0 else allowed)
            if number < 0:
                break
            complete = most
            if most == self.unused:
                break
            most = min(self.unused, int(most * _WIDER))
        note_larger(self._digits, least)
        self.budget.spent += _WORK / 10 * least.size
        return least, complete

    def _most_tries(self) -> int:
        left = self.budget.remaining_work
        seconds = min(self.budget.remaining, self.budget.remaining if left is None else left)
        return int(min(_MOST_TRIES, seconds / _WORK))

    def _costs(self, cycles: int) -> SmallIntArray:
        """Cells that every set of blocks leaves empty at least, if it is read within so many cycles.

        What is not in the table leaves more empty than all of the table; what saves more than its last row,
        at least as much as there.
        """
        least, complete = self._table
        saving = np.clip(self._serial - cycles, 0, len(least) - 1)
        costs: SmallIntArray = np.take_along_axis(least, saving[None].astype(np.int64), axis=0)[0]
        np.minimum(costs, complete + 1, out=costs)
        costs[(self._fewest_cycles > cycles) | (self._area + costs > self.cells) | (costs > self.unused)] = (
            _NEVER
        )
        return costs

    def _dealt_exceed(self, costs: SmallIntArray) -> bool:
        """Whether all ways to deal the blocks leave too many cells empty."""
        if self.arrays == 1:
            return int(costs[-1]) > self.unused
        half = self.arrays // 2
        one, two = self._on_arrays(costs, half), self._on_arrays(costs, self.arrays - half)
        return int((one + two[::-1]).min()) > self.unused

    def _on_arrays(self, costs: SmallIntArray, arrays: int) -> SmallIntArray:
        """Cells that every set of blocks leaves empty at least, dealt to so many arrays."""
        from sbdopt.search.exact.subsets import joined

        if arrays == 1:
            return costs
        half = self._on_arrays(costs, arrays // 2)
        other = half if arrays % 2 == 0 else self._on_arrays(costs, arrays - arrays // 2)
        return np.minimum(joined(self._digits, half, other), _NEVER)

    def _priced_exceed(self, costs: SmallIntArray) -> bool:
        """Whether prices show that all ways to deal the blocks leave too many cells empty."""
        from scipy.optimize import linprog  # takes long to import

        count, digits = len(self.kinds), self._digits
        sets = np.flatnonzero(costs < _NEVER)
        costs = costs[sets].astype(np.int64)
        inside = [*np.eye(count), np.zeros(count)]
        leaves = [2.0 * self.unused + 2] * count + [0.0]
        used = [0.0] * count + [1.0]
        while len(sets) and not (self.budget.used_up or self.halt.halted):
            solution = linprog(
                leaves, A_ub=[used], b_ub=[self.arrays], A_eq=np.array(inside).T, b_eq=digits.most
            )
            prices = np.floor(_PARTS * solution.eqlin.marginals).astype(np.int64)
            less = _PARTS * costs - self._sums_of(prices)[sets]
            rent = -min(0, int(less.min()))
            if solution.fun <= self.unused:
                return False
            if prices @ digits.most - self.arrays * rent > _PARTS * self.unused:
                return True
            less += round(-_PARTS * float(solution.ineqlin.marginals[0]))
            better = np.argsort(less, kind="stable")[:_COLUMNS]
            better = better[less[better] < 0]
            if not len(better):
                return False
            for k in better.tolist():
                inside.append((sets[k] // digits.worth % (digits.most + 1)).astype(np.float64))
                leaves.append(float(costs[k]))
                used.append(1.0)
        return not len(sets)

    def _sums_of(self, prices: IntArray) -> IntArray:
        sums = np.zeros(1, dtype=np.int64)
        for price, most in zip(prices.tolist(), self.most, strict=True):
            sums = np.concatenate([sums + number * price for number in range(most + 1)])
        return sums
