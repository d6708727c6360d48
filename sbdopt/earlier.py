"""What an earlier solution is worth for a problem: of the same problem, or of one changed since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray
from sbdopt.errors import InputError
from sbdopt.judge import judge
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.rectangles import overlapping_intervals
from sbdopt.search.budget import Budget
from sbdopt.search.repair import repaired
from sbdopt.solution import Solution
from sbdopt.standing import Standing


def start_of(problem: Problem, solution: Solution, budget: Budget) -> Placement | None:
    """A start for `solve`: the solution as it is if it is legal for the problem, else repaired.

    Of the blocks that cannot stand where it puts them - they do not fit, are new, overlap - each is placed
    anew, and all are scheduled anew. None if there is no room or no time for that.
    """
    blocks = Blocks.of(problem)
    if judge(blocks, solution).legal:
        return Placement.read(blocks, solution)
    blocks = replace(blocks, standing=standing_of(problem, solution))
    return next((found.placement for found in repaired(blocks, budget)), None)


def standing_of(problem: Problem, solution: Solution, was: Problem | None = None) -> Standing:
    """The blocks of the problem that stand where the solution has put them, and can stay there.

    Blocks are matched by the name of their operator and their index in it. `was` is the problem that the
    solution is of: what had another size there stands nowhere, and kinds of array are matched by name.
    Without it every block is taken to have had its size; of blocks that overlap so, those that overlap most
    others are taken to be the ones that have changed. Raises InputError if `was` is another problem.
    """
    if was is not None and was.sha256 != solution.problem_sha256:
        raise InputError(
            f"the kept solution is not of problem {was.name!r}: it is for {solution.problem!r} with SHA-256 "
            f"{solution.problem_sha256[:12]}..., but that problem has {was.sha256[:12]}..."
        )
    blocks = Blocks.of(problem)
    table = _matched(blocks, solution)
    same = np.ones(len(blocks), dtype=bool)
    if was is not None:
        same = _same_size(blocks, Blocks.of(was))
        table[0] = _kinds_now(problem, was)[np.clip(table[0], -1, len(was.hardware.arrays))]
    fits = _inside(blocks, table)
    fits &= ~_on_faults(blocks, table, fits)
    fits &= ~_overlapping(blocks, table, fits, same)
    kind, array, row, column = table
    return Standing(kind, array, row, column, stands=fits & same, fits=fits)


def _matched(blocks: Blocks, solution: Solution) -> IntArray:
    """Kind, array, row and column of every block in the solution; -1 for one that is not in it."""
    table = np.full((4, len(blocks)), -1, dtype=np.int64)
    for number, operator in enumerate(blocks.problem.operators):
        entry = solution.operators.get(operator.name)
        if operator.blocks is None or entry is None:
            continue
        count = min(len(operator.blocks), len(entry))
        here = slice(int(blocks.first[number]), int(blocks.first[number]) + count)
        kind = np.zeros(count, dtype=np.int64) if entry.kind is None else entry.kind[:count]
        table[:, here] = np.stack([kind, entry.array[:count], entry.row[:count], entry.column[:count]])
    return table


def _same_size(blocks: Blocks, was: Blocks) -> BoolArray:
    """Blocks that had the same height and columns."""
    numbers = {operator.name: number for number, operator in enumerate(was.problem.operators)}
    same = np.zeros(len(blocks), dtype=bool)
    for number, operator in enumerate(blocks.problem.operators):
        before = numbers.get(operator.name)
        if operator.blocks is None or before is None:
            continue
        new, old = int(blocks.first[number]), int(was.first[before])
        count = min(len(operator.blocks), int(was.first[before + 1]) - old)
        here, there = slice(new, new + count), slice(old, old + count)
        same[here] = (blocks.height[here] == was.height[there]) & (blocks.columns[here] == was.columns[there])
    return same


def _kinds_now(problem: Problem, was: Problem) -> IntArray:
    """For each kind of the old problem its number now, or -1; at the end -1 twice, for unknown kinds."""
    names = [kind.name for kind in problem.hardware.arrays]
    now = [names.index(kind.name) if kind.name in names else -1 for kind in was.hardware.arrays]
    return np.array([*now, -1, -1], dtype=np.int64)


def _inside(blocks: Blocks, table: IntArray) -> BoolArray:
    """Blocks that lie inside an array that exists."""
    kinds = blocks.hardware.arrays
    exists = (table[0] >= 0) & (table[0] < len(kinds)) & (table[1] >= 0)
    kind = np.where(exists, table[0], 0)
    rows, columns = (np.array([getattr(one, name) for one in kinds])[kind] for name in ("rows", "columns"))
    unlimited = np.iinfo(np.int64).max
    count = np.array([unlimited if one.count is None else one.count for one in kinds])[kind]
    inside = (table[2] >= 0) & (table[2] + blocks.height <= rows)
    inside &= (table[3] >= 0) & (table[3] + blocks.columns <= columns)
    fits: BoolArray = exists & (table[1] < count) & inside
    return fits


def _on_faults(blocks: Blocks, table: IntArray, fits: BoolArray) -> BoolArray:
    """Of the blocks that fit those that cover a faulty cell."""
    faults = np.array(
        [(number, *fault) for number, kind in enumerate(blocks.hardware.arrays) for fault in kind.faults],
        dtype=np.int64,
    ).reshape(-1, 6)
    some = np.flatnonzero(fits)
    covering = np.zeros(len(blocks), dtype=bool)
    for one, _ in _meetings(_rectangles(blocks, table, some), faults):
        covering[some[one]] = True
    return covering


def _overlapping(blocks: Blocks, table: IntArray, fits: BoolArray, same: BoolArray) -> BoolArray:
    """Of the blocks that fit those to take away, so that no two overlap.

    Rather what has changed than what has not, then what overlaps many others, then what is large.
    """
    some = np.flatnonzero(fits)
    gone = np.zeros(len(blocks), dtype=bool)
    rectangles = _rectangles(blocks, table, some)
    cells = blocks.height * blocks.columns
    for one, two in _meetings(rectangles, rectangles):
        pairs = some[np.stack([one, two])[:, one != two]]
        pairs = pairs[:, ~gone[pairs].any(axis=0)]
        others: dict[int, set[int]] = {}
        for a, b in pairs.T.tolist():
            others.setdefault(a, set()).add(b)
            others.setdefault(b, set()).add(a)
        kept: set[int] = set()
        for block in sorted(others, key=lambda b: (not same[b], len(others[b]), int(cells[b]), b)):
            if kept.isdisjoint(others[block]):
                kept.add(block)
            else:
                gone[block] = True
    return gone


def _rectangles(blocks: Blocks, table: IntArray, some: IntArray) -> IntArray:
    """Kind, array, row, column, height and columns of some blocks, a row each."""
    return np.stack([*table, blocks.height, blocks.columns], axis=1)[some]


def _meetings(rectangles: IntArray, others: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs of a rectangle and an other one on the same array that share a cell, as columns, in chunks."""
    if not (len(rectangles) and len(others)):
        return
    arrays = np.concatenate([rectangles[:, :2], others[:, :2]])
    _, group = np.unique(arrays, axis=0, return_inverse=True)
    span = max(int((table[:, 2] + table[:, 4]).max()) for table in (rectangles, others)) + 1
    begin = group.reshape(-1) * span + np.concatenate([rectangles[:, 2], others[:, 2]])
    end = begin + np.concatenate([rectangles[:, 4], others[:, 4]])
    count = len(rectangles)
    for one, two in overlapping_intervals(begin[:count], end[:count], begin[count:], end[count:])[1]:
        a, b = rectangles[one], others[two]
        meet = (a[:, 3] < b[:, 3] + b[:, 5]) & (b[:, 3] < a[:, 3] + a[:, 5])
        yield one[meet], two[meet]
