"""Constraints that no rule asks for: they cut equal solutions away, or say what follows from the rules."""

from __future__ import annotations

from itertools import pairwise

from ortools.sat.python.cp_model import LinearExpr, LinearExprT

from sbdopt.search.exact.slots import alike
from sbdopt.search.exact.variables import Variables


def pack_arrays(variables: Variables) -> None:
    """Blocks of one array do not overlap: said once more as a whole, by area and by each axis (redundant)."""
    model, relations = variables.model, variables.relations
    for s, slot in enumerate(relations.slots):
        rows, columns = slot.rows // relations.row_unit, slot.columns // relations.column_unit
        across, down = [], []
        for i, on in enumerate(variables.on):
            height, width = variables.height[i], variables.width[i]
            down.append(
                model.new_optional_fixed_size_interval_var(variables.row[i], height, on[s], f"down{i}.{s}")
            )
            across.append(
                model.new_optional_fixed_size_interval_var(
                    variables.column[i], width, on[s], f"across{i}.{s}"
                )
            )
        for row, column, height, width in slot.faults:
            down.append(
                model.new_fixed_size_interval_var(row // relations.row_unit, height // relations.row_unit, "")
            )
            across.append(
                model.new_fixed_size_interval_var(
                    column // relations.column_unit, width // relations.column_unit, ""
                )
            )
        model.add_no_overlap_2d(down, across)
        if not slot.faults:
            model.add_cumulative(down, variables.width, columns)
            model.add_cumulative(across, variables.height, rows)
        model.add(_area_on(variables, s) <= rows * columns)


def _area_on(variables: Variables, slot: int) -> LinearExprT:
    sizes = zip(variables.height, variables.width, variables.on, strict=True)
    return LinearExpr.sum([height * width * on[slot] for height, width, on in sizes])


def limit_crossings(variables: Variables, unused: LinearExprT) -> None:
    """The crossings of a step are cells like others: they must fit the array with all blocks (redundant).

    For blocks that can share neither rows nor columns with any other: where the rows of one member of a step
    meet the columns of another, isolation leaves the cells empty, and no two of these crossings share a cell.
    """
    relations, model = variables.relations, variables.model
    sharing = {block for pair in (*relations.sharing_rows, *relations.sharing_columns) for block in pair}
    unit = relations.row_unit * relations.column_unit
    for i in range(len(variables.blocks)):
        crossings = []
        for j in range(len(variables.blocks)):
            together = variables.read_together(i, j)
            if together is not None and i not in sharing and j not in sharing:
                cells = variables.height[i] * variables.width[j] + variables.height[j] * variables.width[i]
                crossings.append(cells * together)
        if crossings:
            model.add(LinearExpr.sum(crossings) * unit <= unused)
            for s, slot in enumerate(relations.slots):
                taken = LinearExpr.sum([_area_on(variables, s), *crossings])
                model.add(taken <= slot.cells // unit).only_enforce_if(variables.on[i][s])


def break_symmetries(variables: Variables) -> None:
    """Of all solutions that are alike only those remain whose list of (slot, row, column) is least.

    The list goes through the blocks from the largest to the smallest. Slots that are alike may be renamed,
    interchangeable blocks exchanged, and arrays turned over where nothing is shared and nothing faulty; the
    least list of all that this can make has the properties asked for here: each would make it smaller still.
    """
    blocks, relations, model = variables.blocks, variables.relations, variables.model
    order = sorted(range(len(blocks)), key=lambda i: (-int(blocks.height[i] * blocks.columns[i]), i))
    for group in alike(relations.slots):
        for earlier, later in pairwise(group):
            for place, i in enumerate(order):
                model.add_bool_or(~variables.on[i][later], *(variables.on[j][earlier] for j in order[:place]))
    place_of = {i: place for place, i in enumerate(order)}
    rows = max(slot.rows for slot in relations.slots) // relations.row_unit + 1
    columns = max(slot.columns for slot in relations.slots) // relations.column_unit + 1

    def key(i: int) -> LinearExpr:
        slot = LinearExpr.sum([s * on for s, on in enumerate(variables.on[i])])
        return (slot * rows + variables.row[i]) * columns + variables.column[i]

    for group in relations.interchangeable:
        ordered = sorted(group, key=lambda i: place_of[i])
        for one, two in pairwise(ordered):
            model.add(key(one) + 1 <= key(two))
    _turn_over(variables, order)


def _turn_over(variables: Variables, order: list[int]) -> None:
    """The first block of an array without faults stands in the upper half, and in the left one."""
    relations, model = variables.relations, variables.model
    for s, slot in enumerate(relations.slots):
        if slot.faults:
            continue
        for place, i in enumerate(order):
            first = model.new_bool_var(f"first of {s} is {i}")
            earlier = [variables.on[j][s] for j in order[:place]]
            model.add_bool_or(~variables.on[i][s], first, *earlier)
            if not relations.sharing_rows:
                rows = slot.rows // relations.row_unit - variables.height[i]
                model.add(2 * variables.row[i] <= rows).only_enforce_if(first)
            if not relations.sharing_columns:
                columns = slot.columns // relations.column_unit - variables.width[i]
                model.add(2 * variables.column[i] <= columns).only_enforce_if(first)
