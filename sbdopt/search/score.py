"""What a placement is worth, as a method sees its own work; the last word has the judge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.goals import MOVED, Goals
from sbdopt.placement import Placement
from sbdopt.search.schedule import make_steps
from sbdopt.standing import Standing

Key = tuple[int, ...]
"""What is better has the smaller key."""


def key(blocks: Blocks, goals: Goals, placement: Placement) -> Key:
    """That of a placement, by its score."""
    return rank(goals, score(blocks, placement))


def rank(goals: Goals, values: Mapping[str, int]) -> Key:
    """The values of the goals; what is beyond the limits is worse than anything within."""
    return (not goals.allow(values), *(values[goal] for goal in goals))


def score(blocks: Blocks, placement: Placement) -> dict[str, int]:
    """The value of everything that can be a goal, or be limited, for a placement that is legal."""
    where = np.stack([placement.kind, placement.array])
    arrays, array = np.unique(where, axis=1, return_inverse=True)
    kinds = blocks.hardware.arrays
    cells = sum(kinds[kind].rows * kinds[kind].columns for kind in arrays[0].tolist())
    _, group = np.unique(np.stack([array.reshape(-1), placement.start]), axis=1, return_inverse=True)
    steps = make_steps(blocks, placement.kind, placement.array, placement.column, group.reshape(-1))
    end = np.zeros(len(blocks.predecessors), dtype=np.int64)
    np.maximum.at(end, blocks.operator, placement.start + steps.cycles[steps.of_block])
    finish = [0] * len(end)
    for operator in blocks.order:
        ready = max((finish[before] for before in blocks.predecessors[operator]), default=0)
        cycles = blocks.problem.operators[operator].cycles
        finish[operator] = max(ready, int(end[operator])) if cycles is None else ready + cycles
    busy = np.bincount(steps.tile, weights=steps.cycles)
    values = {
        "unused_cells": cells - blocks.cells,
        "arrays": arrays.shape[1],
        "makespan": max(finish),
        "interval": int(busy.max(initial=0)),
    }
    if blocks.standing is not None:
        values[MOVED] = _moved_cells(blocks, blocks.standing, placement)
    return values


def _moved_cells(blocks: Blocks, standing: Standing, placement: Placement) -> int:
    stays = (placement.kind == standing.kind) & (placement.array == standing.array)
    stays &= standing.stands & (placement.row == standing.row) & (placement.column == standing.column)
    return int((blocks.height * blocks.columns)[~stays].sum())
