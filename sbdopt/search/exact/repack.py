"""CP-SAT for single arrays: put given rectangles into a few of them, or fill one with what is worth most."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field

import numpy as np
from ortools.sat.python import cp_model
from ortools.sat.python.cp_model import BoolVarT, CpSolverSolutionCallback, IntVar, IntervalVar, LinearExpr

from sbdopt.documents import IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.packing import Rectangle

_PATIENCE = 0.05


@dataclass(frozen=True)
class Space:
    """An empty array: its cells, and those that are broken."""

    rows: int
    columns: int
    faults: tuple[Rectangle, ...] = ()


@dataclass(frozen=True)
class Repacked:
    """Where rectangles stand: (space, row, column) of each; None if no way was found.

    `impossible`: CP-SAT has proved that there is none.
    """

    places: tuple[tuple[int, int, int], ...] | None
    impossible: bool


@dataclass(frozen=True)
class Valued:
    """Fillings of one array, each as (size, row, column) of its rectangles, and what none is worth more than."""

    fillings: tuple[tuple[tuple[int, int, int], ...], ...]
    most: int


class _Model:
    """Rectangles that may stand in spaces, without overlap, on a grid as coarse as sizes and faults allow."""

    def __init__(self, height: IntArray, width: IntArray, spaces: Sequence[Space]) -> None:
        faults = np.array([fault for space in spaces for fault in space.faults], dtype=np.int64).reshape(-1, 4)
        self.row_unit = int(np.gcd.reduce(np.concatenate([height, faults[:, 0], faults[:, 2]])))
        self.column_unit = int(np.gcd.reduce(np.concatenate([width, faults[:, 1], faults[:, 3]])))
        self.height, self.width = (height // self.row_unit).tolist(), (width // self.column_unit).tolist()
        self.spaces = spaces
        self.model = cp_model.CpModel()
        self.rows = [space.rows // self.row_unit for space in spaces]
        self.columns = [space.columns // self.column_unit for space in spaces]
        self.row = [self.model.new_int_var(0, max(self.rows) - h, "row") for h in self.height]
        self.column = [self.model.new_int_var(0, max(self.columns) - w, "column") for w in self.width]
        self.inside: list[list[BoolVarT]] = [
            [self.model.new_bool_var("inside") for _ in spaces] for _ in self.height
        ]
        for number in range(len(spaces)):
            self._fill(number)

    def _fill(self, number: int) -> None:
        """No overlap in a space; the cumulatives say nothing new, but much faster."""
        model, rows, columns = self.model, self.rows[number], self.columns[number]
        down: list[IntervalVar] = []
        across: list[IntervalVar] = []
        height, width = list(self.height), list(self.width)
        for i, inside in enumerate(self.inside):
            if height[i] > rows or width[i] > columns:
                model.add(inside[number] == 0)
            elif rows < max(self.rows) or columns < max(self.columns):
                model.add(self.row[i] + height[i] <= rows).only_enforce_if(inside[number])
                model.add(self.column[i] + width[i] <= columns).only_enforce_if(inside[number])
            literal = inside[number]
            down.append(model.new_optional_fixed_size_interval_var(self.row[i], height[i], literal, "down"))
            across.append(model.new_optional_fixed_size_interval_var(self.column[i], width[i], literal, "across"))
        area = [h * w * inside[number] for h, w, inside in zip(height, width, self.inside, strict=True)]
        model.add(LinearExpr.sum(area) <= rows * columns)
        for row, column, h, w in self.spaces[number].faults:
            down.append(model.new_fixed_size_interval_var(row // self.row_unit, h // self.row_unit, "fault"))
            across.append(
                model.new_fixed_size_interval_var(column // self.column_unit, w // self.column_unit, "fault")
            )
            height.append(h // self.row_unit)
            width.append(w // self.column_unit)
        model.add_no_overlap_2d(down, across)
        if not self.spaces[number].faults:  # faults may overlap, which a cumulative would count twice
            model.add_cumulative(down, width, columns)
            model.add_cumulative(across, height, rows)

    def order_equal(self) -> None:
        """Rectangles of equal size: if one stands in the only space, so does the one before it, further up."""
        far = max(self.columns) + 1
        for i in range(1, len(self.height)):
            if (self.height[i], self.width[i]) == (self.height[i - 1], self.width[i - 1]):
                self.model.add_implication(self.inside[i][0], self.inside[i - 1][0])
                one, two = (self.row[k] * far + self.column[k] for k in (i - 1, i))
                self.model.add(two >= one + 1).only_enforce_if(self.inside[i][0])

    def place(self, i: int, value: CpSolverSolutionCallback | cp_model.CpSolver) -> tuple[int, int]:
        """Row and column of a rectangle, in cells."""
        return value.value(self.row[i]) * self.row_unit, value.value(self.column[i]) * self.column_unit


def repack(
    height: IntArray, width: IntArray, spaces: Sequence[Space], budget: Budget, seconds: float, seed: int
) -> Repacked:
    """Put all rectangles into the spaces, if that is possible. Spaces that are equal must stand together.

    The largest rectangles are put into the first spaces: the first into the first, the second into one of
    the first two, and so on, as long as the spaces are equal.
    """
    model = _Model(height, width, spaces)
    for inside in model.inside:
        model.model.add_exactly_one(inside)
    largest = np.argsort(-height * width, kind="stable").tolist()
    equal = next((k for k, space in enumerate(spaces) if space != spaces[0]), len(spaces))
    if equal == len(spaces):
        for number, i in enumerate(largest[: equal - 1]):
            for later in model.inside[i][number + 1 :]:
                model.model.add(later == 0)
    solver, status = _solved(model.model, None, budget, seconds, seed)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Repacked(None, status == cp_model.INFEASIBLE)
    where = [next(s for s, one in enumerate(inside) if solver.boolean_value(one)) for inside in model.inside]
    return Repacked(tuple((s, *model.place(i, solver)) for i, s in enumerate(where)), False)


def most_valuable(
    height: IntArray,
    width: IntArray,
    most: IntArray,
    values: IntArray,
    space: Space,
    least: int,
    budget: Budget,
    seconds: float,
    seed: int,
) -> Valued:
    """Fillings of one array with up to `most` rectangles of each size that are worth at least `least`."""
    size = np.repeat(np.arange(len(height)), most)
    model = _Model(height[size], width[size], [space])
    model.order_equal()
    worth = [int(values[s]) * inside[0] for s, inside in zip(size.tolist(), model.inside, strict=True)]
    total = LinearExpr.sum(worth)
    model.model.add(total >= least)
    model.model.maximize(total)
    collect = _Collect(model, size)
    solver, status = _solved(model.model, collect, budget, seconds, seed)
    if status == cp_model.INFEASIBLE:
        return Valued((), least - 1)
    return Valued(tuple(collect.fillings), int(np.floor(solver.best_objective_bound + 1e-6)))


class _Collect(CpSolverSolutionCallback):
    """Every solution on the way."""

    def __init__(self, model: _Model, size: IntArray) -> None:
        super().__init__()
        self.model, self.size = model, size.tolist()
        self.fillings: list[tuple[tuple[int, int, int], ...]] = []

    def on_solution_callback(self) -> None:
        chosen = [i for i, inside in enumerate(self.model.inside) if self.boolean_value(inside[0])]
        self.fillings.append(tuple((self.size[i], *self.model.place(i, self)) for i in chosen))


def _solved(
    model: cp_model.CpModel,
    callback: CpSolverSolutionCallback | None,
    budget: Budget,
    seconds: float,
    seed: int,
) -> tuple[cp_model.CpSolver, cp_model.CpSolverStatus]:
    """Solve within so many seconds (or units of work), in a thread, so that an interrupt reaches this one."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = budget.workers
    solver.parameters.random_seed = seed
    solver.parameters.catch_sigint_signal = False
    solver.parameters.max_time_in_seconds = min(seconds, budget.remaining, 1e6)
    if budget.remaining_work is not None:
        solver.parameters.max_time_in_seconds = min(budget.remaining, 1e6)
        solver.parameters.max_deterministic_time = min(seconds, budget.remaining_work)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(solver.solve, model, callback)
        try:
            while True:
                try:
                    return solver, done.result(_PATIENCE)
                except NotYet:
                    continue
        finally:
            while not done.done():  # a stop that comes before the solver has begun is not heard
                solver.stop_search()
                try:
                    done.result(_PATIENCE)
                except NotYet:
                    continue
            budget.spent += solver.response_proto.deterministic_time
