"""Run all arrays, and gather the outputs of all operators."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import LARGEST_SIZE, BoolArray, IntArray
from sbdopt.placement import Placement
from sbdopt.simulate.array import CellValues, Faults, Periphery, Standing, rows_summed, run_array
from sbdopt.simulate.chip import IDEAL, Chip
from sbdopt.simulate.coding import Coding
from sbdopt.simulate.converter import Converter
from sbdopt.simulate.precision import Precision
from sbdopt.simulate.slices import add_slices
from sbdopt.solution import Solution
from sbdopt.weights.store import Weights
from sbdopt.weights.tensors import FloatArray

_NO_FAULTS: IntArray = np.zeros((0, 4), dtype=np.int64)


def standing_placement(blocks: Blocks, solution: Solution) -> Placement:
    """The placement of a solution that may leave blocks out: those stand on an array that does not exist.

    Entries for more blocks than an operator has, and for operators that the problem has not, are ignored.
    """
    columns = {field.name: np.full(len(blocks), -1, dtype=np.int64) for field in fields(Placement)}
    for number, operator in enumerate(blocks.problem.operators):
        entry = solution.operators.get(operator.name)
        if entry is None:
            continue
        begin = int(blocks.first[number])
        count = min(len(entry), int(blocks.first[number + 1]) - begin)
        for name, column in columns.items():
            values = getattr(entry, name)
            column[begin : begin + count] = 0 if values is None else values[:count]
    return Placement(**columns)


def simulate(
    blocks: Blocks,
    placement: Placement,
    weights: Weights,
    inputs: Mapping[str, FloatArray],
    *,
    chip: Chip = IDEAL,
    operators: Collection[str] | None = None,
) -> dict[str, FloatArray]:
    """The outputs (batch, outputs) of crossbar operators (left out: all), by name, cell by cell.

    `inputs` are (batch, inputs), by name, of all; operators that read the same vector must be given the same
    values. InputError: the slices of the chip's precision do not fit the hardware.

    Each array is programmed block after block: of two blocks on one cell the later counts, and a faulty cell
    keeps a value of its own. Blocks of one array with the same start are one step. It drives the rows of its
    blocks, a row with a single value (of two the later block's), and every cell on them conducts. It reads
    the columns of its blocks, each once a phase, and adds what a column yields to every output, and slice of
    its weights, that one of its blocks has on it. What lies outside its array, or on an array that does not
    exist, is neither programmed nor driven nor read.

    All of this is linear: so the slices of an input are a larger batch. On the ideal chip the power of two by
    which a slice is scaled is a part of its cells, and all scales are 1: if all are whole numbers and |x| |W|
    is below 2**51, nothing is ever rounded. On others cells hold levels and rows are driven with digits.
    """
    hardware = blocks.hardware
    coding = Coding.of(chip.precision, hardware)
    chosen = {operator.name for operator in blocks.problem.operators if operator.shape is not None}
    chosen &= chosen if operators is None else set(operators)
    drivers, first_driver, units = _drivers(blocks, inputs, coding)
    sizes = [
        operator.shape[1] if operator.shape is not None and operator.name in chosen else 0
        for operator in blocks.problem.operators
    ]
    first_target = np.concatenate([[0], np.cumsum(sizes)]) * len(coding.plane_scales)
    totals = np.zeros((first_target[-1], *drivers.shape[1:]))
    wanted = np.array([operator.name in chosen for operator in blocks.problem.operators])
    standing = stand(blocks, placement, coding, first_driver, first_target, wanted)
    values, faults = cell_values(blocks, weights, coding), _faults(blocks, coding.folded)
    periphery = Periphery(chip, coding, hardware.rows_per_phase)
    with np.errstate(over="ignore", invalid="ignore"):
        for array in standing.runs("kind", "array"):
            broken = faults.get((int(array.kind[0]), int(array.array[0])), _NO_FAULTS)
            run_array(array, Faults(*broken.T), values, drivers, totals, periphery)
        outputs = {
            operator.name: _join(totals[first_target[number] : first_target[number + 1]], coding)
            for number, operator in enumerate(blocks.problem.operators)
            if operator.name in chosen
        }
        if coding.offset:
            _take_off_offset(blocks, standing.part(standing.wanted), outputs, drivers, coding)
        for name, output in outputs.items():
            output *= units.get(name, 1.0) * coding.weight_unit(weights[name].tensor)
    return outputs


@dataclass(frozen=True)
class StepBits:
    """The resolution that a step needs."""

    kind: str
    """Name of the kind of array."""
    array: int
    start: int
    operators: tuple[str, ...]
    rows: int
    """The most rows that one of its columns sums at a time."""
    bits: int
    """ADC bits with which nothing is lost."""


def step_bits(blocks: Blocks, placement: Placement, precision: Precision) -> list[StepBits]:
    """What each step needs; nothing if weights or inputs are not rounded, so that no resolution is enough."""
    if precision.weight_bits is None or precision.input_bits is None:
        return []
    hardware, operators = blocks.hardware, blocks.problem.operators
    nothing = np.zeros(max(len(blocks), len(operators)), dtype=np.int64)
    coding = Coding.of(precision, hardware)
    standing = stand(blocks, placement, coding, nothing[: len(blocks)], nothing, nothing == 0)
    needed = []
    for step in standing.runs("kind", "array", "start"):
        rows = rows_summed(step, hardware.rows_per_phase)
        names = dict.fromkeys(operators[number].name for number in blocks.operator[step.block].tolist())
        kind = hardware.arrays[int(step.kind[0])].name
        place = (kind, int(step.array[0]), int(step.start[0]))
        needed.append(StepBits(*place, tuple(names), rows, Converter(precision, rows).bits))
    return needed


def _join(sums: FloatArray, coding: Coding) -> FloatArray:
    """Outputs (batch, outputs) in units, from what was read: (outputs x planes, slices of inputs, batch)."""
    count = len(coding.plane_scales)
    split = sums.reshape(len(sums) // count, count, *sums.shape[1:])
    planes = add_slices(split * coding.plane_scales[:, None, None])
    return add_slices(planes * coding.slice_scales[:, None]).T


def _take_off_offset(
    blocks: Blocks,
    standing: Standing,
    outputs: Mapping[str, FloatArray],
    drivers: FloatArray,
    coding: Coding,
) -> None:
    """Subtract from outputs (in units) what the offset of all weights of each block has added."""
    inputs = add_slices(drivers * coding.slice_scales[:, None])
    sums = np.concatenate([np.zeros((1, inputs.shape[1])), np.cumsum(inputs, axis=0)])
    # Of a block that lies outside its array there are no rows: both ends are the same, wherever that is.
    begin, end = (np.clip(standing.driver + edge, 0, len(inputs)) for edge in (standing.top, standing.bottom))
    added = coding.offset * (sums[end] - sums[begin])
    for block, amount in zip(standing.block.tolist(), added, strict=True):
        output = outputs[blocks.problem.operators[int(blocks.operator[block])].name]
        first = int(blocks.output[block])
        output[:, first : first + int(blocks.width[block])] -= amount[:, None]


def _drivers(
    blocks: Blocks, inputs: Mapping[str, FloatArray], coding: Coding
) -> tuple[FloatArray, IntArray, dict[str, float]]:
    """All that rows can be driven with (elements, slices, batch), and where each block's vector begins.

    The third is the unit of the vector that each operator reads.
    """
    longest: dict[int, FloatArray] = {}
    readers: dict[str, int] = {}
    for block in blocks.first[:-1][np.diff(blocks.first) > 0].tolist():
        vector = int(blocks.vector[block])
        name = blocks.problem.operators[int(blocks.operator[block])].name
        x = inputs[name]
        readers[name] = vector
        if vector not in longest or x.shape[1] > longest[vector].shape[1]:
            longest[vector] = x
    batch = next((len(x) for x in inputs.values()), 0)
    pieces, total = [np.zeros((0, len(coding.slice_scales), batch))], 0
    first = np.zeros(max(longest, default=-1) + 1, dtype=np.int64)
    for vector, x in longest.items():
        pieces.append(np.stack(coding.digits(x)).transpose(2, 0, 1))
        first[vector] = total
        total += x.shape[1]
    units = {name: coding.input_unit(longest[vector]) for name, vector in readers.items()}
    return np.concatenate(pieces), first[blocks.vector], units


def stand(
    blocks: Blocks,
    placement: Placement,
    coding: Coding,
    first_driver: IntArray,
    first_target: IntArray,
    wanted: BoolArray,
) -> Standing:
    """The blocks on arrays that exist, and how much of them lies inside.

    Where a weight is folded, each of its columns is as many physical ones.
    """
    kinds = blocks.hardware.arrays
    known = (placement.kind >= 0) & (placement.kind < len(kinds))
    kind = np.where(known, placement.kind, 0)
    counts = np.array([LARGEST_SIZE + 1 if one.count is None else one.count for one in kinds])
    exists = np.flatnonzero(known & (placement.array >= 0) & (placement.array < counts[kind]))
    order = exists[np.lexsort((placement.start[exists], placement.array[exists], kind[exists]))]
    kind, row, column = kind[order], placement.row[order], placement.column[order] * coding.folded
    rows, columns = np.array([[one.rows, one.columns * coding.folded] for one in kinds])[kind].T
    first = first_target[blocks.operator[order]]
    return Standing(
        block=order,
        kind=kind,
        array=placement.array[order],
        start=placement.start[order],
        row=row,
        column=column,
        top=np.clip(row, 0, rows),
        bottom=np.clip(row + blocks.height[order], 0, rows),
        left=np.clip(column, 0, columns),
        right=np.clip(column + blocks.columns[order] * coding.folded, 0, columns),
        driver=first_driver[order] + blocks.input[order] - row,
        target=first + blocks.output[order] * len(coding.plane_scales) - column,
        wanted=wanted[blocks.operator[order]],
    )


def cell_values(blocks: Blocks, weights: Weights, coding: Coding) -> CellValues:
    """What the cells of a block are to hold: the slices of one weight side by side."""
    names = [operator.name for operator in blocks.problem.operators]

    def values(block: int) -> FloatArray:
        own = weights[names[blocks.operator[block]]]
        return coding.levels(own.block(int(blocks.index[block])), own)

    return values


def _faults(blocks: Blocks, folded: int) -> dict[tuple[int, int], IntArray]:
    """The faults (row, column, height, width) of each kind and array that has any."""
    found: dict[tuple[int, int], list[list[int]]] = {}
    for number, kind in enumerate(blocks.hardware.arrays):
        for array, row, column, height, width in kind.faults:
            place = [row, column * folded, height, width * folded]
            found.setdefault((number, array), []).append(place)
    return {key: np.array(places, dtype=np.int64) for key, places in found.items()}
