"""Column generation: patterns that are worth having, until none is left that makes the arrays fewer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.packing import Filling, Sizes, fill_space
from sbdopt.search.patterns.guillotine import FloatArray, Guillotine, Places
from sbdopt.search.patterns.master import Master, Relaxed
from sbdopt.search.patterns.supplies import Supply, best_pattern, numbered, supplies_of

_MOST_ROUNDS = 400
_PRICINGS = 10
_PERTURBED = 0.08
_NEARLY = 0.03
_TINY = 1e-7
_WORTH = 1_000_000
"""What a pattern in use is worth, where values must be whole numbers."""
_BETTER = 1.0001
_MOST_COPIES = 250

Used = list[tuple[int, Places]]
"""Supply and rectangles of each array used."""


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
        self._begin(start)
        self._relaxed = self._generate(budget)
        return self._numbered(self._round_down(self._relaxed))

    def again(self) -> list[Filling] | None:
        """The same with the patterns that there are now."""
        assert self._relaxed is not None
        return self._numbered(self._round_down(self._relaxed))

    def chosen(self, least: int, budget: Budget) -> list[Filling] | None:
        """What the integer program makes of the patterns; `least` cells cannot be beaten."""
        use = self._master.choose(least / self._unit, self._patience(budget))
        return None if use is None else self._numbered(self._trimmed(use))

    @property
    def reach(self) -> int:
        """Cells that no use of the patterns that there are goes below."""
        assert self._relaxed is not None
        return int(np.ceil(self._relaxed.cost - 1e-6)) * self._unit

    def widen(self, distance: int, budget: Budget) -> None:
        """Add patterns that are nearly as good as those in use, the further from them the larger `distance`."""
        relaxed = self._relaxed
        assert relaxed is not None
        spread = min(distance * _PERTURBED, 0.5)
        for _ in range(_PRICINGS):
            factors = 1 + self._random.uniform(-spread, spread, len(relaxed.values))
            self._price(relaxed, relaxed.values * factors, distance * _NEARLY)
            if budget.used_up:
                break
        self._relaxed = self._master.relax()

    def price_exactly(self, budget: Budget, seconds: float) -> tuple[bool, int]:
        """Let CP-SAT look for patterns that no guillotine can cut, and generate again with them.

        Whether there are any, and the least cells of all arrays that this proves. For values v of the sizes,
        if nothing that one array holds is worth more than u, N arrays hold no more than N u, so N is at least
        the value of all rectangles divided by u. Proven only if one kind, without faults, is all there is.
        """
        from sbdopt.search.exact.repack import Space, most_valuable  # OR-Tools takes long to import

        relaxed, sizes = self._relaxed, self.sizes
        assert relaxed is not None
        added, proven = False, 0
        self._guillotine.price(relaxed.values)
        for number, supply in enumerate(self.supplies):
            price = float(self._master.cost[number] + relaxed.rents[number])
            values = np.floor(relaxed.values / price * _WORTH).astype(np.int64)
            fit = (sizes.height <= supply.rows) & (sizes.width <= supply.columns) & (values > 0)
            most = np.minimum(
                supply.rows // sizes.height * (supply.columns // sizes.width), sizes.count
            ) * fit
            all_copies = most
            most = np.minimum(most, _cap(most, _MOST_COPIES))
            found = most_valuable(
                sizes.height,
                sizes.width,
                most,
                values,
                Space(supply.rows, supply.columns, supply.faults),
                best_pattern(self._guillotine, supply)[1],
                budget,
                seconds,
                int(self._random.integers(1 << 30)),
            )
            for places in found.fillings:
                if sum(int(values[size]) for size, _, _ in places) > _WORTH * _BETTER:
                    added |= self._master.add(number, places)
            if len(self.supplies) == 1 and supply.count is None and (most == all_copies).all():
                proven = -(-int((values * sizes.count).sum()) // found.most) * supply.cells
        if added:
            self._relaxed = self._generate(budget)
        return added, proven

    def _numbered(self, used: Used | None) -> list[Filling] | None:
        return None if used is None else numbered(self.kinds, self.supplies, used)

    def _begin(self, start: Sequence[Filling]) -> None:
        """The patterns of a first filling, and one for each size alone."""
        for filling in {id(filling.places): filling for filling in start}.values():
            faults = {tuple(f[1:]) for f in self.kinds[filling.kind].faults if f[0] == filling.array}
            for number, supply in enumerate(self.supplies):
                if supply.kind == filling.kind and set(supply.faults) == faults:
                    self._master.add(number, filling.places)
        for size in range(len(self.sizes.count)):
            values = np.zeros(len(self.sizes.count))
            values[size] = 1.0
            self._guillotine.price(values)
            for number, supply in enumerate(self.supplies):
                self._master.add(number, best_pattern(self._guillotine, supply)[1])

    def _generate(self, budget: Budget) -> Relaxed:
        """Add patterns until the linear program has no use for any other guillotine pattern."""
        relaxed = self._master.relax()
        for _ in range(_MOST_ROUNDS):
            if budget.used_up or not self._price(relaxed, relaxed.values, -_TINY):
                break
            relaxed = self._master.relax()
        return relaxed

    def _price(self, relaxed: Relaxed, values: FloatArray, nearly: float) -> bool:
        """Add the best patterns under some values, unless they lose more than `nearly` under the true ones.

        Whether any was new.
        """
        self._guillotine.price(values)
        added = False
        for number, supply in enumerate(self.supplies):
            price = self._master.cost[number] + relaxed.rents[number]
            value, places = best_pattern(self._guillotine, supply)
            choices = [places]
            if not supply.faults:
                least = min(value, price)
                choices += self._guillotine.variants(supply.rows, supply.columns, least)
            for choice in choices:
                worth = sum(relaxed.values[size] for size, _, _ in choice)
                if worth >= price * (1 - nearly):
                    added |= self._master.add(number, choice)
        return added

    def _patience(self, budget: Budget) -> float:
        return min(2.0, budget.remaining / 2) if budget.work is None else float("inf")

    def _round_down(self, relaxed: Relaxed) -> Used | None:
        """Patterns used as often as the linear program says, rounded down, and the rest array by array."""
        use = np.floor(relaxed.use + _TINY).astype(np.int64)
        used = self._trimmed(use)
        left = np.maximum(self.sizes.count - use @ np.array(self._master.amounts), 0)
        free = [
            None if supply.count is None else supply.count - sum(1 for number, _ in used if number == s)
            for s, supply in enumerate(self.supplies)
        ]
        rest = self._fill_rest(left, free, relaxed.values)
        return None if rest is None else used + rest

    def _fill_rest(self, left: IntArray, free: list[int | None], values: FloatArray) -> Used | None:
        """Fill arrays one by one with what is left; None if there are too few."""
        used: Used = []
        left = left.copy()
        while left.any():
            self._guillotine.price(np.where(left > 0, np.maximum(values, self._area * _TINY), 0.0))
            best: tuple[float, int, Places] | None = None
            for number, supply in enumerate(self.supplies):
                if free[number] == 0:
                    continue
                places = self._topped_up(number, best_pattern(self._guillotine, supply)[1], left)
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

    def _topped_up(self, number: int, places: Places, left: IntArray) -> Places:
        """A pattern without what is too much of it, and with whatever else finds room."""
        space, left = self.supplies[number].space(), left.copy()
        kept = []
        for size, row, column in places:
            if left[size]:
                left[size] -= 1
                space.take(row, column, int(self.sizes.height[size]), int(self.sizes.width[size]))
                kept.append((size, row, column))
        order = np.argsort(-self._area, kind="stable").tolist()
        return tuple(kept + fill_space(space, self.sizes, order, left))

    def _trimmed(self, use: IntArray) -> Used:
        """Arrays of patterns used so often, without the rectangles that are too many."""
        left = self.sizes.count.copy()
        result: Used = []
        for pattern, amount, times in zip(self._master.patterns, self._master.amounts, use.tolist(), strict=True):
            inside = amount > 0
            whole = min(times, int((left[inside] // amount[inside]).min())) if times else 0
            result += [(pattern.supply, pattern.places)] * whole
            left -= whole * amount
            for _ in range(times - whole):
                kept = self._within(pattern.places, left)
                if kept:
                    result.append((pattern.supply, kept))
        return result

    def _within(self, places: Places, left: IntArray) -> Places:
        """As many of the rectangles as are left, which become fewer."""
        kept = []
        for place in places:
            if left[place[0]]:
                left[place[0]] -= 1
                kept.append(place)
        return tuple(kept)


def _cap(numbers: IntArray, total: int) -> int:
    """The largest number that all may be cut down to such that their sum is no more than `total`."""
    cap = int(numbers.max())
    while np.minimum(numbers, cap).sum() > total:
        cap -= 1
    return cap
