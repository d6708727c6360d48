"""Reference outputs of operators, and the inputs that operators are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbdopt.errors import InputError
from sbdopt.problem import Operator, Problem
from sbdopt.weights.store import LARGEST_MADE, random_whole
from sbdopt.weights.tensors import FloatArray, Tensor, TensorFile


@dataclass(frozen=True, eq=False)
class Reference:
    """What an operator is to yield for which inputs."""

    x: Tensor
    """(batch, inputs)"""
    y: Tensor
    """(batch, outputs)"""


References = Mapping[str, Reference]
"""By the name of the operator; operators that are not to be compared are left out."""


def read_references(problem: Problem, path: Path) -> References:
    """Reference inputs and outputs from a safetensors file: `x:<operator>` and `y:<operator>`.

    InputError: the problem names no weights, the file cannot be used (see `TensorFile`) or names no operator,
    an operator is unknown, digital or lacks x or y, a tensor has the wrong shape, or two operators that read
    the same vector are given different inputs.
    """
    if problem.weights is None:
        raise InputError(
            f"{path}: problem {problem.name!r} names no weights, so that outputs cannot be compared with a "
            "reference; name a safetensors file under 'weights' in the problem"
        )
    file = TensorFile(path)
    operators = {operator.name: operator for operator in problem.operators}
    names = dict.fromkeys(name[2:] for name in file if name.startswith(("x:", "y:")))
    if not names:
        raise InputError(f"{path}: names no operator; it must hold tensors 'x:<operator>' and 'y:<operator>'")
    references = {}
    for name in names:
        if name not in operators:
            raise InputError(f"{path}: holds a reference for {name!r}, but the problem has no such operator")
        references[name] = _read_reference(file, operators[name])
    _refuse_different_inputs(problem, references, path)
    return references


def _read_reference(file: TensorFile, operator: Operator) -> Reference:
    name = operator.name
    if operator.shape is None:
        raise InputError(f"{file.path}: holds a reference for {name!r}, which is digital: it has no weights")
    for present, missing in (("x", "y"), ("y", "x")):
        if f"{missing}:{name}" not in file:
            raise InputError(f"{file.path}: holds '{present}:{name}', but no '{missing}:{name}'")
    x, y = file.tensor(f"x:{name}"), file.tensor(f"y:{name}")
    for tensor, what, size, said in (
        (x, "x", operator.shape[0], "inputs"),
        (y, "y", operator.shape[1], "outputs"),
    ):
        if len(tensor.shape) != 2 or tensor.shape[0] < 1 or tensor.shape[1] != size:
            raise InputError(
                f"{file.path}: tensor '{what}:{name}' has shape {list(tensor.shape)}; "
                f"it must be (batch, {said}) = [1 or more, {size}]"
            )
    if x.shape[0] != y.shape[0]:
        raise InputError(
            f"{file.path}: 'x:{name}' is a batch of {x.shape[0]}, but 'y:{name}' one of {y.shape[0]}; "
            "they must be of the same size"
        )
    return Reference(x, y)


def _refuse_different_inputs(problem: Problem, references: References, path: Path) -> None:
    """Operators that name the same vector read the same values, as far as both read it."""
    longest: dict[str, str] = {}
    given = [operator for operator in problem.operators if operator.name in references]
    for operator in sorted(given, key=lambda operator: -references[operator.name].x.shape[1]):
        if operator.input is None:
            continue
        other = longest.setdefault(operator.input, operator.name)
        x, whole = references[operator.name].x.array(), references[other].x.array()
        if not np.array_equal(x, whole[:, : x.shape[1]]):
            raise InputError(
                f"{path}: operators {other!r} and {operator.name!r} both read vector {operator.input!r}, "
                f"but 'x:{other}' and 'x:{operator.name}' differ; they must be equal"
            )


def make_inputs(
    problem: Problem,
    rng: np.random.Generator,
    *,
    references: References | None = None,
    batch: int = 2,
    largest: int = LARGEST_MADE,
) -> dict[str, FloatArray]:
    """Inputs (batch, inputs) of every crossbar operator: random whole numbers up to `largest`, none 0.

    Operators that read the same vector get the same values. With `references` their x is taken instead; all
    inputs then have the largest of their batches, and random values fill up the smaller ones.
    """
    references = references or {}
    if references:
        batch = max(reference.x.shape[0] for reference in references.values())
    crossbars = [
        (operator, operator.shape[0], (operator.input is None, operator.input or operator.name))
        for operator in problem.operators
        if operator.shape is not None
    ]
    lengths: dict[tuple[bool, str], int] = {}
    for _, inputs, vector in crossbars:
        lengths[vector] = max(inputs, lengths.get(vector, 0))
    vectors = {
        vector: random_whole(rng, (batch, length), largest).astype(np.float64)
        for vector, length in lengths.items()
    }
    for operator, inputs, vector in crossbars:
        if operator.name in references:
            x = references[operator.name].x.array()
            vectors[vector][: len(x), :inputs] = x
    return {operator.name: vectors[vector][:, :inputs] for operator, inputs, vector in crossbars}
