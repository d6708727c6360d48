"""Carry a program out: a chip that knows its program and its inputs, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.program.document import Add, Drive, Program, ProgramCells, Read
from sbdopt.program.line import Line
from sbdopt.simulate.array import stuck
from sbdopt.simulate.ranges import ranges
from sbdopt.simulate.slices import add_slices, cut_slices
from sbdopt.weights.tensors import FloatArray, Tensor


def run_program(
    program: Program, cells: Mapping[str, Tensor], inputs: Sequence[FloatArray]
) -> dict[str, FloatArray]:
    """The outputs (batch, outputs) of all crossbar operators, by name.

    `cells` are the images by name, `inputs` the vectors (batch, length), in the order of the program.
    Commands are carried out one after another, so a barrier has nothing to wait for, and digital operators
    compute nothing. What no command yields is 0.
    """
    machine = _Machine(program, cells, inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        for command in program.commands:
            if isinstance(command, ProgramCells):
                machine.program(command)
            elif isinstance(command, Drive):
                machine.drive(command)
            elif isinstance(command, Read | Add):
                machine.read(command)
        return machine.outputs()


def _none() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(eq=False)
class _Array:
    """The cells of an array, and what its rows are driven with."""

    row_of: IntArray = field(default_factory=_none)
    """Row of the array of each row of the image, ascending."""
    column_of: IntArray = field(default_factory=_none)
    image: FloatArray | None = None
    """In the type in which it is stored."""
    rows: IntArray = field(default_factory=_none)
    """Driven rows."""
    elements: IntArray = field(default_factory=_none)


class _Machine:
    def __init__(self, program: Program, cells: Mapping[str, Tensor], inputs: Sequence[FloatArray]) -> None:
        self._program, self._cells, self._hardware = program, cells, program.hardware
        self._arrays: dict[tuple[int, int], _Array] = {}
        self._elements = Line.of([vector.length for vector in program.vectors])
        self._slices = Line.of(
            [
                0 if operator.shape is None else operator.shape[1] * self._hardware.columns_per_weight
                for operator in program.operators
            ]
        )
        self._batch = len(inputs[0]) if inputs else 0
        count = self._hardware.input_slices
        self._drivers = np.zeros((self._elements.total, count * self._batch))
        for number, (vector, x) in enumerate(zip(program.vectors, inputs, strict=True)):
            slices = cut_slices(
                x, count, largest=float(np.abs(x).max()), whole=bool((x == np.trunc(x)).all())
            )
            first = int(self._elements.first[number])
            kept = kept_elements(vector.order, vector.length)
            self._drivers[first : first + vector.length] = np.concatenate(list(slices)).T[kept]
        self._totals = np.zeros((self._slices.total, count * self._batch))

    def program(self, command: ProgramCells) -> None:
        """Write an image."""
        tensor = self._cells[self._program.image_name(command.place)]
        # bfloat16 has no type of its own in numpy.
        image = tensor.array() if tensor.dtype == "BF16" else tensor.stored.reshape(tensor.shape)
        self._arrays[command.place] = _Array(_expanded(command.rows), _expanded(command.columns), image)

    def drive(self, command: Drive) -> None:
        """Drive rows, and no others."""
        array = self._arrays.setdefault(command.place, _Array())
        array.rows, array.elements = _addressed(command.rows, self._elements)

    def read(self, command: Read | Add) -> None:
        """Read columns: every cell on the driven rows conducts."""
        column, target = _addressed(command.columns, self._slices)
        array = self._arrays[command.place]
        conducting = self._conducting(command.place, array, column)
        sums = conducting.T @ self._drivers[array.elements]
        if isinstance(command, Read):
            self._totals[target] = sums
        else:
            np.add.at(self._totals, target, sums)

    def _conducting(self, place: tuple[int, int], array: _Array, column: IntArray) -> FloatArray:
        """The cells where driven rows meet these columns; a faulty cell conducts what it always does."""
        cells = np.zeros((len(array.rows), len(column)))
        if array.image is not None:
            row, down = _found(array.rows, array.row_of)
            across, right = _found(column, array.column_of)
            cells[np.ix_(row, across)] = array.image[np.ix_(down, right)]
        for number, top, left, height, width in self._hardware.arrays[place[0]].faults:
            if number == place[1]:
                row = np.flatnonzero((array.rows >= top) & (array.rows < top + height))
                across = np.flatnonzero((column >= left) & (column < left + width))
                cells[np.ix_(row, across)] = stuck(array.rows[row, None], column[across])
        return cells

    def outputs(self) -> dict[str, FloatArray]:
        """What operators have yielded: the slices of weights and inputs added up, in their own order."""
        result = {}
        slices = self._hardware.columns_per_weight, self._hardware.input_slices
        for number, operator in enumerate(self._program.operators):
            if operator.shape is not None:
                first, count = int(self._slices.first[number]), operator.shape[1]
                mine = self._totals[first : first + count * slices[0]].reshape(count, *slices, self._batch)
                y = np.empty((self._batch, count))
                y[:, kept_elements(operator.order, count)] = add_slices(add_slices(mine)).T
                result[operator.name] = y
        return result


def kept_elements(order: list[list[int]] | None, length: int) -> IntArray:
    """The element that is kept at each position."""
    if order is None:
        return np.arange(length)
    _, count, element = np.array(order, dtype=np.int64).reshape(-1, 3).T
    return ranges(element, element + count)


def _expanded(spans: list[list[int]]) -> IntArray:
    begin, count = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    return ranges(begin, begin + count)


def _addressed(found: list[list[int]], line: Line) -> tuple[IntArray, IntArray]:
    """Rows or columns, and the address of each."""
    begin, count, sequence, place = np.array(found, dtype=np.int64).reshape(-1, 4).T
    address = line.first[sequence] + place
    return ranges(begin, begin + count), ranges(address, address + count)


def _found(wanted: IntArray, there: IntArray) -> tuple[IntArray, IntArray]:
    """Places of the numbers in `wanted` that are `there`, which ascends, and their places there."""
    place = np.searchsorted(there, wanted)
    at = np.flatnonzero(place < len(there))
    at = at[there[place[at]] == wanted[at]]
    return at, place[at]
