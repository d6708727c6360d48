"""What is solved and proven of a front so far, and what is to be solved next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isinf
from typing import Final

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds
from sbdopt.front import Ask, Front, Point
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.solution import Solution

_BY_TIME: Final = ("makespan", "arrays")


@dataclass(frozen=True)
class Solved:
    """A solution found on at most `limit` arrays, and what is proven."""

    limit: int
    arrays: int
    makespan: int
    arrays_bound: int
    """No solution that is as fast has fewer arrays."""
    makespan_bound: int
    """No solution on at most `limit` arrays is faster."""
    solution: Solution
    tried: Mapping[Ask, float]
    """What was looked for, and the seconds that it might have taken; 0 if it was interrupted."""


@dataclass(frozen=True)
class Task:
    """What is to be looked for; a limit if that is asked for."""

    ask: Ask
    limit: int | None = None

    @property
    def goals(self) -> tuple[str, ...]:
        """What to minimise, in that order."""
        return ("arrays", "makespan") if self.ask == "fewest" else _BY_TIME


class NothingFoundError(Exception):
    """There is no solution to begin with; the empty one says why."""

    def __init__(self, solution: Solution) -> None:
        super().__init__(solution.status)
        self.solution = solution


class Walk:
    """The points of a front that are solved, by limit."""

    def __init__(self, problem: Problem, known: Sequence[Solved] = ()) -> None:
        self.blocks = Blocks.of(problem)
        self._known = {one.limit: one for one in known}
        self._bounds: dict[int, int] = {}

    @property
    def solved(self) -> tuple[Solved, ...]:
        """All that is solved, by limit."""
        return tuple(one for _, one in sorted(self._known.items()))

    def corners(self) -> list[Solved]:
        """Those that no other beats, by arrays."""
        result: list[Solved] = []
        for one in sorted(self.solved, key=lambda one: (one.arrays, one.makespan, one.limit)):
            if not result or one.makespan < result[-1].makespan:
                result.append(one)
        return result

    def least_makespan(self, arrays: int) -> int:
        """No solution on so many arrays is faster: what is proven for more holds for fewer too."""
        if arrays not in self._bounds:
            found = lower_bounds(self.blocks, "makespan", {"arrays": arrays})
            self._bounds[arrays] = max(bound.value for bound in found)
        proven = (one.makespan_bound for one in self.solved if one.limit >= arrays)
        return max([self._bounds[arrays], *proven])

    def least_arrays(self, makespan: int) -> int:
        """No solution that is as fast has fewer arrays.

        What is proven for slower ones holds for faster too; and if all solutions on some number of arrays
        are slower, more are needed.
        """
        slower = (one.arrays_bound for one in self.solved if one.makespan >= makespan)
        too_few = (one.limit + 1 for one in self.solved if one.makespan_bound > makespan)
        return max([0, *slower, *too_few])

    def is_proven(self, one: Solved) -> bool:
        """Whether no solution beats it."""
        bounds = self.least_arrays(one.makespan), self.least_makespan(one.arrays)
        return bounds == (one.arrays, one.makespan)

    def next_task(self, seconds: float) -> Task | None:
        """The end or limit to solve next, or None if nothing is left for so many seconds."""
        ends: tuple[Ask, ...] = ("fewest", "fastest")
        for end in ends:
            mine = [one for one in self.solved if end in one.tried]
            if not mine or self._is_worth(mine[0], end, seconds):
                return Task(end)
        for one in self.solved:
            if "limit" in one.tried and self._is_worth(one, "limit", seconds):
                return Task("limit", one.limit)
        limit = self._next_limit()
        return None if limit is None else Task("limit", limit)

    def _is_worth(self, one: Solved, ask: Ask, seconds: float) -> bool:
        """Whether more time may make it better."""
        return one.tried[ask] < seconds and not self.is_proven(one)

    def _next_limit(self) -> int | None:
        """A limit between two corners: where the makespan falls most, in the middle of what is undecided.

        Limits below one on which nothing better was found than on the fewer arrays are left out: whatever is
        to be found there would have been found on more.
        """
        steps = []
        for one, two in pairwise(self.corners()):
            tried = [limit for limit in self._known if one.arrays < limit < two.arrays]
            first = self._first_undecided(max([one.arrays, *tried]), two.arrays, one.makespan)
            if first < two.arrays:
                steps.append((one.makespan - two.makespan, two.arrays - first, (first + two.arrays) // 2))
        return max(steps)[2] if steps else None

    def _first_undecided(self, low: int, high: int, makespan: int) -> int:
        """The first limit above `low` on which a smaller makespan is not ruled out; `high` if all are."""
        first, last = low + 1, high
        while first < last:
            middle = (first + last) // 2
            if self.least_makespan(middle) < makespan:
                last = middle
            else:
                first = middle + 1
        return first

    def start(self, task: Task) -> Placement | None:
        """The best for a task of what is known and within its limit."""
        within = [one for one in self.solved if task.limit is None or one.arrays <= task.limit]
        if not within:
            return None
        best = min(within, key=lambda one: tuple(getattr(one, goal) for goal in task.goals))
        return Placement.read(self.blocks, best.solution)

    def take(self, task: Task, solution: Solution, seconds: float) -> None:
        """Note what was found; what was known for the same limit is replaced, but its proofs stay."""
        metrics, bounds = solution.metrics, solution.bounds
        assert metrics is not None
        assert bounds is not None
        arrays = metrics.arrays or 0
        new = Solved(
            limit=arrays if task.limit is None else task.limit,
            arrays=arrays,
            makespan=metrics.makespan or 0,
            arrays_bound=bounds.arrays or 0,
            makespan_bound=bounds.makespan or 0,
            solution=solution,
            tried={task.ask: seconds},
        )
        for one in self.solved if task.limit is None else ():
            rest = {ask: spent for ask, spent in one.tried.items() if ask != task.ask}
            self._known[one.limit] = replace(one, tried=rest)
        old = self._known.get(new.limit)
        self._known[new.limit] = new if old is None else _merged(old, new)

    def is_complete(self) -> bool:
        """Whether no trade-off is missing.

        No other has fewer arrays than the first corner, or is faster than the last; and on fewer arrays than
        a corner nothing is faster than the one before it.
        """
        corners = self.corners()
        if not any("fewest" in one.tried for one in self.solved):
            return False
        fewest = max(bound.value for bound in lower_bounds(self.blocks, "arrays", {}))
        fewest = max([fewest, *(one.arrays_bound for one in self.solved if "fewest" in one.tried)])
        fastest = max(bound.value for bound in lower_bounds(self.blocks, "makespan", {}))
        fastest = max([fastest, *(one.makespan_bound for one in self.solved if "fastest" in one.tried)])
        return (
            fewest == corners[0].arrays
            and fastest == corners[-1].makespan
            and all(self.least_makespan(two.arrays - 1) == one.makespan for one, two in pairwise(corners))
        )


def _merged(old: Solved, new: Solved) -> Solved:
    """The better of two solutions for the same limit, with all that either proves."""
    better = min(old, new, key=lambda one: (one.makespan, one.arrays))
    return replace(
        better,
        makespan_bound=max(old.makespan_bound, new.makespan_bound),
        arrays_bound=max(one.arrays_bound for one in (old, new) if one.makespan >= better.makespan),
        tried={**old.tried, **new.tried},
    )


def front_of(problem: Problem, solved: Sequence[Solved], folder: str | None = None) -> Front:
    """The document of what is solved, whose solutions are files of `folder`, if they are."""
    walk = Walk(problem, solved)
    corners = [one.limit for one in walk.corners()]
    points = [
        Point(
            limit=one.limit,
            arrays=one.arrays,
            makespan=one.makespan,
            arrays_bound=walk.least_arrays(one.makespan),
            makespan_bound=walk.least_makespan(one.arrays),
            limit_bound=walk.least_makespan(one.limit),
            beaten=one.limit not in corners,
            tried={ask: None if isinf(spent) else spent for ask, spent in one.tried.items()},
            solution=None if folder is None else f"{folder}/{file_name(one)}",
        )
        for one in walk.solved
    ]
    return Front(
        problem=problem.name, problem_sha256=problem.sha256, complete=walk.is_complete(), points=points
    )


def file_name(one: Solved) -> str:
    """The file of a solution."""
    return f"arrays-{one.limit}.json"
