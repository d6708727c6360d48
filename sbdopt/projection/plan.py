"""A plan: for each weight of a model, of what blocks it is to be made."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sbdopt.documents import Document, FileDocument
from sbdopt.errors import InputError
from sbdopt.models import Form, rectangular_blocks
from sbdopt.monarch import Pattern
from sbdopt.problem import Name, Size

Share = Annotated[float, Field(ge=0, strict=False)]


class Choice(Document):
    """What a weight is made of."""

    shape: Annotated[list[Size], Field(min_length=2, max_length=2)] = Field(description="[inputs, outputs]")
    blocks: Annotated[list[Size], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Blocks of R and of L; null: the weight stays dense."
    )
    rank: Size = 1
    padded: Size | None = Field(None, description="Side of the square that the weight is padded to.")
    error: Share | None = Field(None, description="|W - M| / |W|, or that of outputs, if it is known.")

    @model_validator(mode="after")
    def _pattern_fits(self) -> Self:
        if self.padded is not None and self.padded < max(self.shape):
            raise ValueError(f"padded to {self.padded}, but the weight is {self.shape[0]} x {self.shape[1]}")
        pattern = self.pattern
        try:
            if pattern is not None:
                pattern.slice_shape(*self.stored_shape)
        except InputError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def pattern(self) -> Pattern | None:
        """The blocks of the factors; None: dense."""
        return None if self.blocks is None else Pattern(self.blocks[0], self.blocks[1], self.rank)

    @property
    def stored_shape(self) -> tuple[int, int]:
        """Inputs and outputs with padding."""
        if self.padded is not None:
            return self.padded, self.padded
        return self.shape[0], self.shape[1]

    @property
    def cells(self) -> int:
        """Weights that are stored, with padding."""
        inputs, outputs = self.stored_shape
        return inputs * outputs if self.pattern is None else self.pattern.cells(inputs, outputs)

    def __str__(self) -> str:
        return "dense" if self.pattern is None else str(self.pattern)


class Plan(FileDocument):
    """A choice for each weight of a model."""

    long = "weights"
    format: Literal["sbdopt/plan@1"] = "sbdopt/plan@1"
    model: Name
    weights: dict[Name, Choice]
    design: dict[str, Any] | None = Field(None, description="How the choices came about.")

    @property
    def cells(self) -> int:
        """Weights that are stored."""
        return sum(choice.cells for choice in self.weights.values())

    def refuse_other(self, shapes: Mapping[str, tuple[int, int]]) -> None:
        """Refuse, with InputError, weights that are not those planned for."""
        for name, shape in shapes.items():
            if name not in self.weights:
                raise InputError(
                    f"plan {self.model!r} says nothing of weight {name!r}; make a plan for this model"
                )
            planned = self.weights[name].shape
            if planned != list(shape):
                raise InputError(
                    f"plan {self.model!r}: weight {name!r} is {shape[0]} x {shape[1]}, but planned for "
                    f"{planned[0]} x {planned[1]}; make a plan for this model"
                )
        for name in self.weights:
            if name not in shapes:
                raise InputError(f"plan {self.model!r} names weight {name!r}, which the model does not have")


def uniform_plan(
    model: str,
    shapes: Mapping[str, tuple[int, int]],
    array: tuple[int, int],
    *,
    form: Form = "rectangular",
    blocks: tuple[int, int] | None = None,
    rank: int = 1,
) -> Plan:
    """The same for every weight: `blocks`, or what `form` says.

    *rectangular* takes for each shape the blocks that `models.rectangular_blocks` takes for arrays of rows x
    columns `array`; *square* pads to n x n, n the larger of inputs and outputs, and takes sqrt(n) blocks.
    InputError: a pattern does not fit a weight, n is not a square number.
    """
    chosen: dict[tuple[int, int], Choice] = {}
    for name, shape in shapes.items():
        if shape in chosen:
            continue
        try:
            chosen[shape] = _choice(shape, array, form, blocks, rank)
        except InputError as error:
            raise InputError(f"weight {name!r}, {shape[0]} x {shape[1]}: {error}") from error
    return Plan(model=model, weights={name: chosen[shape] for name, shape in shapes.items()})


def _choice(
    shape: tuple[int, int], array: tuple[int, int], form: Form, blocks: tuple[int, int] | None, rank: int
) -> Choice:
    if blocks is None and form == "dense":
        return Choice(shape=list(shape))
    if blocks is None and form == "square":
        side = isqrt(max(shape))
        if side**2 != max(shape):
            raise InputError(
                f"{max(shape)} is not a square number; take the rectangular form, or name blocks"
            )
        Pattern(side, side, rank).slice_shape(side**2, side**2)
        return Choice(shape=list(shape), blocks=[side, side], rank=rank, padded=side**2)
    p, q = blocks or rectangular_blocks(*shape, *array)
    Pattern(p, q, rank).slice_shape(*shape)
    return Choice(shape=list(shape), blocks=[p, q], rank=rank)
