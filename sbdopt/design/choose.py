"""Pick one candidate for each weight, by CP-SAT: a knapsack with multiple choice."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor

from ortools.sat.python import cp_model

from sbdopt.design.candidates import Candidate, Candidates

_SCALE = 10**9
"""Squared errors are counted in billionths, rounded up."""

Picked = dict[str, Candidate]


class Chooser:
    """Candidates of all weights, from which one is picked for each, again and again.

    The total error of a choice is the root of the mean of the squared relative errors of its weights.
    """

    def __init__(
        self, candidates: Candidates, *, seconds: float = 60.0, workers: int = 1, seed: int = 0
    ) -> None:
        self.candidates, self._seconds, self._workers, self._seed = candidates, seconds, workers, seed

    def total_error(self, picked: Picked) -> float:
        """The root of the mean of the squared errors."""
        return float((sum(one.error**2 for one in picked.values()) / len(picked)) ** 0.5)

    @property
    def least_cells(self) -> int:
        """Cells of the smallest choice."""
        return sum(min(one.cells for one in some) for some in self.candidates.values())

    @property
    def most_cells(self) -> int:
        """Cells of the best choice, if there is room for everything."""
        return sum(min(some, key=lambda one: one.error).cells for some in self.candidates.values())

    def least_error(self, cells: int) -> Picked | None:
        """The choice of at most so many cells with the least total error, proven; None: there is none.

        Raises TimeoutError if that takes too long.
        """
        return self._pick(_squared, lambda one: one.cells, cells)

    def fewest_cells(self, error: float) -> Picked | None:
        """The smallest choice of at most that total error, of these the one with the least; as above."""
        limit = floor(error**2 * len(self.candidates) * _SCALE)
        smallest = self._pick(lambda one: one.cells, _squared, limit)
        return None if smallest is None else self.least_error(sum(one.cells for one in smallest.values()))

    def _pick(
        self, goal: Callable[[Candidate], int], limited: Callable[[Candidate], int], limit: int
    ) -> Picked | None:
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
        model.add(cp_model.LinearExpr.weighted_sum(variables, [limited(one) for _, one in pairs]) <= limit)
        model.minimize(cp_model.LinearExpr.weighted_sum(variables, [goal(one) for _, one in pairs]))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = self._workers
        solver.parameters.random_seed = self._seed
        solver.parameters.max_time_in_seconds = self._seconds
        solver.parameters.catch_sigint_signal = False
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return None
        if status != cp_model.OPTIMAL:
            raise TimeoutError
        return {
            name: next(one for pick, one in zip(picks[name], some, strict=True) if solver.boolean_value(pick))
            for name, some in self.candidates.items()
        }


def _squared(one: Candidate) -> int:
    return ceil(one.error**2 * _SCALE)
