"""A front: the trade-offs of arrays and makespan of a problem, as they are written to a file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sbdopt.documents import Document, FileDocument

Ask = Literal["fewest", "fastest", "limit"]
"""What was looked for: the fewest arrays, the least makespan, or that on a limited number of arrays."""
Seconds = Annotated[float, Field(ge=0, strict=False)]
Count = Annotated[int, Field(ge=0)]


class Point(Document):
    """What was found on a limited number of arrays, and what is proven about it."""

    limit: Count = Field(description="Most arrays that were allowed.")
    arrays: Count
    makespan: Count
    arrays_bound: Count = Field(description="No solution that is as fast has fewer arrays.")
    makespan_bound: Count = Field(description="No solution on no more arrays is faster.")
    limit_bound: Count = Field(description="No solution on as many arrays as were allowed is faster.")
    beaten: bool = Field(description="Another point has no more of both, and less of one.")
    tried: dict[Ask, Seconds | None] = Field(
        description="What was looked for, for how long at most; 0 if interrupted, null: without limit."
    )
    solution: str | None = Field(None, description="File of the solution, seen from this one.")

    @property
    def proven(self) -> bool:
        """Whether no solution beats it."""
        return (self.arrays_bound, self.makespan_bound) == (self.arrays, self.makespan)


class Front(FileDocument):
    """All points that were solved, by limit."""

    long = "points"
    format: Literal["sbdopt/front@1"] = "sbdopt/front@1"
    problem: str
    problem_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    complete: bool = Field(description="Whether it is proven that no trade-off is missing.")
    points: list[Point]

    @property
    def unbeaten(self) -> list[Point]:
        """The points that no other one beats, by arrays."""
        return [point for point in self.points if not point.beaten]
