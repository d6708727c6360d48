"""Look for the cuts that pay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Protocol, Unpack

from sbdopt.blocks import Blocks
from sbdopt.goals import Bound, Goals
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.record import Record
from sbdopt.search.budget import Budget
from sbdopt.search.score import score
from sbdopt.solution import Solution
from sbdopt.solve import Asked, Watch
from sbdopt.split.bounds import SplitBounds
from sbdopt.split.cutting import Choice, Cut, Split, cut_placement
from sbdopt.split.menu import (
    classes,
    common_widths,
    cut_alike,
    cut_by_turns,
    cuts_of,
    most_together,
    tiles_of,
)
from sbdopt.split.mixing import mixed

_WHOLE_SHARE = 0.3
_CLIMB_SHARE = 0.65
"""Of the budget: what solving the whole blocks may take, and when the last choice of cuts is tried."""
_MOST_TRIED = 150
"""Choices of cuts; what ends a search without a clock."""
_DEEPER = 3
"""Choices that are solved with all that is left of the budget."""


class Solve(Protocol):
    """`solve`, of which all is decided that is not asked here."""

    def __call__(self, problem: Problem, /, **changed: Unpack[Asked]) -> Solution:
        """A solution of a problem."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A choice of cuts, and a solution of the problem that it makes."""

    choice: Choice
    arrays: int | None
    """Over so many arrays the pieces were to be spread; None: as the method likes."""
    split: Split
    solution: Solution
    key: tuple[float, ...]
    """What is better has the smaller key: the goals, then as few pieces and drives as possible."""


class Search:
    """The candidates tried so far, the best of them, and what bounds all that there might be."""

    def __init__(
        self,
        goals: Goals,
        budget: Budget,
        *,
        make: Callable[[Choice], Split],
        solver: Solve,
        bounds: SplitBounds,
        watch: Watch | None,
        stop: Callable[[], bool],
    ) -> None:
        """`make` cuts the problem; `stop` says whether to end early with what was found."""
        self.goals, self.budget, self.bounds = goals, budget, bounds
        self.blocks = bounds.blocks
        self.first: Candidate | None = None
        """The whole blocks, even if no solution was found."""
        self.best: Candidate | None = None
        self.proofs: dict[str, Bound] = {}
        """The strongest bound of each goal over all splits that reach the best values of earlier goals."""
        self.faults: list[str] = []
        """What any of the searches, or a bound, turned out to be wrong about."""
        self._make, self._solver, self._watch, self._stop = make, solver, watch, stop
        self._tried: dict[tuple[Choice, int | None], Candidate] = {}

    def run(self, method: str, start: Placement | None) -> None:
        """Whole blocks first, then cuts, then the best cuts with what is left of the budget."""
        uncut = (Cut(),) * len(self.blocks.predecessors)
        self._try(uncut, None, method, self._part(_WHOLE_SHARE), start)
        self.first = next(iter(self._tried.values()))
        for choice, arrays in self._first_choices():
            if self._done(_CLIMB_SHARE):
                break
            self._try_quickly(choice, arrays)
        self._climb()
        best = sorted(self._tried.values(), key=lambda one: one.key)[:_DEEPER]
        for number, one in enumerate(best):
            if self._done():
                return
            self._try(one.choice, one.arrays, method, self._part(1 / (len(best) - number)), self._begin(one))
        self._done()

    def _part(self, share: float) -> Budget:
        """A share of what is left."""
        whole, work = self.budget, self.budget.remaining_work
        return Budget(
            seconds=inf if whole.seconds == inf else whole.elapsed + share * whole.remaining,
            work=None if work is None else share * work,
            workers=whole.workers,
            clock=whole.clock,
            begin=whole.begin,
        )

    def _done(self, share: float = 1.0) -> bool:
        """Whether so much time has passed, the end is asked for, or the best is proven to be the best."""
        late = self.budget.used_up or self.budget.elapsed > share * self.budget.seconds
        return self._stop() or late or self._is_proven()

    def _is_proven(self) -> bool:
        """Whether no split has a better solution; notes the proofs."""
        if self.best is None:
            return False
        values = [int(value) for value in self.best.key[: len(self.goals)]]
        for place, goal in enumerate(self.goals):
            given = self.goals.given(dict(zip(self.goals[:place], values[:place], strict=True)))
            bound = self.bounds.best(goal, given)
            if bound.value > values[place]:  # a judged solution is certain
                self.faults.append(f"{goal} was said to be at least {bound.value} however blocks are cut")
                return False
            self.proofs[goal] = bound
            if bound.value < values[place]:
                for later in self.goals[place + 1 :]:
                    self.proofs.pop(later, None)
                return False
        return True

    def _try_quickly(self, choice: Choice, arrays: int | None) -> None:
        """Look at a choice of cuts with constructions only; each is looked at once."""
        if (choice, arrays) not in self._tried:
            self._try(choice, arrays, "greedy", self._part(1.0), None)

    def _try(
        self, choice: Choice, arrays: int | None, method: str, budget: Budget, start: Placement | None
    ) -> None:
        split = self._make(choice)
        if start is None and arrays is not None:
            start = mixed(Blocks.of(split.problem), arrays, budget)
        solution = self._solver(split.problem, method=method, budget=budget, start=start, watch=self._shown)
        self.budget.spent += budget.spent
        self.faults += (solution.solver or {}).get("faults", [])
        values = [solution.value(goal) for goal in self.goals]
        drives = 0 if solution.metrics is None else solution.metrics.drives or 0
        key = (*(inf if value is None else value for value in values), len(split.pieces.block), drives)
        candidate = Candidate(choice, arrays, split, solution, key)
        known = self._tried.get((choice, arrays))
        if known is None or key < known.key or (key == known.key and solution.status == "optimal"):
            self._tried[choice, arrays] = candidate
        best = self.best
        again = best is not None and (choice, key) == (best.choice, best.key)
        if solution.metrics is not None and (best is None or key < best.key or again):
            self.best = candidate

    def _shown(self, record: Record, budget: Budget) -> None:
        """Show what is better than the best."""
        known = None if self.best is None else self.best.key[: len(self.goals)]
        better = known is None or (record.measures is not None and record.values() < known)
        if better and self._watch is not None:
            self._watch(record, budget)

    def _first_choices(self) -> Iterator[tuple[Choice, int | None]]:
        """Cuts for the arrays that there may be, for as many as it takes, and the same for all operators."""
        numbers = self._numbers_of_arrays()
        for arrays in numbers:
            yield cut_by_turns(self.blocks, tiles_of(self.blocks, arrays)), arrays
        choice = cut_by_turns(self.blocks, None)
        yield choice, min(most_together(self.blocks, choice), self.goals.limits.get("arrays", 1 << 40))
        for width in common_widths(self.blocks):
            yield cut_alike(self.blocks, width), numbers[0]

    def _numbers_of_arrays(self) -> list[int]:
        """The fewest that the cells need, those of the best so far, and those that there are."""
        kinds = self.blocks.hardware.arrays
        numbers = [-(-self.blocks.cells // max(kind.cells for kind in kinds))]
        if self.best is not None and self.best.solution.metrics is not None:
            numbers.append(self.best.solution.metrics.arrays or 0)
        if "arrays" in self.goals.limits:
            numbers.append(self.goals.limits["arrays"])
        if all(kind.count is not None for kind in kinds):
            numbers.append(sum(kind.count or 0 for kind in kinds))
        return list(dict.fromkeys(max(1, number) for number in numbers))

    def _climb(self) -> None:
        """Change how one class of operators is cut as long as anything gets better by it."""
        improved = True
        while improved and self.best is not None:
            improved = False
            for choice, arrays in self._neighbours(self.best):
                if len(self._tried) >= _MOST_TRIED or self._done(_CLIMB_SHARE):
                    return
                before = self.best
                self._try_quickly(choice, arrays)
                improved = self.best is not before
                if improved:
                    break

    def _neighbours(self, candidate: Candidate) -> Iterator[tuple[Choice, int | None]]:
        """The same cuts on fewer arrays; and one class of operators cut otherwise."""
        fewest, metrics = self._numbers_of_arrays()[0], candidate.solution.metrics
        now = fewest if metrics is None else metrics.arrays or fewest
        if now > fewest:
            yield candidate.choice, (fewest + now) // 2
            yield candidate.choice, now - 1
        for group in classes(self.blocks, candidate.choice):
            current, rows = candidate.choice[group[0]], self.bounds.add_cycles is not None
            for one in cuts_of(self.blocks, group[0], current, rows=rows):
                changed = list(candidate.choice)
                for operator in group:
                    changed[operator] = one
                yield tuple(changed), candidate.arrays or fewest

    def _begin(self, candidate: Candidate) -> Placement | None:
        """The better of its own solution and that of the whole blocks, cut where they stand."""
        blocks, starts = Blocks.of(candidate.split.problem), []
        if candidate.solution.metrics is not None:
            starts.append(Placement.read(blocks, candidate.solution))
        rows = any(one.height is not None for one in candidate.choice)
        if self.first is not None and self.first.solution.metrics is not None and not rows:
            uncut = Placement.read(self.blocks, self.first.solution)
            starts.append(cut_placement(self.blocks, uncut, candidate.split.pieces))

        def key(placement: Placement) -> tuple[int, ...]:
            values = score(blocks, placement)
            return (not self.goals.allow(values), *(values[goal] for goal in self.goals))

        return min(starts, key=key, default=None)
