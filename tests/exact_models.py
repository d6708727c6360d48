"""The exact model without what makes it fast, to compare with."""

from __future__ import annotations

from dataclasses import dataclass

from ortools.sat.python import cp_model

from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.variables import Variables


@dataclass(frozen=True, eq=False)
class Everywhere(Relations):
    """Blocks may stand on any row and column: no units, no choice of places."""

    @property
    def row_unit(self) -> int:
        return 1

    @property
    def column_unit(self) -> int:
        return 1

    @property
    def row_places(self) -> list[list[int]]:
        rows = max(slot.rows for slot in self.slots)
        return [list(range(max(1, rows - height + 1))) for height in self.blocks.height.tolist()]

    @property
    def column_places(self) -> list[list[int]]:
        columns = max(slot.columns for slot in self.slots)
        return [list(range(max(1, columns - width + 1))) for width in self.blocks.columns.tolist()]


def feasible(variables: Variables) -> bool:
    """Whether the model has any solution."""
    return _solve(variables)[0]


def least(variables: Variables) -> int | None:
    """The least value of what the model minimises, or None if it has no solution."""
    possible, value = _solve(variables)
    return round(value) if possible else None


def _solve(variables: Variables) -> tuple[bool, float]:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(variables.model)
    assert status in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
    return status == cp_model.OPTIMAL, solver.objective_value
