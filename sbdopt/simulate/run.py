"""Run all arrays, and gather the outputs of all operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import LARGEST_SIZE, IntArray
from sbdopt.placement import Placement
from sbdopt.simulate.array import CellValues, Faults, Standing, run_array
from sbdopt.simulate.slices import add_slices, cut_slices
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
    blocks: Blocks, placement: Placement, weights: Weights, inputs: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    """The outputs (batch, outputs) of all crossbar operators, by name, cell by cell.

    `inputs` are (batch, inputs), by name; operators that read the same vector must be given the same values.

    Each array is programmed block after block: of two blocks on one cell the later counts, and a faulty cell
    keeps a value of its own. Blocks of one array with the same start are one step. It drives the rows of its
    blocks, a row with a single value (of two the later block's), and every cell on them conducts. It reads
    the columns of its blocks, each once a phase, and adds what a column yields to every output, and slice of
    its weights, that one of its blocks has on it. What lies outside its array, or on an array that does not
    exist, is neither programmed nor driven nor read.

    All of this is linear: so the slices of an input are a larger batch, and the power of two by which a slice
    of a weight is scaled is a part of its cells. If all are whole numbers and |x| |W| is below 2**51, nothing
    is ever rounded.
    """
    hardware, operators = blocks.hardware, blocks.problem.operators
    drivers, first_driver = _drivers(blocks, inputs)
    sizes = [0 if operator.shape is None else operator.shape[1] for operator in operators]
    first_target = np.concatenate([[0], np.cumsum(sizes)]) * hardware.columns_per_weight
    totals = np.zeros((first_target[-1], drivers.shape[1]))
    standing = stand(blocks, placement, first_driver, first_target)
    values, faults = cell_values(blocks, weights), _faults(blocks)
    outputs = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for array in standing.runs("kind", "array"):
            broken = faults.get((int(array.kind[0]), int(array.array[0])), _NO_FAULTS)
            run_array(array, Faults(*broken.T), values, drivers, totals, hardware.rows_per_phase)
        for number, operator in enumerate(operators):
            if operator.shape is not None:
                mine = totals[first_target[number] : first_target[number + 1]]
                slices = mine.reshape(sizes[number], hardware.columns_per_weight, hardware.input_slices, -1)
                outputs[operator.name] = add_slices(add_slices(slices)).T
    return outputs


def _drivers(blocks: Blocks, inputs: Mapping[str, FloatArray]) -> tuple[FloatArray, IntArray]:
    """All that rows can be driven with (elements, slices x batch), and where each block's vector begins."""
    longest: dict[int, FloatArray] = {}
    for block in blocks.first[:-1][np.diff(blocks.first) > 0].tolist():
        vector = int(blocks.vector[block])
        x = inputs[blocks.problem.operators[int(blocks.operator[block])].name]
        if vector not in longest or x.shape[1] > longest[vector].shape[1]:
            longest[vector] = x
    count = blocks.hardware.input_slices
    batch = next((len(x) for x in inputs.values()), 0)
    pieces, total = [np.zeros((0, count * batch))], 0
    first = np.zeros(max(longest, default=-1) + 1, dtype=np.int64)
    for vector, x in longest.items():
        slices = cut_slices(x, count, largest=float(np.abs(x).max()), whole=bool((x == np.trunc(x)).all()))
        pieces.append(np.concatenate(list(slices)).T)
        first[vector] = total
        total += x.shape[1]
    return np.concatenate(pieces), first[blocks.vector]


def stand(blocks: Blocks, placement: Placement, first_driver: IntArray, first_target: IntArray) -> Standing:
    """The blocks on arrays that exist, and how much of them lies inside."""
    kinds = blocks.hardware.arrays
    known = (placement.kind >= 0) & (placement.kind < len(kinds))
    kind = np.where(known, placement.kind, 0)
    counts = np.array([LARGEST_SIZE + 1 if one.count is None else one.count for one in kinds])
    exists = np.flatnonzero(known & (placement.array >= 0) & (placement.array < counts[kind]))
    order = exists[np.lexsort((placement.start[exists], placement.array[exists], kind[exists]))]
    kind, row, column = kind[order], placement.row[order], placement.column[order]
    rows, columns = np.array([[one.rows, one.columns] for one in kinds])[kind].T
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
        right=np.clip(column + blocks.columns[order], 0, columns),
        driver=first_driver[order] + blocks.input[order] - row,
        target=first + blocks.output[order] * blocks.hardware.columns_per_weight - column,
    )


def cell_values(blocks: Blocks, weights: Weights) -> CellValues:
    """What the cells of a block are to hold: the slices of one weight side by side."""
    count = blocks.hardware.columns_per_weight
    names = [operator.name for operator in blocks.problem.operators]

    def values(block: int) -> FloatArray:
        own = weights[names[blocks.operator[block]]]
        matrix = own.block(int(blocks.index[block]))
        if count == 1:
            return matrix
        slices = cut_slices(matrix, count, largest=own.tensor.largest, whole=own.tensor.whole)
        return np.stack(list(slices), axis=2).reshape(len(matrix), -1)

    return values


def _faults(blocks: Blocks) -> dict[tuple[int, int], IntArray]:
    """The faults (row, column, height, width) of each kind and array that has any."""
    found: dict[tuple[int, int], list[list[int]]] = {}
    for number, kind in enumerate(blocks.hardware.arrays):
        for array, *place in kind.faults:
            found.setdefault((number, array), []).append(place)
    return {key: np.array(places, dtype=np.int64) for key, places in found.items()}
