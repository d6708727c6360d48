"""Pick one candidate for each weight: a knapsack with multiple choice.

The least error within some cells is looked up in a table where that is small enough; else, and for the fewest
cells within an error, CP-SAT picks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor, gcd

from ortools.sat.python import cp_model

from sbdopt.design.candidates import Candidate, Candidates
from sbdopt.design.table import Table

_SCALE = 10**6
"""Squared errors are counted in millionths, rounded up."""


@dataclass(frozen=True)
class Picked:
    """A candidate for each weight, by name, and what is proven about all choices within the same limit."""

    candidates: Mapping[str, Candidate]
    error_bound: float
    """None has less error."""
    cells_bound: int
    """None (with at most as much error, where that was the limit) has fewer cells."""

    @property
    def error(self) -> float:
        """The root of the mean of the squared errors."""
        return _total(sum(map(_squared, self.candidates.values())), len(self.candidates))

    @property
    def cells(self) -> int:
        """Cells of arrays."""
        return sum(map(_cells, self.candidates.values()))


class Chooser:
    """Candidates of all weights, from which one is picked for each, again and again.

    The total error of a choice is the root of the mean of the squared relative errors of its weights, each
    counted in millionths and rounded up. A table is exact; what CP-SAT does not prove within `seconds` it
    bounds.
    """

    def __init__(
        self, candidates: Candidates, *, seconds: float = 10.0, workers: int = 1, seed: int = 0
    ) -> None:
        self.candidates, self._seconds, self._workers, self._seed = candidates, seconds, workers, seed
        self._table: Table | None = None
        self._reach = 0

    @property
    def least_cells(self) -> int:
        """Cells of the smallest choice."""
        return sum(min(one.cells for one in some) for some in self.candidates.values())

    @property
    def most_cells(self) -> int:
        """Cells of the best choice, if there is room for everything."""
        return sum(min(some, key=lambda one: one.error).cells for some in self.candidates.values())

    def least_error(self, cells: int) -> Picked | None:
        """The choice of at most so many cells with the least total error; None: there is none.

        Raises TimeoutError if it is not known within the time whether there is any.
        """
        found = self._in_table(cells) or self._pick(_squared, _cells, cells)
        return found and Picked(found[0], _total(found[1], len(self.candidates)), 0)

    def _in_table(self, cells: int) -> tuple[dict[str, Candidate], int] | None:
        """The best choice of at most so many cells, if the table of all is small enough."""
        cells = min(cells, self.most_cells)
        if self._table is None or cells > self._reach:
            options = {
                name: [(one.cells, _squared(one)) for one in some] for name, some in self.candidates.items()
            }
            self._table, self._reach = Table.of(options, cells), cells
        if self._table is None or cells < self._table.least:
            return None
        picked = {name: self.candidates[name][option] for name, option in self._table.pick(cells).items()}
        return picked, sum(map(_squared, picked.values()))

    def fewest_cells(self, error: float) -> Picked | None:
        """The smallest choice of at most that total error, of these the one with the least; as above."""
        limit = floor(error**2 * len(self.candidates) * _SCALE)
        found = self._pick(_cells, _squared, limit)
        if found is None:
            return None
        better = self.least_error(sum(map(_cells, found[0].values())))
        assert better is not None
        return replace(better, cells_bound=found[1])

    def _pick(
        self, goal: Callable[[Candidate], int], limited: Callable[[Candidate], int], limit: int
    ) -> tuple[dict[str, Candidate], int] | None:
        """The choice with the least sum of `goal` among those whose sum of `limited` is within `limit`.

        And what no such choice is below.
        """
        model = cp_model.CpModel()
        picks = {name: [model.new_bool_var("") for _ in some] for name, some in self.candidates.items()}
        pairs = [
            (pick, one)
            for name, some in self.candidates.items()
            for pick, one in zip(picks[name], some, strict=True)
        ]
        for some in picks.values():
            model.add_exactly_one(some)
        variables = [pick for pick, _ in pairs]
        _add_limit(model, [(pick, limited(one)) for pick, one in pairs], limit)
        model.minimize(cp_model.LinearExpr.weighted_sum(variables, [goal(one) for _, one in pairs]))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = self._workers
        solver.parameters.random_seed = self._seed
        solver.parameters.max_time_in_seconds = self._seconds
        solver.parameters.catch_sigint_signal = False
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return None
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            raise TimeoutError
        picked = {
            name: next(one for pick, one in zip(picks[name], some, strict=True) if solver.boolean_value(pick))
            for name, some in self.candidates.items()
        }
        return picked, ceil(solver.best_objective_bound - 1e-6)


def _add_limit(model: cp_model.CpModel, pairs: list[tuple[cp_model.IntVar, int]], limit: int) -> None:
    """The sum of the sizes of what is picked is within the limit.

    Where many sizes are equal, as those of weights of the same shape are, it is said again by how often
    each size is picked: to search over these few numbers closes the gap sooner.
    """
    by_size: dict[int, list[cp_model.IntVar]] = {}
    for pick, size in pairs:
        by_size.setdefault(size, []).append(pick)
    unit = gcd(*by_size) or 1
    model.add(sum(size // unit * pick for pick, size in pairs) <= limit // unit)
    if 2 * len(by_size) > len(pairs):
        return
    counts = {size: model.new_int_var(0, len(picks), "") for size, picks in by_size.items()}
    for size, picks in by_size.items():
        model.add(sum(picks) == counts[size])
    model.add(sum(size // unit * count for size, count in counts.items()) <= limit // unit)


def _cells(one: Candidate) -> int:
    return one.cells


def _squared(one: Candidate) -> int:
    return ceil(one.error**2 * _SCALE)


def _total(squared: int, weights: int) -> float:
    return float((squared / _SCALE / weights) ** 0.5)
