"""Small problems with every feature of the format, and placements of them, about half of them legal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from slow_judge import RULES, SlowJudge, Stand

from sbdopt.blocks import Blocks
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.solution import Solution

Draw = Callable[[st.SearchStrategy[Any]], Any]

PLACE_RULES = RULES[: RULES.index("isolation") + 1]
"""Those that can be checked before starts are known."""
TALLEST, WIDEST = 4, 3
"""Of a block; every problem's first kind of array has room for it."""


def solution_of(problem: Problem, placement: Placement) -> Solution:
    """The document of a placement."""
    operators = placement.to_operators(Blocks.of(problem))
    return Solution(problem=problem.name, problem_sha256=problem.sha256, operators=operators)


@st.composite
def problems(draw: Draw) -> Problem:
    """One to five operators on one or two kinds of array of at most 10 x 10 cells."""
    slices = draw(st.sampled_from((1, 1, 2)))
    cycles = draw(st.tuples(*[st.integers(0, 2)] * 3).filter(any))
    arrays = [_kind(draw, "big", TALLEST, WIDEST * slices)]
    if draw(st.booleans()):
        arrays.append(_kind(draw, "small", 1, slices))
    hardware = {
        "arrays": arrays,
        "columns_per_weight": slices,
        "rows_per_phase": draw(st.sampled_from((None, None, 1, 2, 3))),
        "input_slices": draw(st.sampled_from((1, 1, 2))),
        "settle_cycles": cycles[0],
        "conversion_cycles": cycles[1],
        "conversion_cycles_per_bit": cycles[2],
    }
    lengths = {"u": draw(st.integers(1, 8)), "v": draw(st.integers(1, 8))}
    names = "abcde"[: draw(st.sampled_from((2, 3, 4, 5, 1)))]
    operators = [_operator(draw, names[:number], name, lengths) for number, name in enumerate(names)]
    operators = draw(st.permutations(operators))
    return Problem.model_validate({"name": "drawn", "hardware": hardware, "operators": operators})


def _kind(draw: Draw, name: str, rows: int, columns: int) -> dict[str, Any]:
    rows, columns = draw(st.integers(rows, 10)), draw(st.integers(columns, 10))
    count = draw(st.sampled_from((None, None, None, 1, 3)))
    faults = []
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 1, 2)))):
        row, column = draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))
        height = draw(st.sampled_from((1, 1, rows - row)))
        width = draw(st.sampled_from((1, 1, columns - column)))
        faults.append([draw(st.integers(0, min(1, (count or 2) - 1))), row, column, height, width])
    return {
        "name": name,
        "rows": rows,
        "columns": columns,
        "adcs": draw(st.integers(1, 4)),
        "count": count,
        "tiers": draw(st.sampled_from((1, 1, 2, 3))),
        "faults": faults,
    }


def _operator(draw: Draw, before: str, name: str, lengths: dict[str, int]) -> dict[str, Any]:
    chain = draw(st.booleans())
    after = list(before[-1:]) if chain else [one for one in before if draw(st.integers(0, 2)) == 0]
    if draw(st.integers(0, 5)) == 0:
        return {"name": name, "cycles": draw(st.integers(0, 6)), "after": after}
    vector = draw(st.sampled_from(("u", "u", None, "v")))
    inputs = draw(st.integers(1, 8)) if vector is None else lengths[vector]
    outputs = draw(st.integers(1, 6))
    tiles = [
        (rows, columns)
        for rows in _pieces(draw, inputs, TALLEST)
        for columns in _pieces(draw, outputs, WIDEST)
    ]
    least = min(draw(st.sampled_from((2, 3, 4, 1, 0))), len(tiles))
    chosen = draw(st.lists(st.sampled_from(tiles), min_size=least, max_size=4, unique=True))
    blocks = {
        "input": [rows[0] for rows, _ in chosen],
        "output": [columns[0] for _, columns in chosen],
        "height": [rows[1] for rows, _ in chosen],
        "width": [columns[1] for _, columns in chosen],
    }
    return {"name": name, "after": after, "input": vector, "shape": [inputs, outputs], "blocks": blocks}


def _pieces(draw: Draw, total: int, largest: int) -> list[tuple[int, int]]:
    """A range cut into pieces: where each begins, and its size."""
    pieces, begin = [], 0
    while begin < total:
        size = draw(st.integers(1, min(largest, total - begin)))
        pieces.append((begin, size))
        begin += size
    return pieces


@st.composite
def placements(draw: Draw, problem: Problem) -> Placement:
    """Blocks put beside, below, across from and in a step with one another; often legal, often nearly so.

    First every block gets a place, and as its start a slot: after those of its operator's predecessors,
    perhaps that of another block. Some rules are cared for, mostly all, in that some places are tried. Then
    slots become cycles, and sometimes one number is spoiled.
    """
    care = draw(st.sampled_from((*["isolation"] * 5, *["column agreement"] * 2, *PLACE_RULES, None)))
    cared_for = PLACE_RULES[: PLACE_RULES.index(care) + 1] if care else ()
    placed: list[Stand] = []
    last_slot: dict[str, int] = {}
    operators = problem.operators
    for number in Blocks.of(problem).order:
        operator = operators[number]
        base = 1 + max((last_slot[name] for name in operator.after), default=-1)
        last_slot[operator.name] = base
        for index in range(len(operator.blocks or ())):
            for how in ("close", "any", "close", "any", "close", "fresh"):
                block = Stand(operator, index, 0, 0, 0, 0, base + draw(st.sampled_from((0, 0, 1))))
                block = _put(draw, problem, placed, block, base, how)
                if SlowJudge(problem, [*placed, block]).first_broken(cared_for) is None:
                    break
            placed.append(block)
            last_slot[operator.name] = max(last_slot[operator.name], block.start)
    gap = draw(st.sampled_from((None, None, None, 1000, 1000, 5, 1)))
    if gap is None:
        placed = _tight(problem, placed)
    else:
        placed = [replace(stand, start=stand.start * gap) for stand in placed]
    names = [operator.name for operator in operators]
    placed.sort(key=lambda stand: (names.index(stand.operator.name), stand.index))
    columns = {
        name: np.array([getattr(stand, name) for stand in placed], dtype=np.int64)
        for name in ("kind", "array", "row", "column", "start")
    }
    if placed and draw(st.integers(0, 4)) == 4:
        name = draw(st.sampled_from(("start", "start", "start", "start", "row", "column", "array", "kind")))
        columns[name][draw(st.integers(0, len(placed) - 1))] += draw(st.sampled_from((-1, -1, 1, 2)))
    return Placement(**columns)


def _put(draw: Draw, problem: Problem, placed: list[Stand], block: Stand, base: int, how: str) -> Stand:
    """A place for a block: on an array of its own, anywhere, or close to a block that has its place."""
    hardware, blocks = problem.hardware, block.operator.blocks
    k, slices = block.index, hardware.columns_per_weight
    height, columns = int(blocks.height[k]), int(blocks.width[k]) * slices
    room = [
        number
        for number, kind in enumerate(hardware.arrays)
        if height <= kind.rows and columns <= kind.columns
    ]
    kind = draw(st.sampled_from(room))
    how = draw(st.sampled_from(("close", "anywhere", "fresh"))) if how == "any" else how
    last = max((stand.array for stand in placed if stand.kind == kind), default=-1)
    if (how == "fresh" or not placed) and last + 1 != hardware.arrays[kind].count:
        return replace(block, kind=kind, array=last + 1)
    there = [stand for stand in placed if stand.kind == kind]
    if how == "close" and there:
        return _near(draw, problem, there, block, base)
    array = draw(st.integers(0, max(0, last)))
    row = draw(st.integers(0, hardware.arrays[kind].rows - height))
    column = draw(st.integers(0, hardware.arrays[kind].columns - columns))
    return replace(block, kind=kind, array=array, row=row, column=column)


def _near(draw: Draw, problem: Problem, there: list[Stand], block: Stand, base: int) -> Stand:
    """A row that has to do with one block of an array, a column that has to do with another or the same."""
    one = draw(st.sampled_from(there))
    two = draw(st.sampled_from([stand for stand in there if stand.array == one.array]))
    slices, kind = problem.hardware.columns_per_weight, problem.hardware.arrays[one.kind]
    mine, k = block.operator.blocks, block.index
    first, second = one.operator.blocks, two.operator.blocks
    same_input = one.row + int(mine.input[k] - first.input[one.index])
    below = one.row + int(first.height[one.index])
    same_output = two.column + int(mine.output[k] - second.output[two.index]) * slices
    beside = two.column + int(second.width[two.index]) * slices
    rows, columns = kind.rows - int(mine.height[k]), kind.columns - int(mine.width[k]) * slices
    return replace(
        block,
        kind=one.kind,
        array=one.array,
        row=draw(st.sampled_from([row for row in (one.row, same_input, below, 0) if 0 <= row <= rows])),
        column=draw(
            st.sampled_from([at for at in (two.column, same_output, beside, 0) if 0 <= at <= columns])
        ),
        start=one.start if one.start >= base and draw(st.integers(0, 2)) > 0 else block.start,
    )


def _tight(problem: Problem, placed: list[Stand]) -> list[Stand]:
    """Slots turned into cycles: each step as early as those before it, on its tile or needed by it, allow."""
    done: list[Stand] = []
    for slot, place in sorted({(stand.start, stand.place) for stand in placed}):
        step = [stand for stand in placed if (stand.start, stand.place) == (slot, place)]
        so_far = SlowJudge(problem, done)
        begin = [so_far.ready(stand.operator) for stand in step]
        for (_, _, start), other in so_far.steps.items():
            if so_far.tile(other[0]) == so_far.tile(step[0]):
                begin.append(start + so_far.duration(other))
        done += [replace(stand, start=max(begin)) for stand in step]
    return done
