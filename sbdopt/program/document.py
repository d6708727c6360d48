"""A program as it is written to a file: the tables that commands refer to, and the commands."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sbdopt.documents import Document, FileDocument
from sbdopt.problem import Cycles, Hardware, Name, Offset, Size

Time = int
"""A cycle; steps of solutions that are not legal may begin before 0."""
Two = Annotated[list[Offset], Field(min_length=2, max_length=2)]
Three = Annotated[list[Offset], Field(min_length=3, max_length=3)]
Four = Annotated[list[Offset], Field(min_length=4, max_length=4)]


class Vector(Document):
    """What rows are driven with."""

    name: Name | None = Field(None, description="Its name in the problem; none if one operator reads it.")
    length: Size
    order: list[Three] | None = Field(
        None, description="[position, count, element]: where elements are kept; left out: each in its place."
    )


class ProgramOperator(Document):
    """A crossbar operator (`vector` and `shape`) or a digital one (`cycles`)."""

    name: Name
    vector: Offset | None = Field(None, description="The vector it reads, by its place in the table.")
    shape: Two | None = Field(None, description="[inputs, outputs]")
    order: list[Three] | None = Field(None, description="[position, count, output], as of a vector.")
    cycles: Cycles | None = None

    @model_validator(mode="after")
    def _crossbar_or_digital(self) -> Self:
        crossbar = self.vector is not None and self.shape is not None
        digital = self.vector is None and self.shape is None and self.order is None
        if not (crossbar if self.cycles is None else digital):
            raise ValueError(f"operator {self.name!r} must have either vector and shape, or cycles")
        return self


class _OnArray(Document):
    op: str
    array: Offset
    kind: Offset | None = Field(None, description="By its place in hardware.arrays; left out: 0.")

    @property
    def place(self) -> tuple[int, int]:
        """Kind and number of the array."""
        return self.kind or 0, self.array


class ProgramCells(_OnArray):
    """Write cells; all others of the array are empty."""

    op: Literal["program"] = "program"
    rows: list[Two] = Field(description="[row, count] of the rows of the image, ascending.")
    columns: list[Two] = Field(description="[column, count] of its columns, ascending.")


class Drive(_OnArray):
    """Drive these rows, and no others, of an array."""

    op: Literal["drive"] = "drive"
    at: Time
    rows: list[Four] = Field(description="[row, count, vector, position]")


class Read(_OnArray):
    """Read columns, and replace output elements by what they yield."""

    op: Literal["read"] = "read"
    at: Time
    columns: list[Four] = Field(
        description="[column, count, operator, position * columns_per_weight + slice]"
    )


class Add(_OnArray):
    """Read columns, and add what they yield to output elements."""

    op: Literal["add"] = "add"
    at: Time
    columns: list[Four] = Field(
        description="[column, count, operator, position * columns_per_weight + slice]"
    )


class Barrier(Document):
    """An operator must not begin before others have finished."""

    op: Literal["barrier"] = "barrier"
    at: Time
    operator: Offset
    after: list[Offset]


class Digital(Document):
    """Start a digital operator, which takes the cycles of its entry."""

    op: Literal["digital"] = "digital"
    at: Time
    operator: Offset


Command = Annotated[ProgramCells | Drive | Read | Add | Barrier | Digital, Field(discriminator="op")]


class Program(FileDocument):
    """All that a chip needs but the cell images, which lie in a file beside it; see docs/program.md."""

    long = "commands"
    format: Literal["sbdopt/program@1"] = "sbdopt/program@1"
    problem: str
    problem_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    seed: Offset | None = Field(None, description="What weights were made from if the problem names none.")
    hardware: Hardware
    vectors: list[Vector]
    operators: list[ProgramOperator]
    cells: Name = Field(description="A safetensors file beside the program.")
    cells_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    commands: list[Command]

    def image_name(self, place: tuple[int, int]) -> str:
        """The name of the tensor that holds the image of an array."""
        return image_name(self.hardware, place)


def image_name(hardware: Hardware, place: tuple[int, int]) -> str:
    """The name of the tensor that holds the image of an array."""
    return f"{hardware.arrays[place[0]].name}/{place[1]}"
