"""Fewest cells: constructions, patterns where sizes are few, value correction, repacking."""

from __future__ import annotations

from collections.abc import Iterator

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds, position_bound
from sbdopt.goals import Bound, Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.correction import corrected
from sbdopt.search.dealing import Plan, deal
from sbdopt.search.greedy import finished, orders
from sbdopt.search.method import Finding, Found
from sbdopt.search.packing import Filling, Sizes, fill
from sbdopt.search.patterns import few_sizes
from sbdopt.search.repacking import Repacking

_SHARE = 0.3
"""Part of the budget that the cells may take where other goals wait."""
_SHARE_ALONE = 0.9
"""The same where cells are all that counts; what else there is to try gets the rest."""
_ORDER = 0.5
"""Part of the time that is left that one more order of the sizes may take."""
_PRICING = 2.0
"""Seconds (or units of work) that CP-SAT may look for one better pattern."""
_ATTEMPTS = 5
"""So many times in a row it may come to nothing; each takes longer or looks further away than the last."""
_SOON = 2000
"""So many blocks are dealt out and scheduled in no time."""
_CORRECTING = 0.3
"""Part of the time that is left for value correction."""
_CORRECTIONS = 500
_WORK_OF_PLACE, _MOST_WORK = 2e-6, 1.0
"""Units of work of the position bound: for every place of every size, and at most."""
_AT_ONCE = 0.5
"""Part of the time that is left for one model of all blocks."""
_MOST_CHOICES = 4000
"""Blocks x arrays of such a model."""
_PATIENCE = 5.0
"""Seconds that the position bound may take at most."""


def pack(
    blocks: Blocks,
    goals: Goals,
    budget: Budget,
    seed: int,
    start: Placement | None,
    *,
    share: float | None = None,
) -> Iterator[Finding]:
    """Fill as few arrays as can be, whatever that means for the schedule, and prove that there are no fewer.

    Blocks are dealt out and scheduled only for fillings that last. Finds nothing where a limited number of
    arrays is not filled well enough. `share` is the part of the budget for all that follows constructions.
    """
    del start
    if share is None:
        share = _SHARE if len(goals) > 1 else _SHARE_ALONE
    packer = _Packer(blocks, budget, seed)
    yield from packer.construct()
    part = packer.budget = budget.part(share)
    if not (packer.proven or part.used_up):
        yield from packer.use_patterns() if packer.few else packer.bound()
        yield from packer.correct()
        yield from packer.pack_at_once()
        yield from packer.repack()
    if packer.unshown:
        yield packer.found()
    budget.spent = part.spent


class _Packer:
    """The best fillings so far, and the cells that no solution goes below."""

    def __init__(self, blocks: Blocks, budget: Budget, seed: int) -> None:
        self.blocks, self.budget, self.seed = blocks, budget, seed
        self.sizes, self.plan, self.kinds = Sizes.of(blocks), Plan.of(blocks), blocks.hardware.arrays
        known = [bound.value for bound in lower_bounds(blocks, "unused_cells", {})]
        self.least = blocks.cells + max(known, default=0)
        self.few = few_sizes(self.kinds, self.sizes)
        self.best: list[Filling] | None = None
        self.constructed: list[Filling] = []
        """Of all orders, for their patterns."""
        self.cells: int | None = None
        self.unshown = False
        """Whether the best fillings have not been handed over yet."""

    @property
    def proven(self) -> bool:
        """Whether nothing can be better."""
        return self.cells is not None and self.cells <= self.least

    def _take(self, fillings: list[Filling] | None) -> bool:
        """Keep fillings if they need fewer cells; whether they do."""
        if fillings is None:
            return False
        cells = sum(self.kinds[filling.kind].rows * self.kinds[filling.kind].columns for filling in fillings)
        if self.cells is not None and cells >= self.cells:
            return False
        self.best, self.cells, self.unshown = fillings, cells, True
        return True

    def found(self) -> Found:
        """The best fillings as a placement."""
        assert self.best is not None
        self.unshown = False
        return finished(self.blocks, deal(self.blocks, self.sizes, self.best, self.plan), self.budget)

    def construct(self) -> Iterator[Finding]:
        """Arrays filled in several orders of the sizes; handed over at once, or patterns follow soon.

        The first may take as long as anything: there is nothing yet, and what is put on shelves in a hurry
        takes far more arrays. Another order is tried only if as long as the last one took is but a part of
        the time that is left.
        """
        at_once = not self.few or len(self.blocks) <= _SOON
        for order in orders(self.sizes):
            before = self.budget.elapsed
            fillings = fill(self.kinds, self.sizes, order, self.budget)
            self.constructed += fillings or () if self.few else ()
            if self._take(fillings) and at_once:
                yield self.found()
            if self.proven or _ORDER * self.budget.remaining < self.budget.elapsed - before:
                return

    def use_patterns(self) -> Iterator[Finding]:
        """Patterns and how often to use each; the position bound as soon as the quick steps leave a gap."""
        from sbdopt.search.patterns.generate import PatternSearch  # scipy takes long to import

        search = PatternSearch(self.kinds, self.sizes, self.seed)
        self._take(search.rounded(self.constructed, self.budget))
        if not self.proven:
            self._take(search.chosen(self.least, self.budget))
        if self.unshown:
            yield self.found()
        yield from self.bound()
        stuck = 0
        while stuck < _ATTEMPTS and not (self.proven or self.budget.used_up):
            stuck += 1
            if self.cells is None or search.reach < self.cells:
                search.widen(stuck, self.budget)
                if self._take(search.chosen(self.least, self.budget)):
                    yield self.found()
                    stuck = 0
            if search.reach > self.least or stuck > 1:
                added, cells = search.price_exactly(self.budget, stuck * _PRICING)
                if cells > self.least:
                    yield self._raised(cells)
                if added and self._take(search.again(self.budget)):
                    yield self.found()
                stuck = 0 if added else stuck

    def _raised(self, cells: int) -> Bound:
        self.least = cells
        return Bound("unused_cells", cells - self.blocks.cells, "patterns priced by CP-SAT")

    def bound(self) -> Iterator[Finding]:
        """The position bound, where the others leave a gap."""
        if self.proven or self.budget.used_up:
            return
        seconds = min(_PATIENCE, self.budget.remaining) if self.budget.work is None else float("inf")
        bound = position_bound(self.blocks, seconds)
        places = len(self.sizes.height) * sum(kind.cells for kind in self.kinds)
        self.budget.spent += min(_MOST_WORK, _WORK_OF_PLACE * places)
        if bound is not None and self.blocks.cells + bound.value > self.least:
            self.least = self.blocks.cells + bound.value
            yield bound

    def correct(self) -> Iterator[Finding]:
        """Fill again and again, in orders that learn from what was wasted, for a part of the time."""
        if self.best is None:
            return
        part = self.budget.part(_CORRECTING)
        orders = corrected(self.kinds, self.sizes, self.best, self.seed, part)
        for _ in range(_CORRECTIONS):
            if self.proven or part.used_up:
                return
            better = self._take(next(orders))
            self.budget.spent = part.spent
            if better:
                yield self.found()

    def pack_at_once(self) -> Iterator[Finding]:
        """All blocks in one model, into as many arrays as the bound says; one more if that is impossible."""
        (kind, *others), count = self.kinds, len(self.blocks)
        cells = kind.cells
        if count * (self.least // cells) > _MOST_CHOICES or self.budget.is_short:
            return
        from sbdopt.search.exact.repack import Space, repack  # OR-Tools takes long to import

        healthy = [array for array in range(count) if all(array != fault[0] for fault in kind.faults)]
        while not (self.proven or self.budget.used_up or others):
            arrays = self.least // cells
            if self.cells is None or kind.count is not None or count * arrays > _MOST_CHOICES:
                return
            spaces = [Space(kind.rows, kind.columns)] * arrays
            left = self.budget.remaining_work
            seconds = _AT_ONCE * (self.budget.remaining if left is None else left)
            outcome = repack(self.blocks.height, self.blocks.columns, spaces, self.budget, seconds, self.seed)
            if outcome.impossible:
                self.least += cells
                yield Bound("unused_cells", self.least - self.blocks.cells, "CP-SAT, all arrays at once")
                continue
            if outcome.places is not None:
                places: list[list[tuple[int, int, int]]] = [[] for _ in spaces]
                of_block = self.sizes.of_block.tolist()
                for size, (space, row, column) in zip(of_block, outcome.places, strict=True):
                    places[space].append((size, row, column))
                self._take([Filling(0, healthy[s], tuple(inside)) for s, inside in enumerate(places)])
                yield self.found()
            return

    def repack(self) -> Iterator[Finding]:
        """Empty the arrays that hold least into others."""
        if self.best is None or self.proven or self.budget.is_short:
            return
        for fillings in Repacking(self.kinds, self.sizes, self.best, self.seed).search(self.budget):
            if self._take(fillings):
                yield self.found()
            if self.proven:
                return
