"""The eight rules of a legal solution, one function each: None, or what the first violation is.

They are written in the order in which they are checked. `complete` reads a solution document; `inside` needs
a complete placement; all others need blocks that lie inside arrays that exist, and the steps they make.
"""

from __future__ import annotations

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.judge.meetings import Things, meetings
from sbdopt.judge.steps import Steps, finishes
from sbdopt.placement import Placement
from sbdopt.rectangles import first_overlap
from sbdopt.solution import Solution


def complete(blocks: Blocks, solution: Solution) -> str | None:
    """Every block of every crossbar operator is placed exactly once, and nothing else is."""
    operators = {operator.name: operator for operator in blocks.problem.operators}
    for name, operator in operators.items():
        if operator.blocks is None:
            continue
        count, entry = len(operator.blocks), solution.operators.get(name)
        if entry is None:
            return f"operator {name!r} is not in the solution; list it, with a place for its {count} blocks"
        if len(entry) < count:
            return f"{name!r}[{len(entry)}] has no place: only {len(entry)} of {count} blocks have one"
        if len(entry) > count:
            return f"operator {name!r} has {len(entry)} places for {count} blocks; each block has one"
    for name in solution.operators:
        if name not in operators:
            return f"operator {name!r} is in the solution, but the problem has no operator of that name"
        if operators[name].blocks is None:
            return f"operator {name!r} is in the solution, but it is digital and has no blocks to be placed"
    return None


def inside(blocks: Blocks, placement: Placement) -> str | None:
    """Every block lies inside its array, and the array exists."""
    kinds = blocks.hardware.arrays
    no_kind = (placement.kind < 0) | (placement.kind >= len(kinds))
    kind = np.where(no_kind, 0, placement.kind)
    unlimited = np.iinfo(np.int64).max
    count = np.array([unlimited if one.count is None else one.count for one in kinds])[kind]
    rows = np.array([one.rows for one in kinds])[kind]
    columns = np.array([one.columns for one in kinds])[kind]
    no_array = (placement.array < 0) | (placement.array >= count)
    outside = (placement.row < 0) | (placement.row + blocks.height > rows)
    outside |= (placement.column < 0) | (placement.column + blocks.columns > columns)
    wrong = no_kind | no_array | outside
    if not wrong.any():
        return None
    b = int(wrong.argmax())
    if no_kind[b]:
        return (
            f"array {placement.array[b]}, step at cycle {placement.start[b]}: {blocks.name(b)} stands on an "
            f"array of kind {placement.kind[b]}, but the kinds are 0 to {len(kinds) - 1}"
        )
    said = f"{_where(blocks, placement, b)}: {blocks.name(b)}"
    if no_array[b]:
        last = "0, 1, 2 and so on" if count[b] == unlimited else f"0 to {count[b] - 1}"
        return f"{said} stands on it, but the arrays of this kind are {last}"
    row, column = placement.row[b], placement.column[b]
    return (
        f"{said} takes rows {row} to {row + blocks.height[b] - 1} and columns {column} to "
        f"{column + blocks.columns[b] - 1}, but there are rows 0 to {rows[b] - 1} and "
        f"columns 0 to {columns[b] - 1}"
    )


def disjoint(blocks: Blocks, placement: Placement, steps: Steps) -> str | None:
    """No two blocks share a cell, and none covers a faulty cell."""
    things = Things.of(blocks, placement)
    fault = np.arange(len(things.site)) >= len(blocks)
    pair = first_overlap(things.site, things.row, things.column, things.height, things.columns, fault)
    if pair is None:
        return None
    one, two = pair
    row, column = max(things.row[one], things.row[two]), max(things.column[one], things.column[two])
    said = f"{_where(blocks, placement, one)}: row {row}, column {column} is a cell of {blocks.name(one)}"
    if fault[two]:
        return f"{said}, and it is faulty"
    return f"{said} and of {blocks.name(two)}, whose step is at cycle {placement.start[two]}"


def row_agreement(blocks: Blocks, placement: Placement, steps: Steps) -> str | None:
    """Two blocks of a step that share a row read the same element of the same vector on it."""
    offset = placement.row - blocks.input
    begin = steps.of * steps.driven.span + placement.row
    pair = _disagreement(begin, blocks.height, (blocks.vector, offset))
    if pair is None:
        return None
    row = placement.row[pair[1]]
    carried = []
    for b in pair:
        operator = blocks.problem.operators[blocks.operator[b]]
        vector = f"the input of {operator.name!r}" if operator.input is None else f"vector {operator.input!r}"
        carried.append(f"element {row - offset[b]} of {vector} for {blocks.name(b)}")
    return f"{_where(blocks, placement, pair[0])}: row {row} carries " + " and ".join(carried)


def column_agreement(blocks: Blocks, placement: Placement, steps: Steps) -> str | None:
    """Two blocks of a step that share a column belong to the same slice of the same output."""
    slices = blocks.hardware.columns_per_weight
    offset = placement.column - blocks.output * slices
    begin = steps.of * steps.read.span + placement.column
    pair = _disagreement(begin, blocks.columns, (blocks.operator, offset))
    if pair is None:
        return None
    column = placement.column[pair[1]]
    summed = []
    for b in pair:
        output, part = divmod(int(column - offset[b]), slices)
        which = f"slice {part} of output {output}" if slices > 1 else f"output {output}"
        summed.append(f"{which} of {blocks.name(b)}")
    return f"{_where(blocks, placement, pair[0])}: column {column} adds up " + " and ".join(summed)


def isolation(blocks: Blocks, placement: Placement, steps: Steps) -> str | None:
    """Where a driven row meets a read column there is no cell of another block, nor a faulty one.

    A block is one rectangle, so it is met where the step drives one of its rows and reads one of its
    columns, whichever they are. A step of one block meets only its own cells.
    """
    things = Things.of(blocks, placement)
    for step, thing in meetings(steps, things):
        met = steps.driven.meet(step, things.row[thing], things.height[thing])
        met &= steps.read.meet(step, things.column[thing], things.columns[thing])
        if met.any():
            first = int(met.argmax())
            return _meeting(blocks, placement, steps, things, int(step[first]), int(thing[first]))
    return None


def periphery(blocks: Blocks, placement: Placement, steps: Steps) -> str | None:
    """Steps on one tile do not overlap in time. If any do, then so do two that begin one after the other."""
    order = np.lexsort((steps.start, steps.tile))
    early = (np.diff(steps.tile[order]) == 0) & (steps.start[order[1:]] < steps.end[order[:-1]])
    if not early.any():
        return None
    place = int(early.argmax())
    one, two = int(order[place]), int(order[place + 1])
    kind = blocks.hardware.arrays[steps.kind[one]]
    first, second = (blocks.name(int((steps.of == step).argmax())) for step in (one, two))
    return (
        f"tile {steps.array[one] // kind.tiers} ({kind.name!r}): the step of {first} on array "
        f"{steps.array[one]} takes cycles {steps.start[one]} to {steps.end[one] - 1}, but the step of "
        f"{second} on array {steps.array[two]} begins at cycle {steps.start[two]}"
    )


def precedence(blocks: Blocks, placement: Placement, steps: Steps) -> str | None:
    """No block starts before cycle 0, nor before all that its operator is after has finished."""
    finish = finishes(blocks, steps)
    ready = [max([0, *(finish[one] for one in before)]) for before in blocks.predecessors]
    early = placement.start < np.array(ready, dtype=np.int64)[blocks.operator]
    if not early.any():
        return None
    b = int(early.argmax())
    said = f"{_where(blocks, placement, b)}: {blocks.name(b)} starts"
    if placement.start[b] < 0:
        return f"{said} before cycle 0"
    last = max(blocks.predecessors[blocks.operator[b]], key=lambda one: finish[one])
    name = blocks.problem.operators[last].name
    return f"{said}, but its operator is after {name!r}, which finishes at cycle {finish[last]}"


RULES = (disjoint, row_agreement, column_agreement, isolation, periphery, precedence)
"""The rules about steps, in their order."""


def _where(blocks: Blocks, placement: Placement, block: int) -> str:
    kind = blocks.hardware.arrays[placement.kind[block]]
    return f"array {placement.array[block]} ({kind.name!r}), step at cycle {placement.start[block]}"


def _disagreement(
    begin: IntArray, size: IntArray, labels: tuple[IntArray, IntArray]
) -> tuple[int, int] | None:
    """Two intervals that overlap and differ in a label, or None; both cover the begin of the second.

    Sorted by begin, each interval is compared only with the earlier one that reaches farthest. That is
    enough: let j be the first interval that conflicts with an earlier one, i, and f the earlier one that
    reaches farthest. Since i covers the begin of j, so does f; thus i and f overlap. They do not conflict,
    for j is the first that does, so they bear equal labels, and f conflicts with j as i does.
    """
    order = np.argsort(begin, kind="stable")
    end = (begin + size)[order]
    reach = np.maximum.accumulate(end)
    farthest = np.maximum.accumulate(np.where(end == reach, np.arange(len(end)), 0))
    one, two = order[farthest[:-1]], order[1:]
    conflict = reach[:-1] > begin[two]
    conflict &= (labels[0][one] != labels[0][two]) | (labels[1][one] != labels[1][two])
    if not conflict.any():
        return None
    first = int(conflict.argmax())
    return int(one[first]), int(two[first])


def _meeting(
    blocks: Blocks, placement: Placement, steps: Steps, things: Things, step: int, thing: int
) -> str:
    members = np.flatnonzero(steps.of == step)
    rows = np.maximum(placement.row[members], things.row[thing])
    columns = np.maximum(placement.column[members], things.column[thing])
    last_row = placement.row[members] + blocks.height[members]
    last_column = placement.column[members] + blocks.columns[members]
    i = int((rows < np.minimum(last_row, things.row[thing] + things.height[thing])).argmax())
    j = int((columns < np.minimum(last_column, things.column[thing] + things.columns[thing])).argmax())
    what = f"a cell of {blocks.name(thing)}" if thing < len(blocks) else "a faulty cell"
    return (
        f"{_where(blocks, placement, int(members[0]))}: row {rows[i]} is driven for "
        f"{blocks.name(int(members[i]))} and meets column {columns[j]}, read by "
        f"{blocks.name(int(members[j]))}, at {what}"
    )
