"""The three mappings of de Lima et al. (IEEE CCMCC 2025, arXiv 2510.11192): Linear, SparseMap, DenseMap.

All take the first kind of array on which a block fits and of which any are left, leave out arrays with
faults, and yield nothing if the arrays do not suffice that way. Arrays run in parallel; every step begins as
early as its tile and its operators allow.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.diagonals import pack_diagonals
from sbdopt.search.method import Finding, Found
from sbdopt.search.schedule import make_steps, schedule
from sbdopt.search.supply import Supply, healthy_arrays


def linear(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """Every block alone in the corner of an array, in order.

    On the dense form of a model, whose blocks are as large as the arrays, this is the paper's Linear.
    """
    count = len(blocks)
    kind, array = np.full(count, -1), np.zeros(count, dtype=np.int64)
    for number, hardware_kind in enumerate(blocks.hardware.arrays):
        fits = (blocks.height <= hardware_kind.rows) & (blocks.columns <= hardware_kind.columns)
        waiting = np.flatnonzero(fits & (kind < 0))
        arrays = healthy_arrays(hardware_kind, len(waiting))
        waiting = waiting[: len(arrays)]
        kind[waiting], array[waiting] = number, arrays
    if (kind >= 0).all():
        corner = np.zeros(count, dtype=np.int64)
        yield _scheduled(blocks, kind, array, corner, corner, np.arange(count))


def sparsemap(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """For latency: consecutive blocks of one operator on the diagonal of an array, as many as fit.

    They have no row and no column in common and nothing else is there, so they are read in one step.
    """
    supply = Supply(blocks.hardware, len(blocks))
    places: list[tuple[int, int, int, int, int]] = []
    operator = kind = array = row = column = -1
    group = -1
    sizes = zip(blocks.operator.tolist(), blocks.height.tolist(), blocks.columns.tolist(), strict=True)
    for mine, height, width in sizes:
        spacious = operator == mine and _fits(blocks, kind, row + height, column + width)
        if not spacious:
            taken = supply.take(height, width)
            if taken is None:
                return
            operator, (kind, array), row, column, group = mine, taken, 0, 0, group + 1
        places.append((kind, array, row, column, group))
        row, column = row + height, column + width
    yield _scheduled(blocks, *np.array(places, dtype=np.int64).reshape(-1, 5).T)


def _fits(blocks: Blocks, kind: int, rows: int, columns: int) -> bool:
    array = blocks.hardware.arrays[kind]
    return rows <= array.rows and columns <= array.columns


def densemap(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None
) -> Iterator[Finding]:
    """For capacity: several diagonals share an array, see `pack_diagonals`; one block is read at a time.

    A row of a full array crosses blocks of all its diagonals, so two blocks of one diagonal can be read in
    one step only where nothing else stands.
    """
    places = pack_diagonals(blocks, budget)
    if places is not None:
        yield _scheduled(blocks, *places, np.arange(len(blocks)))


def _scheduled(
    blocks: Blocks, kind: IntArray, array: IntArray, row: IntArray, column: IntArray, group: IntArray
) -> Found:
    """The placement in which blocks of the same group are read together, each group as early as can be."""
    steps = make_steps(blocks, kind, array, column, group)
    return Found(Placement(kind, array, row, column, schedule(blocks, steps)))
