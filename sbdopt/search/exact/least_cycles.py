"""The least cycles of operators on arrays that are alike, if all other blocks were like sand.

Only cells count: those of their own blocks, and those that their steps leave empty, of which all arrays
together have no more than there are to spare. Every set of blocks, read within some cycles, leaves some cells
empty on an array (see `set_costs`). So many cycles are too few if all ways to deal the blocks to the arrays
leave more empty than there are to spare: of few blocks all ways are compared; of more, prices of the blocks
show it (the linear relaxation of dealing sets, as Gilmore and Gomory 1961: if no set leaves fewer cells empty
than its blocks cost together, less a rent for the array, all together leave at least what all blocks cost
less all rents).

Several operators that take their least cycles each may together leave too many cells empty: then one of them
takes a cycle more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np
from ortools.sat.python.cp_model import CpModel, CpSolver, LinearExpr

from sbdopt.documents import IntArray, SmallIntArray
from sbdopt.search.compiled import seconds_to_call
from sbdopt.search.exact.block_sets import MOST, BlockSets
from sbdopt.search.exact.questions import Questions
from sbdopt.search.exact.runner import Run
from sbdopt.search.exact.set_costs import NEVER, SetCosts
from sbdopt.search.exact.subsets import joined, note_least_empty

_SHARE = 0.5
"""Part of what is left of the budget that one operator may take, and all sets of several together."""
_MOST_SETS = 1 << 23
"""Sets of blocks of an operator."""
_SEVERAL, _MOST_OF_SEVERAL = 3, 1 << 20
"""Operators that are looked at together, and sets of their blocks."""
_FEW = 50_000_000
"""Pairs of a set and one within it up to which all ways to deal blocks are compared."""
_PARTS = 1 << 12
"""Prices are multiples of such a part of a cell, so that sums are exact."""
_COLUMNS = 40
"""Sets of blocks that are added at a time."""


def least_cycles(
    questions: Questions, known: IntArray, arrays: int, unused: int, run: Run
) -> dict[tuple[int, ...], int]:
    """Cycles that operators take at least, and several together if that is more than follows.

    `unused` cells of all arrays may stay empty, in units; so many cycles are `known` already.
    """
    cells = questions.fits.scales.rows * questions.fits.scales.columns
    if cells > MOST or run.budget.remaining < seconds_to_call(note_least_empty):
        return {}
    least: dict[tuple[int, ...], int] = {}
    sets = {o: BlockSets(candidates, questions.size) for o, candidates in questions.candidates.items()}
    small = [o for o, mine in sets.items() if mine.serial <= MOST and len(mine) <= _MOST_SETS]
    for operator in sorted(small, key=lambda o: len(sets[o])):
        part = run.budget.part(_SHARE)
        if run.halt.halted or part.used_up:
            return least
        costs = SetCosts([sets[operator]], cells, unused, part, run.halt)
        least[operator,] = _Dealing(costs, arrays).least(int(known[operator]))
        run.budget.spent = part.spent
    part = run.budget.part(_SHARE)
    for number in range(2, _SEVERAL + 1):
        several = [(prod(len(sets[o]) for o in some), some) for some in combinations(small, number)]
        for _, some in sorted(entry for entry in several if entry[0] <= _MOST_OF_SEVERAL):
            if run.halt.halted or part.used_up:
                break
            costs = SetCosts([sets[o] for o in some], cells, unused, part, run.halt)
            value = _Dealing(costs, arrays).least_of_several(some, least)
            if value is not None:
                least[some] = value
    run.budget.spent = part.spent
    return least


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
    """Ways to deal blocks of one operator or several to so many arrays."""

    costs: SetCosts
    arrays: int

    def __post_init__(self) -> None:
        self.costs.widen()

    def least(self, known: int) -> int:
        """The least cycles of the only operator, or as many as are proven when the time is up.

        `known` if there is no way at all.
        """
        (sets,) = self.costs.operators
        least = max(known, -(-sets.fewest // self.arrays))
        while not self._ended:
            if least > sets.serial:
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
        most = sum(sets.serial for sets in self.costs.operators)
        follows: int | None = None
        for value in range(sum(lows), most + 1):
            for cycles in _divided(value, lows):
                of = dict(zip(operators, cycles, strict=True))
                if all(sum(of[o] for o in some) >= least_of_some for some, least_of_some in known):
                    follows = value if follows is None else follows
                    if self._ended or not self.too_few(cycles):
                        return value if value > follows else None
        return None

    @property
    def _ended(self) -> bool:
        return self.costs.budget.used_up or self.costs.halt.halted

    def too_few(self, cycles: Sequence[int]) -> bool:
        """Whether it is shown that operators cannot take so few cycles each.

        Costs are widened as long as only those that may grow allow a way.
        """
        pairs = prod((most + 1) * (most + 2) // 2 for sets in self.costs.operators for most in sets.most)
        exceed = self._dealt_exceed if pairs <= _FEW else self._priced_exceed
        while True:
            costs = self.costs.within(cycles)
            if exceed(costs):
                return True
            final = np.where(costs > self.costs.complete, NEVER, costs)
            if self._ended or not exceed(final) or not self.costs.widen():
                return False

    def _dealt_exceed(self, costs: SmallIntArray) -> bool:
        """Whether all ways to deal the blocks leave too many cells empty."""
        if self.arrays == 1:
            return int(costs[-1]) > self.costs.unused
        half = self.arrays // 2
        one, two = self._on_arrays(costs, half), self._on_arrays(costs, self.arrays - half)
        return int((one + two[::-1]).min()) > self.costs.unused

    def _on_arrays(self, costs: SmallIntArray, arrays: int) -> SmallIntArray:
        """Cells that every set of blocks leaves empty at least, dealt to so many arrays."""
        if arrays == 1:
            return costs
        half = self._on_arrays(costs, arrays // 2)
        other = half if arrays % 2 == 0 else self._on_arrays(costs, arrays - arrays // 2)
        return np.minimum(joined(self.costs.digits, half, other), NEVER)

    def _priced_exceed(self, costs: SmallIntArray) -> bool:
        """Whether prices show that all ways to deal the blocks leave too many cells empty."""
        from scipy.optimize import linprog  # takes long to import

        digits = self.costs.digits
        count = len(digits.most)
        sets = np.flatnonzero(costs < NEVER)
        costs = costs[sets].astype(np.int64)
        inside = [*np.eye(count), np.zeros(count)]
        leaves = [2.0 * self.costs.unused + 2] * count + [0.0]
        used = [0.0] * count + [1.0]
        while len(sets) and not self._ended:
            solution = linprog(
                leaves, A_ub=[used], b_ub=[self.arrays], A_eq=np.array(inside).T, b_eq=digits.most
            )
            prices = np.floor(_PARTS * solution.eqlin.marginals).astype(np.int64)
            less = _PARTS * costs - self._sums_of(prices)[sets]
            rent = -min(0, int(less.min()))
            if solution.fun <= self.costs.unused:
                return False
            if prices @ digits.most - self.arrays * rent > _PARTS * self.costs.unused:
                return True
            less += round(-_PARTS * float(solution.ineqlin.marginals[0]))
            better = np.argpartition(less, min(_COLUMNS, len(less)) - 1)[:_COLUMNS]
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
        for price, most in zip(prices.tolist(), self.costs.digits.most.tolist(), strict=True):
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
