"""All steps that blocks could form, listed: a stronger way to say how long reading takes (redundant)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ortools.sat.python.cp_model import LinearExpr

from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.timetable import Timetable
from sbdopt.search.exact.variables import Variables
from sbdopt.timing import step_cycles


@dataclass(frozen=True)
class Candidate:
    """Blocks that may form a step (ascending)."""

    members: tuple[int, ...]
    columns: int
    rows: int


def candidate_steps(
    relations: Relations, members: list[int], unused: int, most: int
) -> list[Candidate] | None:
    """Every set of blocks that can be a step if at most `unused` cells of the arrays are unused.

    None if there are more than `most`, or if blocks can share rows or columns (then the columns and
    crossings of a step depend on where they stand). Otherwise a step of blocks with heights h and widths w
    leaves sum(h) * sum(w) - sum(h * w) cells empty where its rows and columns cross.
    """
    if any(pair[0] in members for pair in (*relations.sharing_rows, *relations.sharing_columns)):
        return None
    found: list[Candidate] = []
    for candidate in _extend(relations, members, unused):
        found.append(candidate)
        if len(found) > most:
            return None
    return found


def _extend(relations: Relations, members: list[int], unused: int) -> Iterator[Candidate]:
    blocks, pairs = relations.blocks, set(relations.pairs)
    height, columns = blocks.height.tolist(), blocks.columns.tolist()
    rooms = [(slot.rows, slot.columns) for slot in relations.slots]
    stack: list[tuple[tuple[int, ...], int, int, int, int]] = [
        ((i,), height[i], columns[i], height[i] * columns[i], height[i]) for i in members
    ]
    while stack:
        step, rows, width, cells, tallest = stack.pop()
        if rows * width - cells > unused or not any(rows <= r and width <= c for r, c in rooms):
            continue
        yield Candidate(step, width, tallest)
        for j in members:
            if j > step[-1] and all((i, j) in pairs for i in step):
                area = height[j] * columns[j]
                stack.append(
                    ((*step, j), rows + height[j], width + columns[j], cells + area, max(tallest, height[j]))
                )


def list_steps(variables: Variables, timetable: Timetable, unused: int, most: int = 4000) -> None:
    """For stretches whose steps can be listed: exactly one listed step holds each block.

    Durations and loads follow from the list, which is much tighter when relaxed than the pairs alone.
    """
    for stretch in variables.relations.stretches:
        members = [i for operator in stretch for i in timetable.blocks_of(operator)]
        candidates = candidate_steps(variables.relations, members, unused, most)
        if candidates is not None:
            _choose(variables, timetable, members, candidates)


def _choose(
    variables: Variables, timetable: Timetable, members: list[int], candidates: list[Candidate]
) -> None:
    model, blocks = variables.model, variables.blocks
    slots = variables.relations.slots
    adcs = {tile: slots[timetable.slots_of[tile][0]].adcs for tile in timetable.tiles}
    columns = np.array([candidate.columns for candidate in candidates])
    rows = np.array([candidate.rows for candidate in candidates])
    cycles = {
        tile: step_cycles(blocks.hardware, adcs[tile], columns, rows).tolist() for tile in timetable.tiles
    }
    chosen = {
        (c, tile): model.new_bool_var(f"step{candidate.members}.{tile}")
        for c, candidate in enumerate(candidates)
        for tile in timetable.tiles
    }
    holding: dict[int, list[int]] = {i: [] for i in members}
    pair_steps: dict[tuple[int, int], list[int]] = {}
    for c, candidate in enumerate(candidates):
        for place, i in enumerate(candidate.members):
            holding[i].append(c)
            for j in candidate.members[place + 1 :]:
                pair_steps.setdefault((i, j), []).append(c)
    tiles = timetable.tiles
    for i in members:
        for tile in tiles:
            on_tile = LinearExpr.sum([variables.on[i][s] for s in timetable.slots_of[tile]])
            model.add(LinearExpr.sum([chosen[c, tile] for c in holding[i]]) == on_tile)
            led = [chosen[c, tile] for c in holding[i] if candidates[c].members[0] == i]
            model.add(LinearExpr.sum(led) == timetable.holds[i, tile])
        model.add(
            timetable.cycles[i]
            >= LinearExpr.sum([cycles[tile][c] * chosen[c, tile] for c in holding[i] for tile in tiles])
        )
    for (i, j), together in variables.together.items():
        if i in holding and j in holding:
            steps = pair_steps.get((i, j), [])
            model.add(LinearExpr.sum([chosen[c, tile] for c in steps for tile in tiles]) == together)
    for tile in tiles:
        load = LinearExpr.sum([timetable.load[i, tile] for i in members])
        model.add(load >= LinearExpr.sum([cycles[tile][c] * chosen[c, tile] for c in range(len(candidates))]))
