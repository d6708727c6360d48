"""The vectors that a program is run with, and the file of what it yields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sbdopt.errors import InputError
from sbdopt.program.document import Program
from sbdopt.weights.store import random_whole
from sbdopt.weights.tensors import FloatArray, Tensor, TensorFile, to_safetensors


def read_inputs(program: Program, path: Path) -> list[FloatArray]:
    """The vectors of a program, (batch, length) each, from a safetensors file.

    A vector that has a name is `input:<vector>`, or, as in a file of reference outputs, `x:<operator>` of one
    that reads all of it; other operators' `x:` must hold the same values. Other tensors are ignored.
    InputError: the file cannot be used, names a vector or operator that there is not, has no values for a
    vector or different ones, or a tensor has the wrong shape.
    """
    file = TensorFile(path)
    _refuse_unknown(program, file)
    vectors: list[FloatArray] = []
    for number, vector in enumerate(program.vectors):
        given = _given(program, file, number)
        whole = next((x for _, x in given if x.shape[1] == vector.length), None)
        readers = [f"'x:{one.name}'" for one in program.operators if one.vector == number]
        if whole is None:
            wanted = [*([] if vector.name is None else [f"'input:{vector.name}'"]), *readers[:1]]
            raise InputError(
                f"{path}: there is no tensor {' or '.join(wanted)} of {vector.length} inputs; "
                "it must be (batch, inputs)"
            )
        for name, x in given:
            if not np.array_equal(x, whole[:, : x.shape[1]]):
                raise InputError(f"{path}: {given[0][0]!r} and {name!r} are the same vector, but they differ")
        if len(whole) != len((vectors or [whole])[0]):
            raise InputError(
                f"{path}: {given[0][0]!r} is a batch of {len(whole)}, but others are of {len(vectors[0])}; "
                "all must be of the same size"
            )
        vectors.append(whole)
    return vectors


def _refuse_unknown(program: Program, file: TensorFile) -> None:
    crossbars = {operator.name for operator in program.operators if operator.shape is not None}
    named = {vector.name for vector in program.vectors}
    for name in file:
        prefix, _, rest = name.partition(":")
        if (prefix == "x" and rest not in crossbars) or (prefix == "input" and rest not in named):
            what = "crossbar operator" if prefix == "x" else "vector"
            raise InputError(f"{file.path}: holds {name!r}, but the program has no {what} {rest!r}")


def _given(program: Program, file: TensorFile, number: int) -> list[tuple[str, FloatArray]]:
    """All that a file says of a vector."""
    vector = program.vectors[number]
    sizes = {} if vector.name is None else {f"input:{vector.name}": vector.length}
    sizes |= {
        f"x:{operator.name}": operator.shape[0]
        for operator in program.operators
        if operator.vector == number and operator.shape is not None
    }
    given = []
    for name in [name for name in sizes if name in file]:
        tensor = file.tensor(name)
        if len(tensor.shape) != 2 or tensor.shape[0] < 1 or tensor.shape[1] != sizes[name]:
            raise InputError(
                f"{file.path}: tensor {name!r} has shape {list(tensor.shape)}; "
                f"it must be (batch, inputs) = [1 or more, {sizes[name]}]"
            )
        given.append((name, tensor.array()))
    return given


def vectors_of(program: Program, inputs: Mapping[str, FloatArray]) -> list[FloatArray]:
    """The vectors of a program from the inputs of its operators, as the simulator is given them.

    Of operators that read the same vector the one that reads most counts; 0 stands for what none reads.
    """
    batch = next((len(x) for x in inputs.values()), 0)
    vectors = [np.zeros((batch, vector.length)) for vector in program.vectors]
    longest = [0] * len(vectors)
    for operator in program.operators:
        if operator.vector is not None and operator.shape is not None:
            count, number = operator.shape[0], operator.vector
            if count > longest[number]:
                vectors[number][:, :count], longest[number] = inputs[operator.name], count
    return vectors


def random_inputs(program: Program, rng: np.random.Generator, *, batch: int = 2) -> list[FloatArray]:
    """Vectors (batch, length) of random whole numbers, none of them zero."""
    return [random_whole(rng, (batch, vector.length)).astype(np.float64) for vector in program.vectors]


def outputs_file(program: Program, inputs: Sequence[FloatArray], outputs: Mapping[str, FloatArray]) -> bytes:
    """A file of reference outputs: `x:<operator>` and `y:<operator>` of crossbar operators, as float64."""
    tensors = {}
    for operator in program.operators:
        if operator.vector is not None and operator.shape is not None:
            x = inputs[operator.vector][:, : operator.shape[0]]
            tensors[f"x:{operator.name}"] = Tensor.of(np.ascontiguousarray(x))
            tensors[f"y:{operator.name}"] = Tensor.of(np.ascontiguousarray(outputs[operator.name]))
    return to_safetensors(tensors)
