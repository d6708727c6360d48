"""Pick one candidate for each weight: a knapsack with multiple choice.

The least error within some cells is looked up in a table where that is small enough; else, and for the fewest
cells within an error, CP-SAT picks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, gcd, inf

from ortools.sat.python import cp_model

from sbdopt.design.candidates import Candidate, Candidates
from sbdopt.design.table import Table
from sbdopt.errors import InputError

Numbers = Mapping[str, Sequence[int]]
"""Of each candidate, by the name of the weight."""

_SCALE = 10**6
"""Squared errors, times the importance of the weight, are counted in millionths, rounded up."""


@dataclass(frozen=True)
class Picked:
    """A candidate for each weight, by name, and what is proven about all choices within the same limit."""

    candidates: Mapping[str, Candidate]
    error: float
    """The total error; see `Chooser`."""
    error_bound: float
    """None has less error."""
    cells_bound: int
    """None (with at most as much error, where that was the limit) has fewer cells."""

    @property
    def cells(self) -> int:
        """Cells of arrays."""
        return sum(one.cells for one in self.candidates.values())


class Chooser:
    """Candidates of all weights, from which one is picked for each, again and again.

    The total error of a choice is the root of the mean of the squared relative errors of its weights, each
    weighted by the importance of its weight (all alike if none is given; only ratios count), counted in
    millionths and rounded up. A table is exact; what CP-SAT does not prove within `seconds` it bounds.

    What an error does to the model differs from weight to weight. Near the dense model, where the loss is
    least, it rises with the square of an error of outputs, by a factor that is the weight's own; effects of
    several weights add up if their errors are not correlated. With these factors as importance
    (`tuning.gather_importance` measures them), the total is thus what the loss is expected to rise by.
    """

    def __init__(
        self,
        candidates: Candidates,
        *,
        importance: Mapping[str, float] | None = None,
        seconds: float = 10.0,
        workers: int = 1,
        seed: int = 0,
    ) -> None:
        """InputError: importance is not given for every weight, negative or not finite, or zero for all."""
        self.candidates, self._seconds, self._workers, self._seed = candidates, seconds, workers, seed
        share = _shares(candidates, importance)
        self._costs = {
            name: [ceil(share[name] * one.error**2 * _SCALE) for one in some]
            for name, some in candidates.items()
        }
        self._sizes = {name: [one.cells for one in some] for name, some in candidates.items()}
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
        found = self._in_table(cells) or self._pick(self._costs, self._sizes, cells)
        return found and self._picked(found[0], self._total(found[1]), 0)

    def _in_table(self, cells: int) -> tuple[dict[str, int], int] | None:
        """The best choice of at most so many cells, if the table of all is small enough."""
        cells = min(cells, self.most_cells)
        if self._table is None or cells > self._reach:
            options = {
                name: list(zip(self._sizes[name], self._costs[name], strict=True)) for name in self.candidates
            }
            self._table, self._reach = Table.of(options, cells), cells
        if self._table is None or cells < self._table.least:
            return None
        picked = self._table.pick(cells)
        return picked, self._sum(self._costs, picked)

    def fewest_cells(self, error: float) -> Picked | None:
        """The smallest choice of at most that total error, of these the one with the least; as above."""
        limit = floor(error**2 * len(self.candidates) * _SCALE)
        found = self._pick(self._sizes, self._costs, limit)
        if found is None:
            return None
        better = self.least_error(self._sum(self._sizes, found[0]))
        assert better is not None
        return replace(better, cells_bound=found[1])

    def _picked(self, options: Mapping[str, int], error_bound: float, cells_bound: int) -> Picked:
        picked = {name: self.candidates[name][option] for name, option in options.items()}
        return Picked(picked, self._total(self._sum(self._costs, options)), error_bound, cells_bound)

    def _total(self, cost: int) -> float:
        return float((cost / _SCALE / len(self.candidates)) ** 0.5)

    @staticmethod
    def _sum(numbers: Numbers, options: Mapping[str, int]) -> int:
        return sum(numbers[name][option] for name, option in options.items())

    def _pick(self, goal: Numbers, limited: Numbers, limit: int) -> tuple[dict[str, int], int] | None:
        """The options with the least sum of `goal` among those whose sum of `limited` is within `limit`.

        And what no such choice is below.
        """
        model = cp_model.CpModel()
        picks = {name: [model.new_bool_var("") for _ in some] for name, some in self.candidates.items()}
        for some in picks.values():
            model.add_exactly_one(some)
        _add_limit(model, _paired(picks, limited), limit)
        pairs = _paired(picks, goal)
        model.minimize(
            cp_model.LinearExpr.weighted_sum([pick for pick, _ in pairs], [number for _, number in pairs])
        )
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
        options = {
            name: [solver.boolean_value(pick) for pick in some].index(True) for name, some in picks.items()
        }
        return options, ceil(solver.best_objective_bound - 1e-6)


def _shares(candidates: Candidates, importance: Mapping[str, float] | None) -> dict[str, float]:
    """The importance of each weight, 1 in the mean."""
    if importance is None:
        return dict.fromkeys(candidates, 1.0)
    for name in candidates:
        value = importance.get(name)
        if value is None:
            raise InputError(f"importance: there is none of weight {name!r}; give one for every weight")
        if not (0 <= value < inf):
            raise InputError(f"importance of weight {name!r} is {value}; it must be finite and at least 0")
    most = max(importance[name] for name in candidates)
    if not most:
        raise InputError("importance is 0 for every weight; it must be above 0 for one at least")
    mean = sum(importance[name] / most for name in candidates) / len(candidates)
    return {name: importance[name] / most / mean for name in candidates}


def _paired(
    picks: Mapping[str, Sequence[cp_model.IntVar]], numbers: Numbers
) -> list[tuple[cp_model.IntVar, int]]:
    return [pair for name, some in picks.items() for pair in zip(some, numbers[name], strict=True)]


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
