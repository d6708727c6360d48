"""A solution: where every block stands and when it is read, as it is written to a file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sbdopt.documents import Document, FileDocument, Positions, Times

Status = Literal["optimal", "feasible", "infeasible", "unknown"]
Count = Annotated[int, Field(ge=0)]


class OperatorPlacement(Document):
    """One entry per block of one operator, in the problem's order."""

    array: Positions
    row: Positions
    column: Positions
    start: Times = Field(description="The cycle in which the block's step begins.")
    kind: Positions | None = Field(
        None, description="Kind of array by its place in hardware.arrays; left out: all are 0."
    )

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        columns = {"array": self.array, "row": self.row, "column": self.column, "start": self.start}
        if self.kind is not None:
            columns["kind"] = self.kind
        if len({len(column) for column in columns.values()}) > 1:
            said = ", ".join(f"{len(column)} of {name}" for name, column in columns.items())
            raise ValueError(f"a block needs one value in each column, but there are {said}")
        return self

    def __len__(self) -> int:
        return len(self.array)


class Metrics(Document):
    """What a solution uses; see the table in the format."""

    arrays: Count | None = None
    unused_cells: Count | None = None
    utilization: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None
    makespan: Count | None = None
    interval: Count | None = None
    steps: Count | None = None
    conversions: Count | None = None
    drives: Count | None = None


class Bounds(Document):
    """Proven lower bounds, by goal; an unknown one is left out."""

    arrays: Count | None = None
    unused_cells: Count | None = None
    makespan: Count | None = None
    interval: Count | None = None


class Solution(FileDocument):
    """The placement of every crossbar operator, what it uses, and what is proven about it."""

    long = "operators"
    format: Literal["sbdopt/solution@1"] = "sbdopt/solution@1"
    problem: str
    problem_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    operators: dict[str, OperatorPlacement]
    metrics: Metrics | None = None
    bounds: Bounds | None = None
    status: Status | None = None
    solver: dict[str, Any] | None = Field(
        None, description="What else a solver wants to say: method, goals, proofs, seconds, seed."
    )

    def value(self, goal: str) -> int | None:
        """The value of a goal; that of one which is no metric of the format stands under `solver`."""
        known = (self.solver or {}) | ({} if self.metrics is None else self.metrics.model_dump())
        value = known.get(goal)
        return value if isinstance(value, int) else None

    def bound(self, goal: str) -> int | None:
        """The proven lower bound of a goal, wherever it stands."""
        said = (self.solver or {}).get("bounds")
        known = {} if self.bounds is None else self.bounds.model_dump()
        value = (known | said if isinstance(said, dict) else known).get(goal)
        return value if isinstance(value, int) else None
