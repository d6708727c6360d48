"""Pruned models: every block keeps 30 to 100 % of its rows and of its columns, at random."""

from __future__ import annotations

import numpy as np

from sbdopt import ArrayKind, BlockColumns, Hardware, Problem

HARDWARE = Hardware(arrays=[ArrayKind(name="xbar", rows=256, columns=256, adcs=8)])


def pruned(full: Problem, rng: np.random.Generator) -> Problem:
    """The model with all blocks cut."""
    return redrawn(full, full, 1.0, rng)


def redrawn(problem: Problem, full: Problem, share: float, rng: np.random.Generator) -> Problem:
    """The problem with this share of its blocks cut anew out of the blocks of the full model."""
    operators = []
    for operator, whole in zip(problem.operators, full.operators, strict=True):
        if operator.blocks is None or whole.blocks is None:
            operators.append(operator)
            continue
        chosen = rng.random(len(whole.blocks)) < share
        sizes = {}
        for name in ("height", "width"):
            most = getattr(whole.blocks, name)
            new = np.maximum(1, np.round(most * rng.uniform(0.3, 1, len(most)))).astype(np.int64)
            sizes[name] = np.where(chosen, new, getattr(operator.blocks, name))
        columns = BlockColumns(input=whole.blocks.input, output=whole.blocks.output, **sizes)
        operators.append(operator.model_copy(update={"blocks": columns}))
    return Problem.model_validate(problem.model_dump() | {"operators": [o.model_dump() for o in operators]})
