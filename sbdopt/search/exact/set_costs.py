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

from sbdopt.documents import SmallIntArray
from sbdopt.search.budget import Budget
from sbdopt.search.exact.block_sets import MOST, BlockSets, Kinds, digits_of, packed
from sbdopt.search.exact.crossings import Step, empty_cells, shared_by_each_two
from sbdopt.search.exact.runner import Halt
from sbdopt.search.exact.subsets import Digits, note_larger, note_least_empty

NEVER = 12_000
"""More cells than there are."""
_MOST_ENTRIES = 1 << 26
"""Of the table of sets and savings."""
_FIRST, _WIDER = 4, 1.3
"""Cells that steps may leave empty at first, and by how much more each time."""
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
    def _table(self) -> tuple[SmallIntArray, int]:
        """For savings and sets of blocks the cells that stay empty, if they are no more than a number.

        That number, which comes second, grows until there are too many sets of steps to look at.
        """
        steps = self._steps_that_save()
        columns = [(step.empty, step.operator, step.saved) for step in steps]
        empty, operator, saved = np.array(columns, dtype=np.int64).reshape(-1, 3).T.copy()
        of_steps = packed([step.kinds for step in steps], self.digits)
        shares = shared_by_each_two([step.size for step in steps])
        rows = int(np.prod(self._savings.most + 1))
        least = np.full((rows, self._area.size), NEVER, dtype=np.int16)
        least[0, 0] = 0
        most, complete, before = min(_FIRST, self.unused), 0, 0
        while True:
            allowed = self._most_tries()
            number = note_least_empty(
                self.digits,
                of_steps,
                operator,
                saved,
                empty,
                shares,
                self._area,
                self.cells,
                most,
                self._savings,
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
            wider = int(most * _WIDER)
            saturated = number > _MANY and number < 2 * before
            most = self.unused if saturated or wider > _NEARLY * self.unused else wider
            before = number
        note_larger(self.digits, self._savings, least)
        self.budget.spent += _WORK / 10 * least.size
        return least, complete

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

        What is not in the table leaves more empty than all of the table; what saves more than its last row,
        at least as much as there.
        """
        least, complete = self._table
        row = np.zeros(self._area.size, dtype=np.int64)
        never = np.zeros(self._area.size, dtype=bool)
        for place, (sets, most) in enumerate(zip(self.operators, cycles, strict=True)):
            saving = np.clip(sets.serial_of - most, 0, int(self._savings.most[place]))
            row += self._over_sets(saving, place) * self._savings.worth[place]
            never |= self._over_sets(sets.fewest_of, place) > most
        costs: SmallIntArray = np.take_along_axis(least, row[None], axis=0)[0]
        np.minimum(costs, complete + 1, out=costs)
        costs[never | (self._area + costs > self.cells) | (costs > self.unused)] = NEVER
        return costs
