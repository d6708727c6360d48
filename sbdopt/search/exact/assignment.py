"""Which block stands on which array and what is read together, as if places did not matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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

from sbdopt.search.exact.candidates import Candidate
from sbdopt.search.exact.conflicts import Conflict
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import Run
from sbdopt.search.exact.scales import Scales, Size
from sbdopt.timing import operator_cycles


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
    _reached: int | None = None
    """What the goal was in the best assignment before."""

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
        self.holding: dict[int, list[Candidate]] = {i: [] for i in range(count)}
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
        for steps in self.candidates.values():
            for candidate, _ in steps:
                for i in candidate.members:
                    self.holding[i].append(candidate)
        for candidates in self.holding.values():
            for k, (other_height, other_width) in enumerate(self.size):
                alone = []
                for candidate in candidates:
                    height, width = self._extent(candidate)
                    beside = height + other_height <= rows or width + other_width <= columns
                    if k not in candidate.members and not beside:
                        alone.append(candidate.members)
                for a in self.arrays if alone else ():
                    model.add_at_most_one(self.on[k][a], *(self.chosen[members, a] for members in alone))
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
        capacity = np.maximum(self.scales.capacity, 1)
        for blocks, steps in zip(assignment.blocks, assignment.steps, strict=True):
            for step in [(), *(step for step in steps if len(step) > 1)]:
                rest = [self.size[i] for i in blocks if i not in step]
                excess = self.scales.excess(rest, [self.size[i] for i in step]) / capacity
                for place in np.argsort(-excess, axis=None)[:most].tolist():
                    u, v = divmod(place, excess.shape[1])
                    if excess[u, v] > 0:
                        found[u, v] = None
        new = [pair for pair in found if pair not in self._pairs]
        for pair in new:
            self._add_pair(pair)
        return bool(new)

    def _add_pair(self, pair: tuple[int, int]) -> None:
        """The sum of a pair of functions on each array: of blocks, and where it holds with a step as one."""
        self._pairs.add(pair)
        capacity = int(self.scales.capacity[pair])
        values = [self.scales.value(pair, *size) for size in self.size]
        more = {
            candidate.members: self.scales.value(pair, *self._extent(candidate))
            - sum(values[i] for i in candidate.members)
            for steps in self.candidates.values()
            for candidate, _ in steps
        }
        more = {
            members: count for members, count in more.items() if count > 0 and self.scales.in_pieces[pair]
        }
        holding = {tuple(c.members for c in steps if c.members in more) for steps in self.holding.values()}
        for a in self.arrays:
            on = [literals[a] for literals in self.on]
            for steps in holding | {()}:
                terms = [*on, *(self.chosen[members, a] for members in steps)]
                counts = [*values, *(more[members] for members in steps)]
                self.model.add(LinearExpr.weighted_sum(terms, counts) <= capacity)

    def forbid(self, conflict: Conflict) -> None:
        """No array holds the blocks of a conflict, or others that can replace them, within its cycles."""
        crowds = list(conflict.crowds(self.size, self.relations.blocks.operator.tolist()))
        longer = [self._takes_longer(o, cycles) for o, cycles in conflict.cycles.items()]
        for a in self.arrays:
            self.model.add_bool_or(*(~self._crowd(*crowd, a) for crowd in crowds), *longer)

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

    def solve(self, known: int, run: Run) -> Assignment | bool:
        """The best assignment, given that nothing is below `known`; False if none, True if out of time.

        Mostly only one more assignment of the same value is asked for, or whether there is none: that is
        answered faster than what is best.
        """
        goal = self.goals[self.goal]
        self.model.add(goal >= known)
        if self._reached == known:
            same = self.model.clone()
            same.clear_objective()  # type: ignore[no-untyped-call]
            same.add(goal == known)
            solver, status = self._run(same, run)
            if not run.halt.halted and status in (OPTIMAL, FEASIBLE):
                return self._read(solver, known)
            if run.halt.halted or status != INFEASIBLE:
                return True
        solver, status = self._run(self.model, run)
        if run.halt.halted or status not in (OPTIMAL, FEASIBLE):
            return run.halt.halted or status != INFEASIBLE
        self._reached = solver.value(goal)
        return self._read(solver, round(solver.best_objective_bound))

    def _read(self, solver: CpSolver, bound: int) -> Assignment:
        """The assignment that was found, which is where the next search begins."""
        self.model.clear_hints()  # type: ignore[no-untyped-call]
        for variable in [*(literal for on in self.on for literal in on), *self.chosen.values()]:
            self.model.add_hint(variable, solver.value(variable))
        return Assignment(
            bound=bound,
            value=solver.value(self.goals[self.goal]),
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

    def _run(self, model: CpModel, run: Run) -> tuple[CpSolver, CpSolverStatus]:
        solver = run.solver()
        solver.parameters.cp_model_presolve = False
        status = run.halt.solve(solver, model)
        if not run.halt.halted:
            run.budget.spent += solver.response_proto.deterministic_time
        return solver, status
