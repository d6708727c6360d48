"""The least cycles of one operator on arrays that are alike, if all other blocks were like sand.

Only cells count: those of its own blocks, and those that its steps leave empty, of which all arrays together
have no more than there are to spare. Steps may share empty cells, but not all: what they leave empty in all
is at least what they leave each, less what each two can share (Bonferroni's inequality; see `crossings`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from ortools.sat.python.cp_model import (
    FEASIBLE,
    INFEASIBLE,
    OPTIMAL,
    BoolVarT,
    CpModel,
    CpSolver,
    IntVar,
    LinearExpr,
)

from sbdopt.search.exact.crossings import Step, empty_cells, least_empty, shared
from sbdopt.search.exact.questions import Questions
from sbdopt.search.exact.runner import Run

_SHARE = 0.1
"""Part of what is left of the budget that one operator may take."""
_MOST_STEPS = 20_000
"""Steps times arrays above which an operator is left alone."""

_Members = tuple[int, ...]


def least_alone(questions: Questions, arrays: int, unused: int, run: Run) -> dict[int, int]:
    """For operators cycles that they take at least, those with fewest blocks first; `unused` in units."""
    least: dict[int, int] = {}
    for operator in sorted(questions.candidates, key=lambda o: len(questions.candidates[o])):
        if run.halt.halted or run.budget.used_up:
            break
        steps = {candidate.members: spent for candidate, spent in questions.candidates[operator]}
        if steps and len(steps) * arrays <= _MOST_STEPS:
            cells = questions.fits.scales.rows * questions.fits.scales.columns
            least[operator] = _Alone(steps, questions.size, arrays, cells, unused).least(run)
    return least


@dataclass(eq=False)
class _Alone:
    steps: Mapping[_Members, int]
    """Cycles of each step."""
    size: Sequence[tuple[int, int]]
    """Of each block."""
    arrays: int
    cells: int
    """Of an array."""
    unused: int
    model: CpModel = field(default_factory=CpModel)
    _known: set[frozenset[frozenset[_Members]]] = field(default_factory=set)

    def __post_init__(self) -> None:
        model, arrays = self.model, range(self.arrays)
        self.blocks = sorted({i for step in self.steps for i in step})
        self.sizes: dict[_Members, Step] = {
            step: tuple(self.size[i] for i in step) for step in self.steps if len(step) > 1
        }
        self.holding = {i: [step for step in self.sizes if i in step] for i in self.blocks}
        self.chosen: dict[tuple[_Members, int], BoolVarT] = {
            (step, a): model.new_bool_var("") for step in self.steps for a in arrays
        }
        on = [[model.new_bool_var("") for _ in arrays] for _ in self.blocks]
        area = [self.size[i][0] * self.size[i][1] for i in self.blocks]
        for i, literals in zip(self.blocks, on, strict=True):
            model.add_exactly_one(literals)
            for a in arrays:
                steps = [self.chosen[step, a] for step in self.steps if i in step]
                model.add(LinearExpr.sum(steps) == literals[a])
        self.empty: list[IntVar] = []
        self.cycles = model.new_int_var(0, sum(self.steps.values()), "cycles")
        for a in arrays:
            self.empty.append(model.new_int_var(0, min(self.unused, self.cells), f"empty{a}"))
            filled = LinearExpr.weighted_sum([literals[a] for literals in on], area)
            model.add(filled + self.empty[a] <= self.cells)
            load = [spent * self.chosen[step, a] for step, spent in self.steps.items()]
            model.add(LinearExpr.sum(load) <= self.cycles)
        model.add(LinearExpr.sum(self.empty) <= self.unused)
        self._number_arrays(on, area)
        for i in self.blocks:
            self._limit([{step: empty_cells(self.sizes[step]) for step in self.holding[i]}])
        model.minimize(self.cycles)

    def _number_arrays(self, on: Sequence[Sequence[BoolVarT]], area: Sequence[int]) -> None:
        """Arrays are alike: they are numbered by their largest block."""
        order = sorted(range(len(area)), key=lambda place: -area[place])
        for a in range(1, self.arrays):
            for number, place in enumerate(order):
                self.model.add_bool_or(~on[place][a], *(on[other][a - 1] for other in order[:number]))

    def _limit(self, classes: Sequence[Mapping[_Members, int]]) -> None:
        """Steps of several classes, of which there is at most one of each, leave so many cells empty."""
        key = frozenset(frozenset(steps) for steps in classes)
        if key in self._known or not any(classes):
            return
        self._known.add(key)
        for a in range(self.arrays):
            terms = [self.chosen[step, a] for steps in classes for step in steps]
            counts = [cells for steps in classes for cells in steps.values()]
            self.model.add(LinearExpr.weighted_sum(terms, counts) <= self.empty[a])

    def _separate(self, shown: Sequence[_Members], cells: int) -> None:
        """These steps on one array leave so many cells empty; and others like them, at least some.

        For each step a class of all that hold one of its blocks and leave no fewer cells empty beside the
        classes before: of these steps, which have a block in common, there is at most one.
        """
        for a in range(self.arrays):
            all_chosen = [self.chosen[step, a] for step in shown]
            self.model.add(self.empty[a] >= cells).only_enforce_if(all_chosen)
        for blocks in product(*shown):
            classes: list[dict[_Members, int]] = []
            for step, block in zip(shown, blocks, strict=True):
                least = self._beside(step, classes)
                if least > 0:
                    counts = {
                        other: self._beside(other, classes)
                        for other in self.holding[block]
                        if not any(other in before for before in classes)
                    }
                    classes.append({other: count for other, count in counts.items() if count >= least})
            self._limit(classes)

    def _beside(self, step: _Members, classes: Sequence[Mapping[_Members, int]]) -> int:
        """Cells that a step leaves empty, less what it can share with one step of each class."""
        cells = empty_cells(self.sizes[step])
        for steps in classes:
            apart = (other for other in steps if set(step).isdisjoint(other))
            cells -= max((shared(self.sizes[step], self.sizes[other]) for other in apart), default=0)
        return cells

    def least(self, run: Run) -> int:
        """The least cycles, or as many as are proven when the time is up."""
        known = 0
        part = run.budget.part(_SHARE)
        while not (part.used_up or run.halt.halted):
            solver = replace(run, budget=part).solver()
            self.model.add(self.cycles >= known)
            status = run.halt.solve(solver, self.model)
            if run.halt.halted or status == INFEASIBLE:  # then steps are too many for the spare cells
                break
            part.spent += solver.response_proto.deterministic_time
            known = max(known, round(solver.best_objective_bound))
            if status not in (OPTIMAL, FEASIBLE) or not self._cut(solver):
                break
        run.budget.spent = part.spent
        return known

    def _cut(self, solver: CpSolver) -> bool:
        """Exclude what cannot be in the solution that was found; whether there was anything."""
        found = False
        for a in range(self.arrays):
            steps = [step for step in self.sizes if solver.value(self.chosen[step, a])]
            cells, shown = least_empty([self.sizes[step] for step in steps])
            if cells > solver.value(self.empty[a]):
                largest_first = sorted((steps[k] for k in shown), key=lambda s: -empty_cells(self.sizes[s]))
                self._separate(largest_first, cells)
                found = True
        return found
