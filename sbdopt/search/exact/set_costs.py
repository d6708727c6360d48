"""Cells that every set of blocks leaves empty at least on an array, if it is read within some cycles.

Steps may share empty cells, but not all: what they leave empty in all is at least what they leave each, less
what each two can share (Bonferroni's inequality; see `crossings`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np

from sbdopt.documents import IntArray, SmallIntArray
from sbdopt.search.budget import Budget
from sbdopt.search.exact.block_sets import MOST, BlockSets, Kinds, digits_of, packed
from sbdopt.search.exact.crossings import Step, empty_cells, shared_by_each_two
from sbdopt.search.exact.runner import Halt
from sbdopt.search.exact.subsets import Digits, Steps, note_larger, note_least_empty

NEVER = 12_000
"""More cells than there are."""
_MOST_ENTRIES = 1 << 26
"""Of the table of sets and savings."""
_FIRST, _WIDER = 4, 1.3
"""Cells that steps may leave empty at first, and by how much more each time."""
_FEW = 100_000
"""Sets of steps that are looked at in no time."""
_NEARLY, _MANY = 0.8, 1_000_000
"""All cells are allowed at once where it would be nearly all, or where there are many sets, but not twice
as many as before."""
_MOST_TRIES, _WORK, _TURN = 40_000_000, 1.5e-7, 0.6
"""Sets of steps that are looked at, units of work of each, and of each ten entries of the table, and the part
of the time that is left that they may take each time."""


class _Saving(NamedTuple):
    """A step that takes fewer cycles than its blocks one by one."""

    empty: int
    operator: int
    saved: int
    size: Step
    kinds: Kinds


@dataclass(eq=False)
class SetCosts:
    """For the blocks of one operator or several: those of the first are the last digits of their numbers."""

    operators: Sequence[BlockSets]
    cells: int
    """Of an array."""
    unused: int
    """Cells that may stay empty."""
    budget: Budget
    halt: Halt
    complete: int = 0
    """Costs of so many cells, and fewer, do not grow any more."""
    _before: int = 0
    _number: int = 0
    """How many sets of steps were looked at the time before and the last time."""
    _too_many: bool = False

    def _over_sets(self, values: SmallIntArray, place: int) -> SmallIntArray:
        """For every set what there is for those of one operator."""
        before, after = (
            prod(len(sets) for sets in some) for some in (self.operators[:place], self.operators[place + 1 :])
        )
        return np.tile(np.repeat(values, before), after)

    @cached_property
    def digits(self) -> Digits:
        """Of the numbers of sets."""
        return digits_of([most for sets in self.operators for most in sets.most])

    @cached_property
    def _area(self) -> SmallIntArray:
        areas = [self._over_sets(sets.area_of, place) for place, sets in enumerate(self.operators)]
        return np.minimum(sum(areas[1:], start=areas[0]), MOST + 1)

    @cached_property
    def _savings(self) -> Digits:
        """Rows of the table: those of all operators are cut to what there is room for."""
        most = [sets.serial - sets.fewest for sets in self.operators]
        while prod(number + 1 for number in most) * self._area.size > max(_MOST_ENTRIES, self._area.size):
            largest = most.index(max(most))
            most[largest] -= 1
        return digits_of(most)

    @cached_property
    def _table(self) -> SmallIntArray:
        """For savings and sets of blocks the cells that stay empty, if no more than are `complete`."""
        table = np.full((int(np.prod(self._savings.most + 1)), self._area.size), NEVER, dtype=np.int16)
        table[0] = 0
        return table

    @cached_property
    def _steps(self) -> tuple[Steps, IntArray, IntArray, IntArray, IntArray]:
        """Steps, their operators, savings and empty cells, and what each two share."""
        steps = self._steps_that_save()
        columns = [(step.operator, step.saved, step.empty) for step in steps]
        operator, saved, empty = np.array(columns, dtype=np.int64).reshape(-1, 3).T.copy()
        shares = shared_by_each_two([step.size for step in steps])
        return packed([step.kinds for step in steps], self.digits), operator, saved, empty, shares

    def widen(self) -> bool:
        """Look at twice as many sets of steps, or all, so that more costs are exact; whether that was done.

        It is not if all were looked at, or if there are too many.
        """
        enough = max(_FEW, 2 * self._number)
        wider = False
        while self.complete < self.unused and self._number < enough and not self._too_many:
            most, allowed = self._next_complete(), self._most_tries()
            number = note_least_empty(
                self.digits, *self._steps, self._area, self.cells, most, self._savings, self._table, allowed,
                self.halt.flag,
            )  # fmt: skip
            self.budget.spent += _WORK * (number if number >= 0 else allowed)
            self._too_many = number < 0
            if not self._too_many:
                self.complete, self._before, self._number, wider = most, self._number, number, True
        if wider:
            note_larger(self.digits, self._savings, self._table)
            self.budget.spent += _WORK / 10 * self._table.size
        return wider

    def _next_complete(self) -> int:
        most = max(_FIRST, int(self.complete * _WIDER))
        saturated = _MANY < self._number < 2 * self._before
        return self.unused if saturated or most > _NEARLY * self.unused else most

    def _steps_that_save(self) -> list[_Saving]:
        """Those that leave most cells empty first."""
        steps, first = [], 0
        for operator, sets in enumerate(self.operators):
            for kinds, spent in sets.steps.items():
                size = tuple(sets.kinds[k][0] for k in kinds)
                saved = sum(sets.kinds[k][1] for k in kinds) - spent
                if saved > 0:
                    mine = tuple(first + k for k in kinds)
                    steps.append(_Saving(empty_cells(size), operator, saved, size, mine))
            first += len(sets.kinds)
        return sorted(steps, key=lambda step: -step.empty)

    def _most_tries(self) -> int:
        left = self.budget.remaining_work
        seconds = min(self.budget.remaining, self.budget.remaining if left is None else left)
        return int(min(_MOST_TRIES, _TURN * seconds / _WORK))

    def within(self, cycles: Sequence[int]) -> SmallIntArray:
        """Cells that every set of blocks leaves empty at least, if it is read within so many cycles.

        What is not in the table leaves more empty than all of it; what saves more than its last row, at least
        as much as there.
        """
        row = np.zeros(self._area.size, dtype=np.int64)
        never = np.zeros(self._area.size, dtype=bool)
        for place, (sets, most) in enumerate(zip(self.operators, cycles, strict=True)):
            saving = np.clip(sets.serial_of - most, 0, int(self._savings.most[place]))
            row += self._over_sets(saving, place) * self._savings.worth[place]
            never |= self._over_sets(sets.fewest_of, place) > most
        costs: SmallIntArray = np.take_along_axis(self._table, row[None], axis=0)[0]
        np.minimum(costs, self.complete + 1, out=costs)
        costs[never | (self._area + costs > self.cells) | (costs > self.unused)] = NEVER
        return costs
