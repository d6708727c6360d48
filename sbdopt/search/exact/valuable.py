"""CP-SAT for one array: fill it with rectangles that are worth most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ortools.sat.python import cp_model
from ortools.sat.python.cp_model import CpSolverSolutionCallback, LinearExpr

from sbdopt.bounds.positions import raster_points
from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.exact.repack import Place, Space, solved

_MOST_PLACES = 6_000
_MOST_ENTRIES = 600_000


@dataclass(frozen=True)
class Valued:
    """Fillings of one array, (size, row, column) of each rectangle, and what none is worth more than."""

    fillings: tuple[tuple[Place, ...], ...]
    most: int


def most_valuable(
    height: IntArray,
    width: IntArray,
    most: IntArray,
    values: IntArray,
    space: Space,
    above: int,
    budget: Budget,
    seconds: float,
    seed: int,
) -> Valued | None:
    """Fillings of one array with up to `most` rectangles of each size, each worth more than the one before.

    Only what is worth more than `above` counts. A yes or no for each size at each raster point (see
    `bounds.positions`), and no cell covered twice: the relaxation of that is the position bound. With faults,
    which need not keep to that grid, there may be better fillings. None if there are too many places.
    """
    places = _places(height, width, most, values, space)
    if places is None:
        return None
    model = cp_model.CpModel()
    chosen = [model.new_bool_var("here") for _ in places.where]
    for here in places.at_cell:
        if len(here) > 1:
            model.add_at_most_one([chosen[place] for place in here])
    for size, limit in enumerate(most.tolist()):
        mine = [x for x, (s, _, _) in zip(chosen, places.where, strict=True) if s == size]
        if len(mine) > limit:
            model.add(LinearExpr.sum(mine) <= limit)
    total = LinearExpr.weighted_sum(chosen, [int(values[size]) for size, _, _ in places.where])
    model.add(total > above)
    model.maximize(total)
    collect = _Collect(chosen, places.where)
    solver, status = solved(model, collect, budget, seconds, seed)
    if status == cp_model.INFEASIBLE:
        return Valued((), above)
    bound = int(np.floor(solver.best_objective_bound + 1e-6))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE) and bound <= above:
        bound = int((values * most).sum())  # nothing was bounded yet
    return Valued(tuple(collect.fillings), bound)


@dataclass(frozen=True, eq=False)
class _Places:
    """(size, row, column) of every place, and the places that cover each cell of the grid."""

    where: list[Place]
    at_cell: list[list[int]]


def _places(
    height: IntArray, width: IntArray, most: IntArray, values: IntArray, space: Space
) -> _Places | None:
    wanted = np.flatnonzero((most > 0) & (values > 0) & (height <= space.rows) & (width <= space.columns))
    rows, columns = raster_points(height[wanted], space.rows), raster_points(width[wanted], space.columns)
    if rows is None or columns is None:
        return None
    where: list[Place] = []
    at_cell: list[list[int]] = [[] for _ in range(len(rows) * len(columns))]
    entries = 0
    for size in wanted.tolist():
        down = _covered(rows, int(height[size]), space.rows)
        across = _covered(columns, int(width[size]), space.columns)
        entries += int(np.count_nonzero(down) * np.count_nonzero(across))
        if len(where) + len(down) * len(across) > _MOST_PLACES or entries > _MOST_ENTRIES:
            return None
        for row, strip in zip(rows.tolist(), down, strict=False):
            for column, post in zip(columns.tolist(), across, strict=False):
                if any(
                    r < row + height[size] and row < r + h and c < column + width[size] and column < c + w
                    for r, c, h, w in space.faults
                ):
                    continue
                for cell in np.flatnonzero(np.outer(strip, post)).tolist():
                    at_cell[cell].append(len(where))
                where.append((size, row, column))
    return _Places(where, at_cell)


def _covered(points: IntArray, length: int, limit: int) -> BoolArray:
    """Of each point at which a length fits, the points that it covers from there."""
    begins = points[points + length <= limit][:, None]
    covered: BoolArray = (begins <= points) & (points < begins + length)
    return covered


class _Collect(CpSolverSolutionCallback):
    """Every solution on the way."""

    def __init__(self, chosen: Sequence[cp_model.IntVar], where: Sequence[Place]) -> None:
        super().__init__()
        self.chosen, self.where = chosen, where
        self.fillings: list[tuple[Place, ...]] = []

    def on_solution_callback(self) -> None:
        here = (place for x, place in zip(self.chosen, self.where, strict=True) if self.boolean_value(x))
        self.fillings.append(tuple(here))
