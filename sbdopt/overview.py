"""The numbers of a problem: operators, blocks and their sizes, arrays, and what no solution can beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds import infeasibility, lower_bounds
from sbdopt.goals import GOALS


@dataclass(frozen=True)
class Overview:
    """What a problem is made of."""

    problem: str
    crossbar_operators: int
    digital_operators: int
    blocks: int
    sizes: tuple[tuple[int, int, int], ...]
    """Height, width and number of the blocks that are alike, the most frequent first."""
    cells: int
    """Cells that hold a weight, in any placement."""
    longest_chain: int
    """Most operators that run one after another."""
    bounds: dict[str, int]
    """Lower bound of each goal, if it were the only one."""
    infeasible: str | None
    """Why no placement is possible, if that is seen at once."""


def overview(blocks: Blocks) -> Overview:
    """The numbers of a problem."""
    sizes, counts = np.unique(np.stack([blocks.height, blocks.width]), axis=1, return_counts=True)
    frequent = np.lexsort((sizes[1], sizes[0], -counts))
    digital = sum(operator.blocks is None for operator in blocks.problem.operators)
    bounds = {
        goal: max(bound.value for bound in found)
        for goal in GOALS
        if (found := [*lower_bounds(blocks, goal, {})])
    }
    return Overview(
        problem=blocks.problem.name,
        crossbar_operators=len(blocks.problem.operators) - digital,
        digital_operators=digital,
        blocks=len(blocks),
        sizes=tuple((*sizes[:, i].tolist(), int(counts[i])) for i in frequent),
        cells=blocks.cells,
        longest_chain=_longest_chain(blocks),
        bounds=bounds,
        infeasible=infeasibility(blocks),
    )


def _longest_chain(blocks: Blocks) -> int:
    length = [0] * len(blocks.predecessors)
    for operator in blocks.order:
        length[operator] = 1 + max((length[before] for before in blocks.predecessors[operator]), default=0)
    return max(length)
