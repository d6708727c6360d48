"""CP-SAT for one array: fill it with rectangles that are worth most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ortools.sat.python import cp_model
from ortools.sat.python.cp_model import CpSolverSolutionCallback, LinearExpr

from sbdopt.documents import IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.exact.repack import Place, Space, Spaces, solved


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
    start: Sequence[Place],
    budget: Budget,
    seconds: float,
    seed: int,
) -> Valued:
    """Fillings of one array with up to `most` rectangles of each size, each worth more than the one before.

    `start` is a filling to begin with, as (size, row, column); only what is worth no less counts.
    """
    size = np.repeat(np.arange(len(height)), most)
    model = Spaces(height[size], width[size], [space])
    _order_equal(model)
    worth = [int(values[s]) * inside[0] for s, inside in zip(size.tolist(), model.inside, strict=True)]
    total = LinearExpr.sum(worth)
    model.model.add(total >= sum(int(values[s]) for s, _, _ in start))
    model.model.maximize(total)
    _begin_with(model, start, most)
    collect = _Collect(model, size)
    solver, status = solved(model.model, collect, budget, seconds, seed)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Valued((), int((values * most).sum()))  # without a solution there may be no bound either
    return Valued(tuple(collect.fillings), int(np.floor(solver.best_objective_bound + 1e-6)))


def _order_equal(model: Spaces) -> None:
    """Of two equal rectangles the first is inside if the second is, and further up."""
    far = max(model.columns) + 1
    for i in range(1, len(model.height)):
        if (model.height[i], model.width[i]) == (model.height[i - 1], model.width[i - 1]):
            model.model.add_implication(model.inside[i][0], model.inside[i - 1][0])
            one, two = (model.row[k] * far + model.column[k] for k in (i - 1, i))
            model.model.add(two >= one + 1).only_enforce_if(model.inside[i][0])


def _begin_with(model: Spaces, start: Sequence[Place], most: IntArray) -> None:
    """Hint at a filling; rectangles of a size that are too many in it are left out."""
    first = np.cumsum(most) - most
    known = [0] * len(most)
    for size, row, column in sorted(start):
        if known[size] < most[size]:
            i = int(first[size]) + known[size]
            known[size] += 1
            model.model.add_hint(model.row[i], row // model.row_unit)
            model.model.add_hint(model.column[i], column // model.column_unit)
            model.model.add_hint(model.inside[i][0], True)
    for size, copies in enumerate(most.tolist()):
        for i in range(int(first[size]) + known[size], int(first[size]) + copies):
            model.model.add_hint(model.inside[i][0], False)


class _Collect(CpSolverSolutionCallback):
    """Every solution on the way."""

    def __init__(self, model: Spaces, size: IntArray) -> None:
        super().__init__()
        self.model, self.size = model, size.tolist()
        self.fillings: list[tuple[Place, ...]] = []

    def on_solution_callback(self) -> None:
        chosen = [i for i, inside in enumerate(self.model.inside) if self.boolean_value(inside[0])]
        self.fillings.append(tuple((self.size[i], *self.model.place(i, self)) for i in chosen))
