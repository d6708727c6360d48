"""Which pattern to use how often: the linear and the integer program over the patterns that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from sbdopt.documents import FloatArray, IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.patterns.guillotine import Places
from sbdopt.search.patterns.supplies import Supply

_TINY = 1e-6
_NODES = 5_000
_MOST_WORK = 2.0
"""Of one integer program, in units of work."""
_WORK_OF_NODE = 1e-4
_WORK = 1e-7
"""Units of work of a node, and of each number in the matrix: about the seconds that they take."""


@dataclass(frozen=True)
class Pattern:
    """Rectangles that stand together on an array of a supply."""

    supply: int
    places: Places


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The best fractional use of the patterns."""

    cost: float
    use: FloatArray
    values: FloatArray
    """What one more rectangle of each size would cost."""
    rents: FloatArray
    """What one more array of each supply would save."""


@dataclass(eq=False)
class Master:
    """Least cost of arrays such that the patterns used hold `wanted` rectangles of each size.

    `cost` is that of an array of each supply; supplies have their counts.
    """

    supplies: Sequence[Supply]
    cost: FloatArray
    wanted: IntArray
    patterns: list[Pattern] = field(default_factory=list)
    amounts: list[IntArray] = field(default_factory=list)
    _seen: set[tuple[int, bytes]] = field(default_factory=set)

    def add(self, supply: int, places: Places) -> bool:
        """Add a pattern; whether there was none that holds the same."""
        amount = np.bincount([size for size, _, _ in places], minlength=len(self.wanted))
        key = supply, amount.tobytes()
        if not places or key in self._seen:
            return False
        self._seen.add(key)
        self.patterns.append(Pattern(supply, places))
        self.amounts.append(amount)
        return True

    def _costs(self) -> FloatArray:
        costs: FloatArray = self.cost[[pattern.supply for pattern in self.patterns]]
        return costs

    def _holds(self) -> csr_array:
        """Rows: sizes; columns: patterns."""
        return csr_array(np.array(self.amounts).T)

    def _limits(self) -> tuple[csr_array, FloatArray]:
        """Rows: supplies, of which only those with a count are limited."""
        supply = np.array([pattern.supply for pattern in self.patterns])
        limited = [s for s, one in enumerate(self.supplies) if one.count is not None]
        rows = csr_array((supply[None, :] == np.array(limited, dtype=np.int64)[:, None]).astype(np.int64))
        return rows, np.array([self.supplies[s].count for s in limited], dtype=np.float64)

    def relax(self) -> Relaxed:
        """The linear program. A rectangle may be left out at more than any array costs."""
        sizes = len(self.wanted)
        holds, (limits, counts) = self._holds(), self._limits()
        leave_out = np.full(sizes, 2 * float(self.cost.max()))
        matrix = vstack(
            [
                csr_array(np.hstack([-holds.toarray(), -np.eye(sizes)])),
                csr_array(np.hstack([limits.toarray(), np.zeros((len(counts), sizes))])),
            ]
        )
        result = linprog(
            np.concatenate([self._costs(), leave_out]),
            A_ub=matrix,
            b_ub=np.concatenate([-self.wanted, counts]),
            method="highs",
        )
        dual = -result.ineqlin.marginals
        rents = np.zeros(len(self.supplies))
        limited = [s for s, one in enumerate(self.supplies) if one.count is not None]
        rents[limited] = dual[sizes:]
        return Relaxed(float(result.fun), result.x[: len(self.patterns)], dual[:sizes], rents)

    def choose(self, relaxed: float, least: float, budget: Budget) -> IntArray | None:
        """How often to use each pattern, in whole numbers: the best that is found, if any.

        `least` is a cost that cannot be beaten, `relaxed` that of the linear program. The search ends after
        so many nodes, or with the budget.
        """
        limits, counts = self._limits()
        costs = self._costs()
        constraints = [LinearConstraint(self._holds(), lb=self.wanted)]
        if least > np.ceil(
            relaxed - _TINY
        ):  # else it says nothing new, and makes good solutions hard to find
            constraints.append(LinearConstraint(csr_array(costs[None, :]), lb=least))
        if len(counts):
            constraints.append(LinearConstraint(limits, ub=counts))
        work = _WORK_OF_NODE + _WORK * len(costs) * len(self.wanted)
        left = budget.remaining_work
        nodes = min(_MOST_WORK, float("inf") if left is None else left) / work
        options = {"node_limit": max(1, int(min(_NODES, nodes))), "mip_rel_gap": 0.0}
        if np.isfinite(budget.remaining):
            options["time_limit"] = max(budget.remaining, 0.01)
        result = milp(costs, integrality=np.ones(len(costs)), constraints=constraints, options=options)
        budget.spent += work * max(1, result.mip_node_count or 0)
        if result.x is None:
            return None
        use: IntArray = np.round(result.x).astype(np.int64)
        return use
