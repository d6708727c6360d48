"""Which tensors of a model become operators, and in which order they run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from sbdopt.documents import Document, FileDocument
from sbdopt.errors import InputError
from sbdopt.problem import Cycles, Name
from sbdopt.weights.checkpoint import Checkpoint

Layout = Literal["outputs-inputs", "inputs-outputs"]
"""What the rows and the columns of a stored matrix are; PyTorch's Linear stores [outputs, inputs]."""
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
After = Literal["chain", "none"]
"""Each operator after the one before it, or all at once."""
AFTERS: tuple[After, ...] = get_args(After)


class PlannedOperator(Document):
    """A crossbar operator made from a tensor, or a digital one (`cycles`)."""

    name: Name
    tensor: Name | None = Field(None, description="The tensor; none: the one with the operator's name.")
    layout: Layout | None = Field(None, description="Of this tensor, if it is not that of the others.")
    after: list[Name] = Field(default_factory=list, description="Operators that must have finished.")
    input: Name | None = Field(None, description="The vector it reads.")
    cycles: Cycles | None = None

    @model_validator(mode="after")
    def _tensor_or_cycles(self) -> Self:
        if self.cycles is not None and (self.tensor or self.layout or self.input):
            raise ValueError(
                f"operator {self.name!r} is digital (it has cycles), so it takes no tensor, layout or input"
            )
        return self

    @property
    def source(self) -> str:
        """The name of its tensor."""
        return self.tensor or self.name


class Plan(FileDocument):
    """The operators to be made, as in a problem, with `tensor` in place of `shape` and `blocks`."""

    operators: Annotated[list[PlannedOperator], Field(min_length=1)]


def plan_of(
    checkpoint: Checkpoint, *, only: Sequence[str] = (), skip: Sequence[str] = (), after: str = "chain"
) -> Plan:
    """An operator for each matrix of floats, in the order of their names, numbers in them counted as such.

    `only` and `skip` are patterns of names (`*.query.weight`); what `only` names may be a matrix of integers
    as well. InputError: a pattern that fits no tensor, or nothing is left.
    """
    if after not in AFTERS:
        raise InputError(f"operators can run after {' or '.join(map(repr, AFTERS))}, but not {after!r}")
    names = list(checkpoint)
    for pattern in (*only, *skip):
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(f"{checkpoint.path}: no tensor fits {pattern!r}; it holds {_some(names)}")
    chosen = [
        name
        for name in names
        if len(checkpoint.shape(name)) == 2
        and (any(fnmatchcase(name, one) for one in only) if only else "F" in checkpoint.dtype(name))
        and not any(fnmatchcase(name, one) for one in skip)
    ]
    if not chosen:
        raise InputError(f"{checkpoint.path}: no matrix is left; it holds {_some(names)}")
    chosen.sort(key=_natural)
    before: list[list[str]] = (
        [[], *([name] for name in chosen[:-1])] if after == "chain" else [[]] * len(chosen)
    )
    return Plan(
        operators=[PlannedOperator(name=name, after=ones) for name, ones in zip(chosen, before, strict=True)]
    )


def refuse_missing(plan: Plan, checkpoint: Checkpoint) -> None:
    """Refuse, with InputError, a plan with a tensor that is not there or is no matrix."""
    for operator in plan.operators:
        name = operator.source
        if operator.cycles is not None:
            continue
        if name not in checkpoint:
            raise InputError(
                f"{checkpoint.path}: there is no tensor {name!r} for operator {operator.name!r}; "
                f"it holds {_some(list(checkpoint))}"
            )
        shape = checkpoint.shape(name)
        if len(shape) != 2 or 0 in shape:
            raise InputError(
                f"{checkpoint.path}: tensor {name!r} of operator {operator.name!r} has shape {list(shape)}; "
                "it must be a matrix"
            )


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts `layer.10` behind `layer.9`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:5])) or "no tensor"
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")
