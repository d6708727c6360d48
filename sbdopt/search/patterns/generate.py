"""Column generation: patterns that are worth having, until none is left that makes the arrays fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sbdopt.documents import FloatArray, IntArray
from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.packing import Filling, Sizes, fill
from sbdopt.search.patterns.guillotine import Guillotine, Places
from sbdopt.search.patterns.master import Master, Relaxed
from sbdopt.search.patterns.pinwheel import best_pinwheels
from sbdopt.search.patterns.rounding import Used, topped_up, trimmed
from sbdopt.search.patterns.supplies import Supply, best_pattern, numbered, supplies_of

if TYPE_CHECKING:
    from sbdopt.search.exact.valuable import Valued

_MOST_ROUNDS = 400
_PRICINGS = 10
_MIXES = 40
_PERTURBED = 0.1
_NOISE = 0.03
_NEARLY = 0.03
_TINY = 1e-7
_WORK = 5e-6
"""Units of work for a cell of the grid that is priced: about the seconds that it takes."""
_WORTH = 1_000_000
"""What a pattern in use is worth, where values must be whole numbers."""
_BETTER = 1.00001
_MOST_PINWHEELS = 4
_MOST_REST = 300
"""Arrays that are filled one by one; more are only left where arrays do not suffice."""


class PatternSearch:
    """Patterns for the arrays and sizes of one problem, and the best way found to use them.

    Its cost depends on the sizes and on the grid, not on how many blocks there are.
    """

    def __init__(self, kinds: Sequence[ArrayKind], sizes: Sizes, seed: int) -> None:
        self.kinds, self.sizes = kinds, sizes
        self.supplies = supplies_of(kinds)
        self._random = np.random.default_rng(seed)
        self._area = sizes.height * sizes.width
        cells = [supply.cells for supply in self.supplies]
        self._unit = int(np.gcd.reduce(cells))
        cost = np.array(cells, dtype=np.float64) / self._unit
        self._master = Master(self.supplies, cost, sizes.count)
        self._relaxed: Relaxed | None = None
        self._guillotine = Guillotine(
            sizes, max(kind.rows for kind in kinds), max(kind.columns for kind in kinds)
        )

    def rounded(self, start: Sequence[Filling], budget: Budget) -> list[Filling] | None:
        """Generate patterns, use them as the linear program says, rounded down, and fill the rest one by one.

        `start` are fillings that are known, whose patterns are of use. None if the arrays do not suffice.
        """
        for size in range(len(self.sizes.count)):
            values = np.zeros(len(self.sizes.count))
            values[size] = 1.0
            self._guillotine.price(values)
            for number, supply in enumerate(self.supplies):
                self._master.add(number, best_pattern(self._guillotine, supply)[1])
        self.learn(start)
        self._relaxed = self._generate(budget)
        return self._numbered(self._round_down(self._relaxed, budget))

    def again(self, budget: Budget) -> list[Filling] | None:
        """The same with the patterns that there are now."""
        assert self._relaxed is not None
        return self._numbered(self._round_down(self._relaxed, budget))

    def chosen(self, least: int, budget: Budget) -> list[Filling] | None:
        """What the integer program makes of the patterns; `least` cells cannot be beaten."""
        assert self._relaxed is not None
        use = self._master.choose(self._relaxed.cost, least / self._unit, budget)
        return None if use is None else self._numbered(trimmed(self._master, use))

    @property
    def reach(self) -> int:
        """Cells that no use of the patterns that there are goes below."""
        assert self._relaxed is not None
        return int(np.ceil(self._relaxed.cost - 1e-6)) * self._unit

    def widen(self, distance: int, budget: Budget) -> None:
        """Add patterns that are nearly as good as those in use; a larger `distance` looks further away."""
        relaxed = self._relaxed
        assert relaxed is not None
        spread = min(distance * _PERTURBED, 0.9)
        for _ in range(_MIXES):
            self._mix(budget)
        for _ in range(_PRICINGS):
            factors = 1 + self._random.uniform(-spread, spread, len(relaxed.values))
            values = relaxed.values * factors
            noise = self._random.uniform(1 - _NOISE, 1, self._guillotine.best.shape)
            self._price(relaxed, values, distance * _NEARLY, budget, noise)
            self._turn(relaxed, distance * _NEARLY, budget)
            if budget.used_up:
                break
        self._relaxed = self._master.relax()

    def price_exactly(self, budget: Budget, seconds: float) -> tuple[bool, int]:
        """Let CP-SAT look for patterns that no guillotine can cut, and generate again with them.

        Whether there are any, and the least cells of all arrays that this proves. For values v of the sizes,
        if nothing that one array holds is worth more than u, N arrays hold no more than N u, so N is at least
        the value of all rectangles divided by u. Proven only if one kind, without faults, is all there is.
        """
        relaxed = self._relaxed
        assert relaxed is not None
        added, proven = False, 0
        for number, supply in enumerate(self.supplies):
            price = float(self._master.cost[number] + relaxed.rents[number])
            values = np.floor(relaxed.values / price * _WORTH).astype(np.int64)
            found = self._most_valuable(supply, values, budget, seconds)
            if found is None:
                continue
            for places in found.fillings:
                if sum(int(values[size]) for size, _, _ in places) > _WORTH * _BETTER:
                    added |= self._master.add(number, places)
            if len(self.supplies) == 1 and supply.count is None:
                proven = -(-int((values * self.sizes.count).sum()) // found.most) * supply.cells
        if added:
            self._relaxed = self._generate(budget)
        return added, proven

    def _copies(self, supply: Supply) -> IntArray:
        """Of each size the most rectangles that one array holds."""
        down, across = supply.rows // self.sizes.height, supply.columns // self.sizes.width
        copies: IntArray = np.minimum(down * across, self.sizes.count)
        return copies

    def _most_valuable(
        self, supply: Supply, values: IntArray, budget: Budget, seconds: float
    ) -> Valued | None:
        from sbdopt.search.exact.repack import Space  # OR-Tools takes long to import
        from sbdopt.search.exact.valuable import most_valuable

        space = Space(supply.rows, supply.columns, supply.faults)
        seed = int(self._random.integers(1 << 30))
        height, width = self.sizes.height, self.sizes.width
        most = self._copies(supply)
        return most_valuable(height, width, most, values, space, _WORTH, budget, seconds, seed)

    def _numbered(self, used: Used | None) -> list[Filling] | None:
        return None if used is None else numbered(self.kinds, self.supplies, used)

    def learn(self, fillings: Sequence[Filling]) -> None:
        """Add the patterns of fillings: first fit mixes sizes between which values leave no choice."""
        for filling in {id(filling.places): filling for filling in fillings}.values():
            faults = {tuple(f[1:]) for f in self.kinds[filling.kind].faults if f[0] == filling.array}
            for number, supply in enumerate(self.supplies):
                if supply.kind == filling.kind and set(supply.faults) == faults:
                    self._master.add(number, filling.places)

    def _mix(self, budget: Budget) -> None:
        """Add the patterns by which first fit puts a draw of the sizes, of some two arrays, in any order."""
        if budget.used_up:
            return
        number, sizes = len(self.sizes.count), self.sizes
        cells = 2 * max(supply.cells for supply in self.supplies)
        drawn = np.ceil(self._random.dirichlet(np.ones(number)) * cells / self._area).astype(np.int64)
        some = replace(sizes, count=np.minimum(drawn, sizes.count))
        self.learn(fill(self.kinds, some, self._random.permutation(number).tolist(), budget) or ())

    def _generate(self, budget: Budget) -> Relaxed:
        """Add patterns until the linear program has no use for any other guillotine pattern or pinwheel."""
        relaxed = self._master.relax()
        for _ in range(_MOST_ROUNDS):
            if budget.used_up:
                break
            if not (self._price(relaxed, relaxed.values, -_TINY, budget) or self._turn(relaxed, 0.0, budget)):
                break
            relaxed = self._master.relax()
        return relaxed

    def _price(
        self,
        relaxed: Relaxed,
        values: FloatArray,
        nearly: float,
        budget: Budget,
        noise: FloatArray | None = None,
    ) -> bool:
        """Add the best patterns under some values, unless they lose more than `nearly` under the true ones.

        Whether any was new.
        """
        self._value(values, budget, noise)
        added = False
        for number, supply in enumerate(self.supplies):
            price = self._master.cost[number] + relaxed.rents[number]
            value, places = best_pattern(self._guillotine, supply)
            choices = [places]
            if not supply.faults:
                least = min(value, price)
                choices += self._guillotine.variants(supply.rows, supply.columns, least)
            added |= self._add(number, choices, relaxed, price * (1 - nearly))
        return added

    def _turn(self, relaxed: Relaxed, nearly: float, budget: Budget) -> bool:
        """The same with pinwheels, under the values last priced."""
        added = False
        for number, supply in enumerate(self.supplies):
            if supply.faults or budget.used_up:
                continue
            price = float(self._master.cost[number] + relaxed.rents[number])
            least = max(price, self._guillotine.value(supply.rows, supply.columns)) * _BETTER
            choices = best_pinwheels(self._guillotine, supply.rows, supply.columns, least, _MOST_PINWHEELS)
            budget.spent += _WORK * self._guillotine.best.size
            added |= self._add(number, choices, relaxed, price * (1 - nearly))
        return added

    def _add(self, number: int, choices: Sequence[Places], relaxed: Relaxed, least: float) -> bool:
        """Add the patterns of a supply that are worth `least`; whether any was new."""
        added = False
        for choice in choices:
            if sum(relaxed.values[size] for size, _, _ in choice) >= least:
                added |= self._master.add(number, choice)
        return added

    def _value(self, values: FloatArray, budget: Budget, noise: FloatArray | None = None) -> None:
        """Price the patterns; the work is that of the grid."""
        self._guillotine.price(values, noise)
        budget.spent += _WORK * self._guillotine.best.size

    def _round_down(self, relaxed: Relaxed, budget: Budget) -> Used | None:
        """Patterns used as often as the linear program says, rounded down, and the rest array by array."""
        use = np.floor(relaxed.use + _TINY).astype(np.int64)
        used = trimmed(self._master, use)
        left = np.maximum(self.sizes.count - use @ np.array(self._master.amounts), 0)
        free = [
            None if supply.count is None else supply.count - sum(1 for number, _ in used if number == s)
            for s, supply in enumerate(self.supplies)
        ]
        rest = self._fill_rest(left, free, relaxed.values, budget)
        return None if rest is None else used + rest

    def _fill_rest(
        self, left: IntArray, free: list[int | None], values: FloatArray, budget: Budget
    ) -> Used | None:
        """Fill arrays one by one with what is left; None if these, or the budget, do not suffice for it."""
        used: Used = []
        left = left.copy()
        while left.any():
            if len(used) > _MOST_REST or budget.used_up:
                return None
            self._value(np.where(left > 0, np.maximum(values, self._area * _TINY), 0.0), budget)
            best: tuple[float, int, Places] | None = None
            for number, supply in enumerate(self.supplies):
                if free[number] == 0:
                    continue
                pattern = best_pattern(self._guillotine, supply)[1]
                places = topped_up(supply, pattern, self.sizes, left)
                part = sum(self._area[size] for size, _, _ in places) / supply.cells
                if places and (best is None or part > best[0]):
                    best = part, number, places
            if best is None:
                return None
            _, number, places = best
            left -= np.bincount([size for size, _, _ in places], minlength=len(left))
            if (count := free[number]) is not None:
                free[number] = count - 1
            self._master.add(number, places)
            used.append((number, places))
        return used
