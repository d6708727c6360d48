"""Make a problem of the matrices of a trained model, and the weights beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbdopt.documents import BoolArray, parse
from sbdopt.errors import InputError
from sbdopt.fitting import largest_block
from sbdopt.problem import Hardware, Operator, Problem
from sbdopt.structure.find import Structure, cells, find_structure
from sbdopt.structure.plan import LAYOUTS, Plan, PlannedOperator, plan_of, refuse_missing
from sbdopt.weights.checkpoint import Checkpoint
from sbdopt.weights.tensors import Tensor
from sbdopt.weights.writing import StoredOperator, write_store

_CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class Imported:
    """The problem of a model, and what was found in each of its matrices."""

    problem: Problem
    structures: Mapping[str, Structure]
    """By the name of the operator; digital ones have none."""
    dropped: Mapping[str, int]
    """For each operator how many weights were not zero, but no larger than the threshold."""
    _checkpoint: Checkpoint
    _plan: Plan
    _layout: str
    _threshold: float

    def save(self, path: Path) -> Path:
        """Write the weights beside `path` (X.weights.safetensors beside X.json), then the problem to it.

        Returns where the weights are. The model is read a second time, a block at a time.
        """
        target = weights_path(path)
        stored = []
        for planned, operator in zip(self._plan.operators, self.problem.operators, strict=True):
            if operator.blocks is None:
                continue
            tensor = self._checkpoint.tensor(planned.source)
            structure = self.structures[operator.name]
            turned = (planned.layout or self._layout) == "outputs-inputs"
            values = _block_values(tensor, structure, turned, self._threshold)
            stored.append(
                StoredOperator(operator.name, operator.blocks, tensor.dtype, structure.origin, values)
            )
        write_store(target, stored)
        self.problem.model_copy(update={"weights": target.name}).save(path)
        return target


def weights_path(problem: Path) -> Path:
    """Where the weights of an imported problem lie."""
    return problem.with_suffix(".weights.safetensors")


def import_model(
    checkpoint: Checkpoint,
    hardware: Hardware,
    *,
    name: str,
    plan: Plan | None = None,
    layout: str = "outputs-inputs",
    threshold: float = 0.0,
    tile: tuple[int, int] | None = None,
) -> Imported:
    """Find the blocks of every matrix that `plan` names, by default of all; see `find_structure`.

    `layout` says what rows and columns of the matrices are. Weights no larger than `threshold` count as zero,
    and are stored as zero. Of several kinds of arrays the one with the most cells decides how blocks are cut.
    Matrices are read one after another, and none is kept.

    Operators that read the same vector share its rows only where their inputs are left in the same order:
    others get a vector named `vector[operator]`, for the first operator that reads it so.

    InputError: a tensor is missing or no matrix, or holds a number that is not finite; an option that makes
    no sense; or operators that run in a circle.
    """
    if layout not in LAYOUTS:
        raise InputError(
            f"the layout of matrices can be {' or '.join(map(repr, LAYOUTS))}, but not {layout!r}"
        )
    if not 0 <= threshold < np.inf:
        raise InputError(f"the threshold is {threshold}; it must be at least 0, and finite")
    plan = plan_of(checkpoint) if plan is None else plan
    refuse_missing(plan, checkpoint)
    _refuse_order(plan, hardware)
    rows, columns = largest_block(hardware)
    structures: dict[str, Structure] = {}
    dropped: dict[str, int] = {}
    for planned in plan.operators:
        if planned.cycles is not None:
            continue
        nonzero, dropped[planned.name] = _nonzero(checkpoint.tensor(planned.source), threshold)
        if (planned.layout or layout) == "outputs-inputs":
            nonzero = nonzero.T
        structures[planned.name] = find_structure(nonzero, rows, columns, tile=tile)
    problem = _problem(name, hardware, plan, structures)
    return Imported(problem, structures, dropped, checkpoint, plan, layout, threshold)


def _refuse_order(plan: Plan, hardware: Hardware) -> None:
    """Refuse names taken twice, unknown ones and circles, before any matrix is read."""
    operators = [{"name": one.name, "after": one.after, "cycles": 0} for one in plan.operators]
    parse(Problem, {"name": "order", "hardware": hardware, "operators": operators}, "operators")


def _nonzero(tensor: Tensor, threshold: float) -> tuple[BoolArray, int]:
    """Where a matrix, as it is stored, counts as not zero, and how many weights count as zero but are not."""
    nonzero = np.empty(len(tensor), dtype=np.bool_)
    dropped = 0
    for begin in range(0, len(tensor), _CHUNK):
        part = np.abs(tensor.read(begin, begin + _CHUNK))
        nonzero[begin : begin + _CHUNK] = part > threshold
        dropped += int(np.count_nonzero(part)) - int(np.count_nonzero(part > threshold))
    return nonzero.reshape(tensor.shape), dropped


def _block_values(
    tensor: Tensor, structure: Structure, turned: bool, threshold: float
) -> Iterator[npt.NDArray[Any]]:
    """The numbers of each block, in the type in which they are stored."""
    matrix = tensor.stored.reshape(tensor.shape)
    matrix = matrix.T if turned else matrix
    blocks, origin = structure.blocks, structure.origin
    for row, column, height, width in zip(
        blocks.input, blocks.output, blocks.height, blocks.width, strict=True
    ):
        inputs, outputs = origin.inputs[row : row + height], origin.outputs[column : column + width]
        values = np.ascontiguousarray(cells(matrix, inputs, outputs)).reshape(-1)
        if threshold:
            small = np.abs(Tensor(values, values.shape, tensor.dtype).array()) <= threshold
            values = np.where(small, values.dtype.type(0), values)
        yield values


def _problem(name: str, hardware: Hardware, plan: Plan, structures: Mapping[str, Structure]) -> Problem:
    vectors: dict[tuple[str, bytes], str] = {}
    operators = []
    for planned in plan.operators:
        if planned.cycles is not None:
            operators.append(Operator(name=planned.name, after=planned.after, cycles=planned.cycles))
            continue
        structure = structures[planned.name]
        origin = structure.origin
        shape = [len(origin.inputs), len(origin.outputs)]
        operators.append(
            Operator(
                name=planned.name,
                after=planned.after,
                input=_vector(planned, structure, vectors),
                shape=shape,
                blocks=structure.blocks,
            )
        )
    return Problem(name=name, hardware=hardware, operators=operators)


def _vector(
    planned: PlannedOperator, structure: Structure, vectors: dict[tuple[str, bytes], str]
) -> str | None:
    """The name of what the operator reads: it depends on the order in which inputs are left."""
    if planned.input is None:
        return None
    inputs = structure.origin.inputs
    whole = np.array_equal(inputs, np.arange(structure.origin.shape[0]))
    name = planned.input if whole else f"{planned.input}[{planned.name}]"
    return vectors.setdefault((planned.input, b"" if whole else inputs.tobytes()), name)
