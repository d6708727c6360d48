"""What a search has found and proven so far, each placement judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds
from sbdopt.goals import GOALS, MOVED, Bound, Goals
from sbdopt.judge import Measures, Moved, judge_placement, moved
from sbdopt.placement import Placement
from sbdopt.search.method import Finding, Found, Infeasible
from sbdopt.solution import Status


@dataclass
class Record:
    """The best placement so far, everything proven, and what of it was wrong.

    Nobody decides the status: it follows from the values that the judge gives and the best bounds of anyone.
    """

    blocks: Blocks
    goals: Goals
    placement: Placement | None = None
    measures: Measures | None = None
    moved: Moved | None = None
    proofs: list[Bound] = field(default_factory=list)
    infeasible: str | None = None
    beyond: int = 0
    """How many legal placements were beyond the limits, and so do not count."""
    faults: list[str] = field(default_factory=list)
    history: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    """When something better was found: elapsed seconds and the values of the goals."""

    def take(self, finding: Finding, elapsed: float) -> bool:
        """Note what a method found; whether anything became better by it."""
        if isinstance(finding, Bound):
            before = self.bounds()
            self.proofs.append(finding)
            if self.measures is not None:
                self._drop_contradicted(_named(self.measures, self.moved))
            return self._exceeds_a_limit(finding) or self.bounds() != before
        if isinstance(finding, Infeasible):
            return self._take_infeasible(finding.reason)
        return self._take_placement(finding, elapsed)

    def _take_infeasible(self, reason: str) -> bool:
        self.infeasible = self.infeasible or reason
        if self.placement is not None:
            self.faults.append(f"a method says that nothing is possible: {reason}")
            self.infeasible = None
        return self.infeasible is not None

    def _exceeds_a_limit(self, bound: Bound) -> bool:
        """Whether a bound of all solutions within the limits shows that there are none."""
        limits = self.goals.limits
        most = limits.get(bound.goal)
        if bound not in self.proofs or most is None or bound.value <= most or not bound.holds_at(limits):
            return False
        return self._take_infeasible(
            f"{bound.goal} can be no less than {bound.value} ({bound.reason}), but the limit is {most}"
        )

    def _take_placement(self, found: Found, elapsed: float) -> bool:
        verdict = judge_placement(self.blocks, found.placement)
        if verdict.metrics is None:
            self.faults.append(f"a method returned a solution that is not legal: {verdict.violations[0]}")
            return False
        change = moved(self.blocks, found.placement)
        named = _named(verdict.metrics, change)
        if not self.goals.allow(named):
            self.beyond += 1
            self._drop_contradicted(named)
            return False
        if self.infeasible is not None:
            self.faults.append(f"a solution was found, though {self.infeasible}")
            self.infeasible = None
        values = tuple(named[goal] for goal in self.goals)
        better = self.measures is None or values < self.values()
        if better:
            first_changed = self.measures is None or values[:-1] != self.values()[:-1]
            self.placement, self.measures, self.moved = found.placement, verdict.metrics, change
            self.history.append((elapsed, values))
            if first_changed:
                self._prove_given_values()
        self._drop_contradicted(named)
        return better

    def values(self) -> tuple[int, ...]:
        """Values of the goals, in their order; of the best placement, which there must be."""
        assert self.measures is not None
        named = _named(self.measures, self.moved)
        return tuple(named[goal] for goal in self.goals)

    def _prove_given_values(self) -> None:
        """Bounds of later goals among the solutions that reach what is reached of the earlier ones."""
        for goal in self.goals[1:]:
            self.proofs.extend(lower_bounds(self.blocks, goal, self._given(goal)))

    def _drop_contradicted(self, reached: Mapping[str, int]) -> None:
        """A judged solution is certain: a bound above its value was wrong, and that is reported."""
        for bound in list(self.proofs):
            if bound.holds_at(reached) and bound.value > reached[bound.goal]:
                self.faults.append(f"{bound.goal} was said to be at least {bound.value} ({bound.reason})")
                self.proofs.remove(bound)

    def best_proofs(self) -> dict[str, Bound]:
        """The strongest bound of each goal that holds for solutions like the best one."""
        best: dict[str, Bound] = {}
        for goal in self.goals:
            given = self._given(goal)
            holding = [bound for bound in self.proofs if bound.goal == goal and bound.holds_at(given)]
            if holding:
                best[goal] = max(holding, key=lambda bound: bound.value)
        return best

    def _given(self, goal: str) -> dict[str, int]:
        """What all solutions that are to be compared in a goal keep to: the limits, and earlier goals."""
        place = self.goals.index(goal)
        return self.goals.given(
            dict(zip(self.goals[:place], self.values(), strict=False)) if self.measures else {}
        )

    def bounds(self) -> dict[str, int]:
        """The value of the strongest bound of each goal."""
        return {goal: bound.value for goal, bound in self.best_proofs().items()}

    @property
    def status(self) -> Status:
        """`optimal` if every goal equals its bound."""
        if self.measures is None:
            return "infeasible" if self.infeasible is not None else "unknown"
        bounds = self.bounds()
        reached = zip(self.goals, self.values(), strict=True)
        return "optimal" if all(bounds.get(goal) == value for goal, value in reached) else "feasible"


def _named(measures: Measures, change: Moved | None) -> dict[str, int]:
    """The value of everything that can be a goal or be limited."""
    named = {goal: getattr(measures, goal) for goal in GOALS}
    return named if change is None else named | {MOVED: change.moved_cells}
