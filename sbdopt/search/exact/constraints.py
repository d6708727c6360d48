"""The eight rules as CP-SAT constraints, one function each, named as the format names them."""

from __future__ import annotations

from ortools.sat.python.cp_model import BoolVarT, LinearExpr

from sbdopt.search.exact.timetable import Timetable
from sbdopt.search.exact.variables import Variables


def complete(variables: Variables) -> None:
    """Every block stands on exactly one slot."""
    for on in variables.on:
        variables.model.add_exactly_one(on)


def inside(variables: Variables) -> None:
    """A block lies inside the array that it stands on."""
    relations, model = variables.relations, variables.model
    for i, on in enumerate(variables.on):
        for slot, literal in zip(relations.slots, on, strict=True):
            rows = slot.rows // relations.row_unit - variables.height[i]
            columns = slot.columns // relations.column_unit - variables.width[i]
            if rows < 0 or columns < 0:
                model.add(literal == 0)
                continue
            model.add(variables.row[i] <= rows).only_enforce_if(literal)
            model.add(variables.column[i] <= columns).only_enforce_if(literal)


def disjoint(variables: Variables) -> None:
    """Two blocks of one array are apart in rows or in columns, and so are a block and a faulty cell."""
    model = variables.model
    count = len(variables.blocks)
    for i in range(count):
        for j in range(i + 1, count):
            model.add_bool_or(
                ~variables.same_slot(i, j), *variables.rows_apart(i, j), *variables.columns_apart(i, j)
            )
        for s, slot in enumerate(variables.relations.slots):
            for f in range(len(slot.faults)):
                model.add_bool_or(
                    ~variables.on[i][s], *variables.rows_clear(i, s, f), *variables.columns_clear(i, s, f)
                )


def row_agreement(variables: Variables) -> None:
    """Two blocks of a step are apart in rows, or read the same element of the same vector on each row."""
    relations, model = variables.relations, variables.model
    sharing = set(relations.sharing_rows)
    for (i, j), together in variables.together.items():
        allowed = variables.rows_apart(i, j)
        if (i, j) in sharing:
            agree = model.new_bool_var(f"rows agree{i}.{j}")
            offset = int(relations.blocks.input[i] - relations.blocks.input[j]) // relations.row_unit
            model.add(variables.row[i] - variables.row[j] == offset).only_enforce_if(agree)
            allowed = [*allowed, agree]
        model.add_bool_or(~together, *allowed)


def column_agreement(variables: Variables) -> dict[tuple[int, int], BoolVarT]:
    """Two blocks of a step are apart in columns, or add to the same output on each column.

    Returns for each pair that may share columns a literal that must be true where they do, and is only
    where the two stand so that their outputs meet in the same columns.
    """
    relations, model = variables.relations, variables.model
    blocks = relations.blocks
    meet: dict[tuple[int, int], BoolVarT] = {}
    for i, j in relations.sharing_columns:
        outputs = int(blocks.output[i] - blocks.output[j]) * blocks.hardware.columns_per_weight
        meet[i, j] = model.new_bool_var(f"columns agree{i}.{j}")
        model.add(
            variables.column[i] - variables.column[j] == outputs // relations.column_unit
        ).only_enforce_if(meet[i, j])
    for pair, together in variables.together.items():
        shared = [meet[pair]] if pair in meet else []
        model.add_bool_or(~together, *variables.columns_apart(*pair), *shared)
    return meet


def isolation(variables: Variables) -> None:
    """Where a row of one block of a step meets a column of another, no third block and no fault stands."""
    count = len(variables.blocks)
    for (i, j), together in variables.together.items():
        for k in range(count):
            if k not in (i, j):
                _no_third(variables, together, i, j, k)
        for s, slot in enumerate(variables.relations.slots):
            for f in range(len(slot.faults)):
                for one, two in ((i, j), (j, i)):
                    variables.model.add_bool_or(
                        ~together,
                        ~variables.on[i][s],
                        *variables.rows_clear(one, s, f),
                        *variables.columns_clear(two, s, f),
                    )


def _no_third(variables: Variables, together: BoolVarT, i: int, j: int, k: int) -> None:
    for one, two in ((i, j), (j, i)):
        member = variables.read_together(one, k)
        variables.model.add_bool_or(
            ~together,
            ~variables.same_slot(one, k),
            *variables.rows_apart(one, k),
            *variables.columns_apart(two, k),
            *([] if member is None else [member]),
        )


def periphery(variables: Variables, timetable: Timetable) -> None:
    """The steps of one tile do not overlap in time.

    In a stretch of one operator it is enough that their durations add up to no more than the operator takes:
    no other operator runs meanwhile, so they can be read one after the other. In the others every step is an
    interval, held by its first block.
    """
    model = variables.model
    end = {i: model.new_int_var(0, timetable.horizon, f"end{i}") for i in timetable.start}
    for i, variable in end.items():
        model.add(timetable.start[i] + timetable.cycles[i] == variable)
    for stretch in variables.relations.stretches:
        alone = len(stretch) == 1
        for tile in timetable.tiles:
            for operator in stretch:
                load = LinearExpr.sum([timetable.load[i, tile] for i in timetable.blocks_of(operator)])
                model.add(timetable.ready[operator] + load <= timetable.finish[operator])
            if not alone:
                intervals = [
                    model.new_optional_interval_var(
                        timetable.start[i],
                        timetable.cycles[i],
                        end[i],
                        timetable.holds[i, tile],
                        f"step{i}.{tile}",
                    )
                    for operator in stretch
                    for i in timetable.blocks_of(operator)
                ]
                model.add_no_overlap(intervals)


def precedence(variables: Variables, timetable: Timetable) -> None:
    """No block starts before all that its operator is after has finished, none before cycle 0."""
    model, blocks = variables.model, variables.blocks
    for operator, before in enumerate(blocks.predecessors):
        for predecessor in before:
            model.add(timetable.finish[predecessor] <= timetable.ready[operator])
        cycles = blocks.problem.operators[operator].cycles
        if cycles is not None:
            model.add(timetable.finish[operator] == timetable.ready[operator] + cycles)
        for i in timetable.blocks_of(operator):
            if i in timetable.start:
                model.add(timetable.ready[operator] <= timetable.start[i])
                model.add(timetable.start[i] + timetable.cycles[i] <= timetable.finish[operator])
            else:
                model.add(timetable.ready[operator] + timetable.cycles[i] <= timetable.finish[operator])
