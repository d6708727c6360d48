"""The door: run a method, judge what it finds, keep the best with its bounds, and say what is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version

from sbdopt.blocks import Blocks
from sbdopt.bounds import infeasibility, lower_bounds
from sbdopt.errors import InputError
from sbdopt.goals import DEFAULT_GOALS, GOALS, MOVED, Bound, Goals
from sbdopt.judge import Measures, Moved, judge_placement, moved
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.search import METHODS
from sbdopt.search.budget import Budget
from sbdopt.search.method import Finding, Found, Infeasible
from sbdopt.solution import Bounds, Solution, Status
from sbdopt.standing import Standing


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


Watch = Callable[[Record, Budget], None]


def solve(
    problem: Problem,
    *,
    method: str = "auto",
    goals: Sequence[str] = DEFAULT_GOALS,
    limits: Mapping[str, int] | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    start: Placement | None = None,
    standing: Standing | None = None,
    watch: Watch | None = None,
) -> Solution:
    """The best solution that a method finds within the budget, judged, with bounds and status.

    `goals` come in order of importance; only solutions with no more than `limits[name]` of each name in it
    count. The solution is never worse than a legal `start`. With `standing`, the blocks that are on the
    arrays already, goals may name moved_cells: the cells that must be written all the same. `watch` is
    called whenever something became better, and at least once. KeyboardInterrupt ends the search; what was
    found until then is returned. Raises InputError for an unknown method, goal or limit.
    """
    check_method(method)
    check_goals(goals, limits, kept=standing is not None)
    goals = Goals(tuple(goals), dict(limits or {}))
    budget = Budget() if budget is None else budget
    blocks = replace(Blocks.of(problem), standing=standing)
    record = Record(blocks, goals)
    interrupted = False
    try:
        reason = infeasibility(blocks)
        if reason is not None:
            record.infeasible = reason
        else:
            for goal in dict.fromkeys([*goals, *goals.limits]):
                for bound in lower_bounds(blocks, goal, goals.limits):
                    record.take(bound, budget.elapsed)
            if record.infeasible is None:
                _run(_findings(method, record, budget, seed, start), record, budget, watch)
    except BaseException as error:
        if not _is_interrupt(error):
            raise
        interrupted = not budget.used_up  # else it only enforced the limit
    try:
        return _solution(record, method, seed, budget, interrupted)
    except KeyboardInterrupt:  # it came late, and what was found must not be lost
        return _solution(record, method, seed, budget, interrupted or not budget.used_up)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether an error is an interrupt, or was caused by one: numpy's comparisons turn it into their own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _findings(
    method: str, record: Record, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """The start, so that whatever the method does it is not lost, and what the method finds."""
    if start is not None:
        yield Found(start)
    yield from METHODS[method](record.blocks, record.goals, budget, seed, start)


def _run(findings: Iterator[Finding], record: Record, budget: Budget, watch: Watch | None) -> None:
    with closing(findings):  # type: ignore[type-var]
        for finding in findings:
            better = record.take(finding, budget.elapsed)
            if better and watch is not None:
                watch(record, budget)
            if record.status in ("optimal", "infeasible"):
                return


def check_method(method: str) -> None:
    """Refuse a method that does not exist."""
    if method not in METHODS:
        raise InputError(f"there is no method {method!r}; take one of {', '.join(METHODS)}")


def check_goals(goals: Sequence[str], limits: Mapping[str, int] | None = None, *, kept: bool = False) -> None:
    """Refuse goals that do not exist, stand twice, or are none, and limits that cannot be.

    Moved cells are a goal only where an earlier solution is kept.
    """
    for goal in goals:
        if goal == MOVED and not kept:
            raise InputError(f"goal {MOVED} needs a solution that is kept; name it with --keep")
        if goal == MOVED:
            continue
        if goal not in GOALS:
            raise InputError(f"there is no goal {goal!r}; take some of {', '.join(GOALS)}")
    if not goals or len(set(goals)) < len(goals):
        raise InputError(f"goals are {','.join(goals) or 'empty'}; name at least one, and each only once")
    for name, most in (limits or {}).items():
        if name not in GOALS:
            raise InputError(f"{name!r} cannot be limited; only {', '.join(GOALS)} can")
        if most < 0:
            raise InputError(f"the limit of {name} is {most}; it must be at least 0")


def _solution(record: Record, method: str, seed: int, budget: Budget, interrupted: bool) -> Solution:
    """The document. Under a limit of work it holds no seconds, so that it is the same every time."""
    blocks = record.blocks
    timed = budget.work is None
    solver: dict[str, object] = {
        "method": method,
        "goals": list(record.goals),
        "version": version("sbdopt"),
        "seed": seed,
        "workers": budget.workers,
        "proofs": {goal: bound.reason for goal, bound in record.best_proofs().items()},
        "history": [
            {"seconds": round(elapsed, 3), **values} if timed else values
            for elapsed, numbers in record.history
            for values in [dict(zip(record.goals, numbers, strict=True))]
        ],
    }
    if timed:
        solver["seconds"] = round(budget.elapsed, 3)
    else:
        solver["work"] = budget.work
    bounds = record.bounds()
    if record.moved is not None:
        solver |= asdict(record.moved)
    if MOVED in bounds:
        solver["bounds"] = {MOVED: bounds.pop(MOVED)}
    if record.goals.limits:
        solver["limits"] = dict(record.goals.limits)
        solver["beyond_limits"] = record.beyond
    if interrupted:
        solver["interrupted"] = True
    if record.infeasible is not None:
        solver["infeasible"] = record.infeasible
    if record.faults:
        solver["faults"] = record.faults
    return Solution(
        problem=blocks.problem.name,
        problem_sha256=blocks.problem.sha256,
        operators={} if record.placement is None else record.placement.to_operators(blocks),
        metrics=None if record.measures is None else record.measures.to_document(),
        bounds=Bounds(**bounds),
        status=record.status,
        solver=solver,
    )
