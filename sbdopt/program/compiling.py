"""From a placement to the images of its arrays and the commands of its steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement
from sbdopt.program.addresses import Addresses
from sbdopt.program.document import Command, Program, ProgramCells, ProgramOperator, Vector, image_name
from sbdopt.program.line import runs
from sbdopt.program.steps import steps_of
from sbdopt.program.stream import Stream
from sbdopt.program.transfers import Folding, fold, makers
from sbdopt.simulate.array import Faults, Periphery, Standing, program_cells
from sbdopt.simulate.chip import IDEAL
from sbdopt.simulate.coding import Coding
from sbdopt.simulate.ranges import covered
from sbdopt.simulate.run import cell_values, stand
from sbdopt.weights.store import Weights
from sbdopt.weights.tensors import FloatArray, Tensor, to_safetensors

_NONE: IntArray = np.zeros(0, dtype=np.int64)
_CELL_TYPES = (np.int8, np.int16, np.float32, np.float64)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A program, the file of its cell images, and what its transfers are."""

    program: Program
    cells: bytes
    """The safetensors file."""
    folding: Folding


def compile_program(
    blocks: Blocks, placement: Placement, weights: Weights, *, cells_name: str, seed: int | None = None
) -> Compiled:
    """The program of a placement, whether that is legal or not: it yields what the simulator yields.

    `cells_name` is the name of the file in which the images will lie, beside that of the program; `seed` is
    what the weights were made from, if the problem names none.
    """
    addresses, folding = Addresses.of(blocks), fold(blocks, placement)
    coding = Coding.of(IDEAL.precision, blocks.hardware)
    standing = stand(
        blocks,
        placement,
        coding,
        addresses.elements.first[addresses.vector_of[blocks.operator]],
        addresses.slices.first,
        np.ones(len(blocks.problem.operators), dtype=bool),
    )
    images = dict(_images(blocks, standing, weights, coding))
    cells = to_safetensors({name: tensor for name, (_, tensor) in images.items()})
    positions = _Positions.of(blocks, addresses, folding)
    steps = [step for array in standing.runs("kind", "array") for step in steps_of(blocks, array, addresses)]
    stream = Stream(blocks, addresses, steps, positions.element, positions.slice)
    commands: list[Command] = [command for command, _ in images.values()]
    commands += stream.commands()
    program = Program(
        problem=blocks.problem.name,
        problem_sha256=blocks.problem.sha256,
        seed=seed,
        hardware=blocks.hardware,
        vectors=_vectors(blocks, addresses, folding),
        operators=_operators(blocks, addresses, folding),
        cells=cells_name,
        cells_sha256=hashlib.sha256(cells).hexdigest(),
        commands=commands,
    )
    return Compiled(program, cells, folding)


def _images(
    blocks: Blocks, standing: Standing, weights: Weights, coding: Coding
) -> Iterator[tuple[str, tuple[ProgramCells, Tensor]]]:
    """The image of each array: its cells on all rows and columns that have any."""
    values, healthy = cell_values(blocks, weights, coding), Faults(_NONE, _NONE, _NONE, _NONE)
    periphery = Periphery(IDEAL, coding, None)
    for array in standing.runs("kind", "array"):
        rows, columns = covered(array.top, array.bottom), covered(array.left, array.right)
        if not len(rows) or not len(columns):
            continue
        strip = program_cells(array, healthy, values, rows, columns, periphery)
        kind, number = int(array.kind[0]), int(array.array[0])
        command = ProgramCells(
            array=number, kind=kind or None, rows=_spans(strip.rows), columns=_spans(strip.columns)
        )
        yield image_name(blocks.hardware, (kind, number)), (command, _narrow(strip.cells))


def _spans(places: IntArray) -> list[list[int]]:
    return [[first, count] for first, count, _ in runs(places, places)]


def _narrow(cells: FloatArray) -> Tensor:
    """The cells in the smallest type that holds all of them exactly."""
    for dtype in _CELL_TYPES:
        with np.errstate(invalid="ignore", over="ignore"):
            stored = cells.astype(dtype)
        if np.array_equal(stored, cells):
            return Tensor.of(stored)
    raise AssertionError("float64 holds float64")


@dataclass(frozen=True, eq=False)
class _Positions:
    """Where what has an address is kept: addresses again, in the order that folding chose."""

    element: IntArray
    slice: IntArray

    @classmethod
    def of(cls, blocks: Blocks, addresses: Addresses, folding: Folding) -> _Positions:
        element, piece = np.arange(addresses.elements.total), np.arange(addresses.slices.total)
        count = blocks.hardware.columns_per_weight
        readers = makers(blocks)
        for maker, position in folding.position.items():
            first = int(addresses.elements.first[addresses.vector_of[readers[maker][0]]])
            element[first : first + len(position)] = first + position
            first = int(addresses.slices.first[maker])
            slices = (position[:, None] * count + np.arange(count)).reshape(-1)
            piece[first : first + len(slices)] = first + slices
        return cls(element, piece)


def _order(position: IntArray | None) -> list[list[int]] | None:
    """[position, count, element] of what is kept where, by position."""
    if position is None:
        return None
    element = np.argsort(position)
    return [list(run) for run in runs(np.arange(len(element)), element)]


def _vectors(blocks: Blocks, addresses: Addresses, folding: Folding) -> list[Vector]:
    readers = makers(blocks)
    folded = {
        int(addresses.vector_of[readers[maker][0]]): position for maker, position in folding.position.items()
    }
    return [
        Vector(name=name, length=length, order=_order(folded.get(number)))
        for number, (name, length) in enumerate(zip(addresses.names, addresses.lengths.tolist(), strict=True))
    ]


def _operators(blocks: Blocks, addresses: Addresses, folding: Folding) -> list[ProgramOperator]:
    return [
        ProgramOperator(name=operator.name, cycles=operator.cycles)
        if operator.shape is None
        else ProgramOperator(
            name=operator.name,
            vector=int(addresses.vector_of[number]),
            shape=operator.shape,
            order=_order(folding.position.get(number)),
        )
        for number, operator in enumerate(blocks.problem.operators)
    ]
