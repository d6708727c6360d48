"""A problem: operators made of blocks, and the hardware they are to stand on."""

from __future__ import annotations

import hashlib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr, field_validator, model_validator

from sbdopt.documents import (
    LARGEST_SIZE,
    LARGEST_TIME,
    Document,
    FileDocument,
    Offsets,
    Sizes,
    parse,
    parse_json,
    read_json,
)
from sbdopt.rectangles import first_overlap

Name = Annotated[str, Field(min_length=1)]
Offset = Annotated[int, Field(ge=0, le=LARGEST_SIZE)]
Size = Annotated[int, Field(ge=1, le=LARGEST_SIZE)]
Cycles = Annotated[int, Field(ge=0, le=LARGEST_TIME)]
Fault = Annotated[
    list[Offset],
    Field(min_length=5, max_length=5, description="[array, row, column, height, width]"),
]


class ArrayKind(Document):
    """A kind of crossbar array: its cells, its converters, how many there are, and what is broken."""

    name: Name
    rows: Size
    columns: Size
    adcs: Size = Field(description="Converters shared by the columns of one array.")
    count: Size | None = Field(None, description="How many there are; null: as many as wanted.")
    tiers: Size = Field(1, description="Arrays `a` with the same `a // tiers` share one periphery.")
    faults: list[Fault] = Field(
        default_factory=list, description="Unusable cells; a faulty cell always conducts."
    )

    @model_validator(mode="after")
    def _faults_lie_inside(self) -> Self:
        for array, row, column, height, width in self.faults:
            said = f"fault [{array}, {row}, {column}, {height}, {width}] of array kind {self.name!r}"
            if height < 1 or width < 1:
                raise ValueError(f"{said}: height and width must be at least 1")
            if row + height > self.rows or column + width > self.columns:
                raise ValueError(f"{said} leaves the array of {self.rows} x {self.columns} cells")
            if self.count is not None and array >= self.count:
                raise ValueError(f"{said}: there are only {self.count} arrays of this kind")
        return self

    @property
    def cells(self) -> int:
        """Cells of one array, faulty or not."""
        return self.rows * self.columns


class Hardware(Document):
    """Kinds of arrays, how weights and inputs are sliced, and how long a step takes."""

    arrays: Annotated[list[ArrayKind], Field(min_length=1)]
    columns_per_weight: Size = Field(1, description="Physical columns of one weight.")
    rows_per_phase: Size | None = Field(
        None, description="At most so many wanted rows of one column are summed at a time."
    )
    input_slices: Size = Field(1, description="Bit-serial slices in which an input is driven.")
    settle_cycles: Cycles = 1
    conversion_cycles: Cycles = 1
    conversion_cycles_per_bit: Cycles = 0
    cycle_ns: Annotated[float, Field(gt=0, strict=False)] = Field(
        1.0, description="Length of a cycle, for reports only."
    )

    @field_validator("cycle_ns", mode="before")
    @classmethod
    def _is_a_number(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"is {value!r}; it should be a number")
        return value

    @model_validator(mode="after")
    def _steps_take_time(self) -> Self:
        if self.settle_cycles + self.conversion_cycles + self.conversion_cycles_per_bit == 0:
            raise ValueError(
                "settle_cycles, conversion_cycles and conversion_cycles_per_bit are all 0, so that a step "
                "would take no time; one of them must be at least 1"
            )
        _refuse_twice([kind.name for kind in self.arrays], "array kind")
        return self

    @model_validator(mode="after")
    def _times_fit_64_bits(self) -> Self:
        conversion = self.conversion_cycles + 32 * self.conversion_cycles_per_bit
        for kind in self.arrays:
            phases = 1 if self.rows_per_phase is None else -(-kind.rows // self.rows_per_phase)
            longest = self.input_slices * phases * (self.settle_cycles + kind.columns * conversion)
            if longest > LARGEST_TIME:
                raise ValueError(
                    f"a step on array kind {kind.name!r} could take {longest} cycles; "
                    f"more than {LARGEST_TIME} cannot be counted: take a longer cycle as unit"
                )
        return self

    @property
    def largest(self) -> ArrayKind:
        """The kind of array with the most cells, of equal ones the first."""
        return max(self.arrays, key=lambda kind: kind.cells)


class BlockColumns(Document):
    """The blocks of one operator, a column each of where they begin in the matrix and how large they are."""

    input: Offsets
    output: Offsets
    height: Sizes
    width: Sizes

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        lengths = {name: len(getattr(self, name)) for name in ("input", "output", "height", "width")}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{length} of {name}" for name, length in lengths.items())
            raise ValueError(f"a block needs one value in each column, but there are {said}")
        return self

    def __len__(self) -> int:
        return len(self.input)


class Operator(Document):
    """A crossbar operator (`shape` and `blocks`) or a digital one (`cycles`)."""

    name: Name
    after: list[Name] = Field(default_factory=list, description="Operators that must have finished.")
    input: Name | None = Field(
        None,
        description="The vector it reads; operators that name the same vector read the same values.",
    )
    shape: Annotated[list[Size], Field(min_length=2, max_length=2)] | None = Field(
        None, description="[inputs, outputs] of the matrix."
    )
    blocks: BlockColumns | None = None
    cycles: Cycles | None = None

    @model_validator(mode="after")
    def _blocks_or_cycles(self) -> Self:
        said = f"operator {self.name!r}"
        if (self.blocks is None) == (self.cycles is None):
            have = "neither" if self.blocks is None else "both"
            raise ValueError(f"{said} must have either blocks or cycles, but it has {have}")
        if self.blocks is None:
            if self.shape is not None or self.input is not None:
                raise ValueError(f"{said} is digital (it has cycles), so it takes no shape and no input")
            return self
        if self.shape is None:
            raise ValueError(f"{said} has blocks, so it needs a shape, [inputs, outputs]")
        self._blocks_fit(self.blocks, *self.shape)
        return self

    def _blocks_fit(self, blocks: BlockColumns, inputs: int, outputs: int) -> None:
        for begin, size, end, what in (
            (blocks.input, blocks.height, inputs, "inputs"),
            (blocks.output, blocks.width, outputs, "outputs"),
        ):
            beyond = np.flatnonzero(begin + size > end)
            if len(beyond):
                k = int(beyond[0])
                raise ValueError(
                    f"operator {self.name!r}, block {k} leaves the matrix: it covers {what} {begin[k]} to "
                    f"{begin[k] + size[k] - 1}, but there are only {end}"
                )
        pair = first_overlap(
            np.zeros(len(blocks), dtype=np.int64), blocks.input, blocks.output, blocks.height, blocks.width
        )
        if pair is not None:
            raise ValueError(f"operator {self.name!r}: blocks {pair[0]} and {pair[1]} overlap in the matrix")


class Problem(FileDocument):
    """What is to be mapped, onto which hardware."""

    long = "operators"
    format: Literal["sbdopt/problem@1"] = "sbdopt/problem@1"
    name: Name
    hardware: Hardware
    operators: Annotated[list[Operator], Field(min_length=1)]
    weights: Name | None = Field(None, description="A safetensors file beside the problem.")
    _sha256: str | None = PrivateAttr(None)
    _path: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _operators_make_a_graph(self) -> Self:
        names = [operator.name for operator in self.operators]
        _refuse_twice(names, "operator")
        known = set(names)
        for operator in self.operators:
            for before in operator.after:
                if before not in known:
                    raise ValueError(
                        f"operator {operator.name!r} is after {before!r}, but no operator has that name"
                    )
        sorter = TopologicalSorter({operator.name: operator.after for operator in self.operators})
        try:
            sorter.prepare()
        except CycleError as error:
            circle = " after ".join(repr(name) for name in reversed(error.args[1]))
            raise ValueError(f"operators run in a circle: {circle}") from None
        return self

    @model_validator(mode="after")
    def _blocks_fit_an_array(self) -> Self:
        kinds = self.hardware.arrays
        for operator in self.operators:
            if operator.blocks is None:
                continue
            height, width = operator.blocks.height, operator.blocks.width
            columns = width * self.hardware.columns_per_weight
            fits = np.zeros(len(height), dtype=bool)
            for kind in kinds:
                fits |= (height <= kind.rows) & (columns <= kind.columns)
            if not fits.all():
                k = int(np.flatnonzero(~fits)[0])
                sizes = ", ".join(f"{kind.rows} x {kind.columns} ({kind.name!r})" for kind in kinds)
                raise ValueError(
                    f"operator {operator.name!r}, block {k} takes {height[k]} rows x {columns[k]} columns, "
                    f"but the arrays are {sizes}; split the block or add a larger array"
                )
        return self

    @property
    def sha256(self) -> str:
        """Digest of the bytes of the file it was loaded from, or else of those it would be saved as."""
        return self._sha256 or hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def weights_path(self) -> Path | None:
        """Where the weights lie: beside the problem's file, or in the working directory if it has none."""
        if self.weights is None:
            return None
        return (self._path.parent if self._path else Path()) / self.weights

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read and check a problem file; anything wrong with it is one InputError."""
        path = Path(path)
        data, digest = read_json(path)
        problem = parse(cls, data, str(path))
        problem._sha256, problem._path = digest, path
        return problem

    @classmethod
    def of_bytes(cls, content: bytes, source: str) -> Self:
        """The problem in the bytes of a file, as `load`; errors name `source`."""
        data, digest = parse_json(content, source)
        problem = parse(cls, data, source)
        problem._sha256 = digest
        return problem


def _refuse_twice(names: list[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the name {name!r} is used for more than one {what}; names must be unique")
        seen.add(name)
