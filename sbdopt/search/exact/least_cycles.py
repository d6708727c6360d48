"""The least cycles of operators on arrays that are alike, if all other blocks were like sand.

Only cells count: those of their own blocks, and those that their steps leave empty, of which all arrays
together have no more than there are to spare. Steps may share empty cells, but not all: what they leave empty
in all is at least what they leave each, less what each two can share (Bonferroni's inequality; see
`crossings`).

Every set of blocks, read within some cycles, leaves some number of cells empty on an array. So many cycles
are too few if all ways to deal the blocks to the arrays leave more empty than there are to spare: of few
blocks all ways are compared; of more, prices of the blocks show it (the linear relaxation of dealing sets, as
Gilmore and Gomory 1961: if no set leaves fewer cells empty than its blocks cost together, less a rent for the
array, all together leave at least what all blocks cost less all rents).

Several operators that take their least cycles each may together leave too many cells empty: then one of them
takes a cycle more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python.cp_model import CpModel, CpSolver, LinearExpr

from sbdopt.documents import IntArray, SmallIntArray
from sbdopt.search.budget import Budget
from sbdopt.search.exact.candidates import Candidate
from sbdopt.search.exact.crossings import empty_cells, shared_by_each_two
from sbdopt.search.exact.questions import Questions
from sbdopt.search.exact.runner import Halt, Run
from sbdopt.search.exact.scales import Size

if TYPE_CHECKING:
    from sbdopt.search.exact.subsets import Digits, Steps

_SHARE = 0.2
"""Part of what is left of the budget that one operator may take, and all sets of several together."""
_MOST_SETS, _MOST_ENTRIES = 1 << 23, 1 << 26
"""Sets of blocks, and entries of their table of sets and savings."""
_SEVERAL, _MOST_OF_SEVERAL = 3, 1 << 20
"""Operators that are looked at together, and sets of their blocks."""
_FEW = 50_000_000
"""Pairs of a set and one within it up to which all ways to deal blocks are compared."""
_MOST, _NEVER = 8_000, 12_000
"""Cells of an array, in units, or cycles of an operator, and more than that: numbers are kept in 16 bits."""
_FIRST, _WIDER = 4, 1.3
"""Cells that steps may leave empty at first, and by how much more each time."""
_NEARLY, _MANY = 0.8, 1_000_000
"""All cells are allowed at once where it would be nearly all, or where there are many sets, but not twice
as many as before."""
_MOST_TRIES, _WORK, _TURN = 40_000_000, 1.5e-7, 0.6
"""Sets of steps that are looked at, units of work of each, and of each ten entries of the table, and the part
of the time that is left that they may take each time."""
_PARTS = 1 << 12
"""Prices are multiples of such a part of a cell, so that sums are exact."""
_COLUMNS = 40
"""Sets of blocks that are added at a time."""

_Kinds = tuple[int, ...]


def least_cycles(
    questions: Questions, known: IntArray, arrays: int, unused: int, run: Run
) -> dict[tuple[int, ...], int]:
    """Cycles that operators take at least, and several together if that is more than follows.

    `unused` cells of all arrays may stay empty, in units; so many cycles are `known` already.
    """
    from sbdopt.search.compiled import seconds_to_call  # loads Numba
    from sbdopt.search.exact.subsets import note_least_empty

    cells = questions.fits.scales.rows * questions.fits.scales.columns
    if cells > _MOST or run.budget.remaining < seconds_to_call(note_least_empty):
        return {}
    least: dict[tuple[int, ...], int] = {}
    works = [(o, _Work(candidates, questions.size)) for o, candidates in questions.candidates.items()]
    works = sorted(((o, work) for o, work in works if work.serial <= _MOST), key=lambda pair: pair[1].sets)
    for operator, work in works:
        part = run.budget.part(_SHARE)
        if run.halt.halted or part.used_up:
            return least
        if work.sets <= _MOST_SETS:
            dealing = _Dealing([work], arrays, cells, unused, part, run.halt)
            least[operator,] = dealing.least(int(known[operator]))
            run.budget.spent = part.spent
    found = {operator: work for operator, work in works if (operator,) in least}
    part = run.budget.part(_SHARE)
    for number in range(2, _SEVERAL + 1):
        several = [(prod(found[o].sets for o in some), some) for some in combinations(found, number)]
        for _, some in sorted(entry for entry in several if entry[0] <= _MOST_OF_SEVERAL):
            if run.halt.halted or part.used_up:
                break
            dealing = _Dealing([found[o] for o in some], arrays, cells, unused, part, run.halt)
            value = dealing.least_of_several(some, least)
            if value is not None:
                least[some] = value
    run.budget.spent = part.spent
    return least


class _Work:
    """The blocks of an operator, by kind: of a size, and cycles if they are read alone."""

    def __init__(self, candidates: Sequence[tuple[Candidate, int]], size: Sequence[Size]) -> None:
        """Steps and what they take, and the sizes of blocks."""
        alone = {c.members[0]: (size[c.members[0]], spent) for c, spent in candidates if len(c.members) == 1}
        self.kinds = sorted(set(alone.values()))
        number = {kind: k for k, kind in enumerate(self.kinds)}
        self.most = [list(alone.values()).count(kind) for kind in self.kinds]
        self.steps: dict[_Kinds, int] = {}
        """Kinds of the blocks of each step, and the least cycles of such a one."""
        for candidate, spent in candidates:
            kinds = tuple(sorted(number[alone[i]] for i in candidate.members))
            self.steps[kinds] = min(spent, self.steps.get(kinds, spent))

    @property
    def sets(self) -> int:
        """How many there are of blocks."""
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
        """The sum of every set of blocks, of a value for each kind, or more than `_MOST`."""
        sums = np.zeros(1, dtype=np.int16)
        for value, most in zip(values, self.most, strict=True):
            times = [min(number * value, _MOST + 1) for number in range(most + 1)]
            sums = np.concatenate([np.minimum(sums + one, _MOST + 1) for one in times])
        return sums

    @cached_property
    def fewest_of(self) -> SmallIntArray:
        """Cycles of every set of blocks, if cells do not count."""
        from sbdopt.search.exact.subsets import note_least_cycles

        steps, digits = sorted(self.steps), _digits(self.most)
        first = np.searchsorted([step[0] for step in steps], np.arange(len(self.kinds) + 1))
        cycles = np.array([self.steps[step] for step in steps], dtype=np.int64)
        least = np.zeros(self.sets, dtype=np.int16)
        note_least_cycles(digits, _packed(steps, digits), cycles, first, least)
        return least

    @property
    def fewest(self) -> int:
        """Cycles of all blocks on one array, if cells do not count."""
        return int(self.fewest_of[-1])


def _digits(most: Sequence[int]) -> Digits:
    from sbdopt.search.exact.subsets import Digits

    numbers = np.array(most, dtype=np.int64)
    return Digits(numbers, np.concatenate([[1], np.cumprod(numbers + 1)[:-1]]))


def _packed(steps: Sequence[_Kinds], digits: Digits) -> Steps:
    from sbdopt.search.exact.subsets import Steps

    kind, times = np.zeros((2, len(steps), max(map(len, steps), default=1)), dtype=np.int64)
    for k, step in enumerate(steps):
        for part, one in enumerate(sorted(set(step))):
            kind[k, part], times[k, part] = one, step.count(one)
    return Steps(kind, times, (times * digits.worth[kind]).sum(axis=1))


def _divided(total: int, lows: Sequence[int]) -> Iterator[list[int]]:
    """All ways to divide so many cycles, of which each part has its least."""
    if len(lows) == 1:
        yield [total]
        return
    for first in range(lows[0], total - sum(lows[1:]) + 1):
        for rest in _divided(total - first, lows[1:]):
            yield [first, *rest]


@dataclass(eq=False)
class _Dealing:
    """Sets of blocks of one operator or several: those of the first are the last digits of their numbers."""

    works: Sequence[_Work]
    arrays: int
    cells: int
    """Of an array."""
    unused: int
    budget: Budget
    halt: Halt

    def least(self, known: int) -> int:
        """The least cycles of the only operator, or as many as are proven when the time is up.

        `known` if there is no way at all.
        """
        (work,) = self.works
        least = max(known, -(-work.fewest // self.arrays))
        while not (self.budget.used_up or self.halt.halted):
            if least > work.serial:
                return known
            if not self.too_few([least]):
                break
            least += 1
        return least

    def least_of_several(
        self, operators: tuple[int, ...], least: Mapping[tuple[int, ...], int]
    ) -> int | None:
        """More cycles than follows from what these operators, and some of them, take at least; None if not.

        All ways to divide so many cycles must be shown to be too few. None too if there is no way at all.
        """
        known = [(some, value) for some, value in least.items() if set(some) <= set(operators)]
        lows = [least[operator,] for operator in operators]
        follows, value = True, sum(lows)
        while value <= sum(work.serial for work in self.works):
            for cycles in _divided(value, lows):
                of = dict(zip(operators, cycles, strict=True))
                if all(sum(of[o] for o in some) >= most for some, most in known):
                    if self.budget.used_up or self.halt.halted or not self.too_few(cycles):
                        return None if follows else value
                    follows = False
            value += 1
        return None

    def too_few(self, cycles: Sequence[int]) -> bool:
        """Whether it is shown that operators cannot take so few cycles each."""
        pairs = prod((most + 1) * (most + 2) // 2 for work in self.works for most in work.most)
        exceed = self._dealt_exceed if pairs <= _FEW else self._priced_exceed
        return exceed(self._costs(cycles))

    def _over_sets(self, values: SmallIntArray, place: int) -> SmallIntArray:
        """For every set what there is for those of one operator."""
        before, after = (
            prod(work.sets for work in some) for some in (self.works[:place], self.works[place + 1 :])
        )
        return np.tile(np.repeat(values, before), after)

    @cached_property
    def _digits(self) -> Digits:
        return _digits([most for work in self.works for most in work.most])

    @cached_property
    def _area(self) -> SmallIntArray:
        areas = [self._over_sets(work.area_of, place) for place, work in enumerate(self.works)]
        return np.minimum(sum(areas[1:], start=areas[0]), _MOST + 1)

    @cached_property
    def _savings(self) -> Digits:
        """Rows of the table: those of all operators are cut to what there is room for."""
        most = [work.serial - work.fewest for work in self.works]
        while prod(number + 1 for number in most) * self._area.size > max(_MOST_ENTRIES, self._area.size):
            largest = most.index(max(most))
            most[largest] -= 1
        return _digits(most)

    @cached_property
    def _table(self) -> tuple[SmallIntArray, int]:
        """For savings and sets of blocks the cells that stay empty, if they are no more than a number.

        That number, which comes second, grows until there are too many sets of steps to look at.
        """
        from sbdopt.search.exact.subsets import note_larger, note_least_empty

        steps: list[tuple[int, int, int, tuple[Size, ...], _Kinds]] = []
        first = 0
        for place, work in enumerate(self.works):
            for kinds, spent in work.steps.items():
                size = tuple(work.kinds[k][0] for k in kinds)
                more = sum(work.kinds[k][1] for k in kinds) - spent
                if more > 0:
                    steps.append((empty_cells(size), place, more, size, tuple(first + k for k in kinds)))
            first += len(work.kinds)
        steps.sort(key=lambda step: -step[0])
        empty, owner, saved = np.array([step[:3] for step in steps], dtype=np.int64).reshape(-1, 3).T.copy()
        packed = _packed([kinds for *_, kinds in steps], self._digits)
        shares = shared_by_each_two([size for *_, size, _ in steps])
        rows = int(np.prod(self._savings.most + 1))
        least = np.full((rows, self._area.size), _NEVER, dtype=np.int16)
        least[0, 0] = 0
        most, complete, before = min(_FIRST, self.unused), 0, 0
        while True:
            allowed = self._most_tries()
            number = note_least_empty(
                self._digits,
                packed,
                owner,
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
        note_larger(self._digits, self._savings, least)
        self.budget.spent += _WORK / 10 * least.size
        return least, complete

    def _most_tries(self) -> int:
        left = self.budget.remaining_work
        seconds = min(self.budget.remaining, self.budget.remaining if left is None else left)
        return int(min(_MOST_TRIES, _TURN * seconds / _WORK))

    def _costs(self, cycles: Sequence[int]) -> SmallIntArray:
        """Cells that every set of blocks leaves empty at least, if it is read within so many cycles.

        What is not in the table leaves more empty than all of the table; what saves more than its last row,
        at least as much as there.
        """
        least, complete = self._table
        row = np.zeros(self._area.size, dtype=np.int64)
        never = np.zeros(self._area.size, dtype=bool)
        for place, (work, most) in enumerate(zip(self.works, cycles, strict=True)):
            saving = np.clip(work.serial_of - most, 0, int(self._savings.most[place]))
            row += self._over_sets(saving, place) * self._savings.worth[place]
            never |= self._over_sets(work.fewest_of, place) > most
        costs: SmallIntArray = np.take_along_axis(least, row[None], axis=0)[0]
        np.minimum(costs, complete + 1, out=costs)
        costs[never | (self._area + costs > self.cells) | (costs > self.unused)] = _NEVER
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

        digits = self._digits
        count = len(digits.most)
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
        for price, most in zip(prices.tolist(), self._digits.most.tolist(), strict=True):
            sums = np.concatenate([sums + number * price for number in range(most + 1)])
        return sums


def least_in_turn(known: IntArray, together: Mapping[tuple[int, ...], int]) -> int:
    """The least cycles of all operators one after another, of which some take at least so many together."""
    model = CpModel()
    enough = int(known.max()) + max(together.values(), default=0)
    cycles = [model.new_int_var(most, enough, "") for most in known.tolist()]
    for operators, value in together.items():
        model.add(LinearExpr.sum([cycles[o] for o in operators]) >= value)
    model.minimize(LinearExpr.sum(cycles))
    solver = CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = 1.0
    solver.solve(model)
    return max(int(known.sum()), round(solver.best_objective_bound))
