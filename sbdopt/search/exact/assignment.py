"""Which block stands on which array and what is read together, as if places did not matter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np
from ortools.sat.python.cp_model import (
    FEASIBLE,
    INFEASIBLE,
    OPTIMAL,
    BoolVarT,
    CpModel,
    CpSolver,
    CpSolverStatus,
    IntVar,
    LinearExpr,
    LinearExprT,
)

from sbdopt.search.budget import Budget
from sbdopt.search.exact.candidates import Candidate
from sbdopt.search.exact.questions import Conflict
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import Halt
from sbdopt.search.exact.scales import Scales, Size
from sbdopt.timing import operator_cycles

_QUICK = 0.2
"""Units of work for a try without linear relaxations."""


@dataclass(frozen=True)
class Assignment:
    """A solution of the relaxation: blocks and steps of each array, cycles of each operator."""

    bound: int
    """No solution of the relaxation has less of the goal."""
    value: int
    blocks: Sequence[tuple[int, ...]]
    steps: Sequence[tuple[tuple[int, ...], ...]]
    cycles: Mapping[int, int]


@dataclass(eq=False)
class Relaxation:
    """A CP-SAT model of arrays, steps and cycles; places come in by what is forbidden.

    For arrays that are alike and operators of which no two run at the same time; every step then reads
    blocks of one operator, and an operator takes as long as its busiest array.
    """

    relations: Relations
    scales: Scales
    size: Sequence[Size]
    candidates: Mapping[int, Sequence[tuple[Candidate, int]]]
    goal: str
    limits: Mapping[str, int]
    horizon: int
    model: CpModel = field(default_factory=CpModel)
    _pairs: set[tuple[int, int]] = field(default_factory=set)
    _crowds: dict[tuple[frozenset[int], int, int], BoolVarT] = field(default_factory=dict)
    _longer: dict[tuple[int, int], BoolVarT] = field(default_factory=dict)

    def __post_init__(self) -> None:
        model, count = self.model, len(self.size)
        self.arrays = range(len(self.relations.slots))
        self.on = [[model.new_bool_var(f"on{i}.{a}") for a in self.arrays] for i in range(count)]
        self.chosen = {
            (candidate.members, a): model.new_bool_var(f"step{candidate.members}.{a}")
            for steps in self.candidates.values()
            for candidate, _ in steps
            for a in self.arrays
        }
        for on in self.on:
            model.add_exactly_one(on)
        self._fit_by_area()
        self._break_symmetries()
        self.goals = {"arrays": self._used()}
        cells = self.relations.slots[0].cells
        self.goals["unused_cells"] = cells * self.goals["arrays"] - self.relations.blocks.cells
        if self.candidates:
            self._choose_steps()
            self.goals["makespan"] = self._makespan()
        for name, most in self.limits.items():
            model.add(self.goals[name] <= most)
        model.minimize(self.goals[self.goal])

    def _used(self) -> LinearExprT:
        used = [self.model.new_bool_var(f"used{a}") for a in self.arrays]
        for on in self.on:
            for literal, use in zip(on, used, strict=True):
                self.model.add_implication(literal, use)
        for earlier, later in pairwise(used):
            self.model.add_implication(later, earlier)
        return LinearExpr.sum(used)

    def _fit_by_area(self) -> None:
        area = [height * width for height, width in self.size]
        for a in self.arrays:
            total = LinearExpr.weighted_sum([on[a] for on in self.on], area)
            self.model.add(total <= self.scales.rows * self.scales.columns)

    def _break_symmetries(self) -> None:
        """Arrays are numbered by their largest block; blocks of one operator that are alike are ordered."""
        area = [height * width for height, width in self.size]
        order = sorted(range(len(area)), key=lambda i: (-area[i], i))
        for earlier, later in pairwise(self.arrays):
            for place, i in enumerate(order):
                self.model.add_bool_or(~self.on[i][later], *(self.on[j][earlier] for j in order[:place]))
        groups: dict[tuple[int, Size], list[int]] = {}
        operator = self.relations.blocks.operator.tolist()
        for i in order:
            groups.setdefault((operator[i], self.size[i]), []).append(i)
        numbers = list(self.arrays)
        for group in groups.values():
            for one, two in pairwise(group):
                self.model.add(
                    LinearExpr.weighted_sum(self.on[one], numbers)
                    <= LinearExpr.weighted_sum(self.on[two], numbers)
                )

    def _choose_steps(self) -> None:
        """Every block is read in one step of its array; blocks that cannot stand beside a step do not."""
        model, rows, columns = self.model, self.scales.rows, self.scales.columns
        self.holding: dict[int, list[Candidate]] = {i: [] for i in range(len(self.size))}
        for steps in self.candidates.values():
            for candidate, _ in steps:
                for i in candidate.members:
                    self.holding[i].append(candidate)
                height, width = self._extent(candidate)
                for k, (other_height, other_width) in enumerate(self.size):
                    beside = height + other_height <= rows or width + other_width <= columns
                    if k not in candidate.members and not beside:
                        for a in self.arrays:
                            model.add_bool_or(~self.chosen[candidate.members, a], ~self.on[k][a])
        for i, candidates in self.holding.items():
            for a in self.arrays:
                model.add(LinearExpr.sum([self.chosen[c.members, a] for c in candidates]) == self.on[i][a])

    def _extent(self, candidate: Candidate) -> Size:
        sizes = [self.size[i] for i in candidate.members]
        return sum(height for height, _ in sizes), sum(width for _, width in sizes)

    def _makespan(self) -> LinearExprT:
        """An operator takes as long as its busiest array; operators follow one another."""
        model, blocks = self.model, self.relations.blocks
        least = operator_cycles(blocks).tolist()
        self.cycles: dict[int, IntVar] = {}
        ready = [model.new_int_var(0, self.horizon, f"ready{o}") for o in range(len(least))]
        makespan = model.new_int_var(0, self.horizon, "makespan")
        finish: list[LinearExprT] = []
        for operator, cycles in enumerate(least):
            if operator in self.candidates:
                self.cycles[operator] = model.new_int_var(cycles, self.horizon, f"cycles{operator}")
                for a in self.arrays:
                    steps = self.candidates[operator]
                    load = [spent * self.chosen[candidate.members, a] for candidate, spent in steps]
                    model.add(LinearExpr.sum(load) <= self.cycles[operator])
                finish.append(LinearExpr.sum([ready[operator], self.cycles[operator]]))
            else:
                finish.append(LinearExpr.sum([ready[operator], cycles]))
            model.add(finish[operator] <= makespan)
        for operator, before in enumerate(blocks.predecessors):
            for predecessor in before:
                model.add(finish[predecessor] <= ready[operator])
        return makespan

    def separate(self, assignment: Assignment, most: int) -> bool:
        """Add pairs of functions that show that an array of the assignment is too full; whether there are."""
        found: dict[tuple[int, int], None] = {}
        for blocks, steps in zip(assignment.blocks, assignment.steps, strict=True):
            for step in steps or [()]:
                rest = [self.size[i] for i in blocks if i not in step]
                if step:
                    rest.append((sum(self.size[i][0] for i in step), sum(self.size[i][1] for i in step)))
                excess = self.scales.excess(rest) / np.maximum(self.scales.capacity, 1)
                for place in np.argsort(-excess, axis=None)[:most].tolist():
                    u, v = divmod(place, excess.shape[1])
                    if excess[u, v] > 0:
                        found[u, v] = None
        new = [pair for pair in found if pair not in self._pairs]
        for pair in new:
            self._add_pair(pair)
        return bool(new)

    def _add_pair(self, pair: tuple[int, int]) -> None:
        """The sum of a pair of functions on each array: of blocks, and with one step as one rectangle."""
        self._pairs.add(pair)
        capacity = int(self.scales.capacity[pair])
        values = [self.scales.value(pair, *size) for size in self.size]
        for a in self.arrays:
            on = [literals[a] for literals in self.on]
            self.model.add(LinearExpr.weighted_sum(on, values) <= capacity)
            for steps in self.candidates.values():
                for candidate, _ in steps:
                    whole = self.scales.value(pair, *self._extent(candidate))
                    more = whole - sum(values[i] for i in candidate.members)
                    if more > 0:
                        terms = [*on, self.chosen[candidate.members, a]]
                        self.model.add(LinearExpr.weighted_sum(terms, [*values, more]) <= capacity)

    def forbid(self, conflict: Conflict) -> None:
        """No array holds the blocks of a conflict, or larger ones instead, within its cycles.

        Blocks of operators that are not limited may be replaced by any others no smaller in height and width
        (made smaller again, and read alone, they would do: a block that is taken out of a step does not stand
        where rows of the others meet their columns, since members share neither). They can be replaced if and
        only if for every set of sizes there are as many blocks on the array that are no smaller than one of
        them (Hall 1935); so one such set has too few.
        """
        operator = self.relations.blocks.operator.tolist()
        bound = [i for i in conflict.blocks if operator[i] in conflict.cycles]
        free = [self.size[i] for i in conflict.blocks if operator[i] not in conflict.cycles]
        crowds = list(self._crowds_for(free, bound))
        longer = [self._takes_longer(o, cycles) for o, cycles in conflict.cycles.items()]
        for a in self.arrays:
            few = [~self._crowd(members, number, a) for members, number in crowds]
            self.model.add_bool_or(*(~self.on[i][a] for i in bound), *few, *longer)

    def _crowds_for(
        self, free: Sequence[Size], bound: Collection[int]
    ) -> Iterator[tuple[frozenset[int], int]]:
        number = {size: free.count(size) for size in free}
        large = {
            size: frozenset(
                i
                for i, other in enumerate(self.size)
                if i not in bound and other[0] >= size[0] and other[1] >= size[1]
            )
            for size in number
        }
        crowds: dict[frozenset[int], int] = {}
        for count in range(1, len(number) + 1):
            for sizes in combinations(number, count):
                members = frozenset[int]().union(*(large[size] for size in sizes))
                crowds[members] = max(crowds.get(members, 0), sum(number[size] for size in sizes))
        for members, wanted in crowds.items():
            if not any(other < members and wanted <= more for other, more in crowds.items()):
                yield members, wanted

    def _crowd(self, members: frozenset[int], number: int, array: int) -> BoolVarT:
        """Whether at least so many of these blocks stand on the array - if and only if."""
        key = (members, number, array)
        if key not in self._crowds:
            on = [self.on[i][array] for i in sorted(members)]
            literal = on[0]
            if len(on) > 1 or number > 1:
                literal = self.model.new_bool_var("")
                self.model.add(LinearExpr.sum(on) >= number).only_enforce_if(literal)
                self.model.add(LinearExpr.sum(on) < number).only_enforce_if(~literal)
            self._crowds[key] = literal
        return self._crowds[key]

    def _takes_longer(self, operator: int, cycles: int) -> BoolVarT:
        if (operator, cycles) not in self._longer:
            literal = self.model.new_bool_var("")
            self.model.add(self.cycles[operator] > cycles).only_enforce_if(literal)
            self._longer[operator, cycles] = literal
        return self._longer[operator, cycles]

    def solve(self, known: int, budget: Budget, seed: int, workers: int, halt: Halt) -> Assignment | bool:
        """The best assignment, given that nothing is below `known`; False if none, True if out of time.

        Mostly only one more assignment of the same value is asked for, which is found by far fastest without
        linear relaxations; where the value rises they are needed, so that is tried for a short time only.
        """
        self.model.add(self.goals[self.goal] >= known)
        quick = self._run(budget, seed, 1, halt, quick=True)
        if quick[1] in (OPTIMAL, INFEASIBLE):
            solver, status = quick
        else:
            solver, status = self._run(budget, seed, workers, halt, quick=False)
        if halt.halted or status not in (OPTIMAL, FEASIBLE):
            return halt.halted or status != INFEASIBLE
        self._hint(solver)
        return Assignment(
            bound=round(solver.best_objective_bound),
            value=round(solver.objective_value),
            blocks=[tuple(i for i, on in enumerate(self.on) if solver.value(on[a])) for a in self.arrays],
            steps=[
                tuple(
                    step
                    for (step, array), chosen in self.chosen.items()
                    if array == a and solver.value(chosen)
                )
                for a in self.arrays
            ],
            cycles={o: solver.value(cycles) for o, cycles in self.cycles.items()} if self.candidates else {},
        )

    def _run(
        self, budget: Budget, seed: int, workers: int, halt: Halt, *, quick: bool
    ) -> tuple[CpSolver, CpSolverStatus]:
        solver = CpSolver()
        solver.parameters.num_workers = workers
        solver.parameters.random_seed = seed
        solver.parameters.cp_model_presolve = False
        solver.parameters.max_time_in_seconds = min(budget.remaining, 1e6)
        left = budget.remaining_work
        if quick:
            solver.parameters.linearization_level = 0
            solver.parameters.max_deterministic_time = _QUICK if left is None else min(left, _QUICK)
        elif left is not None:
            solver.parameters.max_deterministic_time = left
        status = halt.solve(solver, self.model)
        if not halt.halted:
            budget.spent += solver.response_proto.deterministic_time
        return solver, status

    def _hint(self, solver: CpSolver) -> None:
        self.model.clear_hints()  # type: ignore[no-untyped-call]
        for variable in [*(literal for on in self.on for literal in on), *self.chosen.values()]:
            self.model.add_hint(variable, solver.value(variable))
