"""CP-SAT for a few arrays: put given rectangles into them, or move them out of the last one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ortools.sat.python import cp_model
from ortools.sat.python.cp_model import BoolVarT, CpSolverSolutionCallback, IntervalVar, LinearExpr

from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.packing import Rectangle

Place = tuple[int, int, int]
"""(space, row, column), or (size, row, column) where there is one space"""

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

    places: tuple[Place, ...] | None
    impossible: bool


class Spaces:
    """Rectangles that may stand in spaces, without overlap, on a grid as coarse as sizes and faults allow."""

    def __init__(self, height: IntArray, width: IntArray, spaces: Sequence[Space]) -> None:
        faults = np.array([fault for space in spaces for fault in space.faults], dtype=np.int64).reshape(
            -1, 4
        )
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
            across.append(
                model.new_optional_fixed_size_interval_var(self.column[i], width[i], literal, "across")
            )
        area = [h * w * inside[number] for h, w, inside in zip(height, width, self.inside, strict=True)]
        model.add(LinearExpr.sum(area) <= rows * columns)
        for row, column, h, w in _disjoint(self.spaces[number].faults):
            height.append(h // self.row_unit)
            width.append(w // self.column_unit)
            down.append(model.new_fixed_size_interval_var(row // self.row_unit, height[-1], "fault"))
            across.append(model.new_fixed_size_interval_var(column // self.column_unit, width[-1], "fault"))
        model.add_no_overlap_2d(down, across)
        model.add_cumulative(down, width, columns)
        model.add_cumulative(across, height, rows)

    def places(self, solver: cp_model.CpSolver) -> tuple[Place, ...]:
        """Space, row and column of every rectangle."""
        spaces = [
            next(s for s, one in enumerate(inside) if solver.boolean_value(one)) for inside in self.inside
        ]
        return tuple((space, *self.place(i, solver)) for i, space in enumerate(spaces))

    def place(self, i: int, value: CpSolverSolutionCallback | cp_model.CpSolver) -> tuple[int, int]:
        """Row and column of a rectangle, in cells."""
        return value.value(self.row[i]) * self.row_unit, value.value(self.column[i]) * self.column_unit


def _disjoint(faults: Sequence[Rectangle]) -> list[Rectangle]:
    """Rectangles without overlap that cover the same cells: cut along all edges."""
    rows = sorted({edge for row, _, height, _ in faults for edge in (row, row + height)})
    columns = sorted({edge for _, column, _, width in faults for edge in (column, column + width)})
    return [
        (top, left, bottom - top, right - left)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
        if any(r <= top < r + h and c <= left < c + w for r, c, h, w in faults)
    ]


def repack(
    height: IntArray, width: IntArray, spaces: Sequence[Space], budget: Budget, seconds: float, seed: int
) -> Repacked:
    """Put all rectangles into the spaces, which are equal, if that is possible.

    Of rectangles no two of which fit one space each is put into a space of its own; the largest of the others
    goes into the next space or one before it, the next one into one more, and so on.
    """
    conflict = (height + height[:, None] > spaces[0].rows) & (width + width[:, None] > spaces[0].columns)
    apart = _clique(conflict, height, width)
    if len(apart) > len(spaces):
        return Repacked(None, True)
    model = Spaces(height, width, spaces)
    for inside in model.inside:
        model.model.add_exactly_one(inside)
    for number, i in enumerate(apart):
        model.model.add(model.inside[i][number] == 1)
    largest = [i for i in np.argsort(-height * width, kind="stable").tolist() if i not in apart]
    for number, i in enumerate(largest[: len(spaces) - len(apart)], start=len(apart)):
        for later in model.inside[i][number + 1 :]:
            model.model.add(later == 0)
    for i, j in np.argwhere(np.triu(conflict, 1)).tolist():
        for one, two in zip(model.inside[i], model.inside[j], strict=True):
            model.model.add_at_most_one(one, two)
    solver, status = solved(model.model, None, budget, seconds, seed)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Repacked(None, status == cp_model.INFEASIBLE)
    return Repacked(model.places(solver), False)


def _clique(conflict: BoolArray, height: IntArray, width: IntArray) -> list[int]:
    """Rectangles of which each is in conflict with all others, chosen from large to small in some orders."""
    best: list[int] = []
    for size in (height * width, np.minimum(height, width), height + width):
        chosen: list[int] = []
        for i in np.argsort(-size, kind="stable").tolist():
            if conflict[i, chosen].all():
                chosen.append(i)
        best = max(best, chosen, key=len)
    return best


def empty_last(
    height: IntArray,
    width: IntArray,
    spaces: Sequence[Space],
    places: Sequence[Place],
    budget: Budget,
    seconds: float,
    seed: int,
) -> tuple[Place, ...] | None:
    """Move rectangles between spaces, so that as few cells as possible remain used in the last one.

    `places` are those that they have. None if nothing better is found.
    """
    model = Spaces(height, width, spaces)
    for inside, (space, row, column), down, across in zip(
        model.inside, places, model.row, model.column, strict=True
    ):
        model.model.add_exactly_one(inside)
        for number, literal in enumerate(inside):
            model.model.add_hint(literal, number == space)
        model.model.add_hint(down, row // model.row_unit)
        model.model.add_hint(across, column // model.column_unit)
    area = [h * w for h, w in zip(model.height, model.width, strict=True)]
    last = len(spaces) - 1
    now = sum(a for a, place in zip(area, places, strict=True) if place[0] == last)
    left = LinearExpr.sum([a * inside[last] for a, inside in zip(area, model.inside, strict=True)])
    model.model.add(left <= now - 1)
    model.model.minimize(left)
    solver, status = solved(model.model, None, budget, seconds, seed)
    return model.places(solver) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None


def solved(
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
