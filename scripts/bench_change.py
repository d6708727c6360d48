"""Change the size of 1 % of the blocks of a pruned BERT-large, and count the cells that are written again.

    python scripts/bench_change.py [--layers 24] [--share 0.01] [--seeds 3] [--time-limit 60]

Every block keeps 30 to 100 % of its 32 or 64 rows and columns, at random. That is solved; then some blocks
are drawn anew, and it is solved again, once with the earlier solution kept, once from scratch.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

import numpy as np

from sbdopt import Blocks, Budget, Hardware, Placement, Problem, Solution, make_model, solve
from sbdopt.earlier import standing_of
from sbdopt.judge import moved
from sbdopt.problem import ArrayKind, BlockColumns

KEPT = ("moved_cells", "unused_cells", "makespan")


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


def said(what: str, problem: Problem, solution: Solution, old: Solution, was: Problem, seconds: float) -> str:
    standing = standing_of(problem, old, was)
    blocks = replace(Blocks.of(problem), standing=standing)
    change, metrics = moved(blocks, Placement.read(blocks, solution)), solution.metrics
    assert change is not None
    assert metrics is not None
    return (
        f"{what:<10} {seconds:5.1f} s  {metrics.arrays:,} arrays, makespan {metrics.makespan:,}; "
        f"{change.moved_cells / blocks.cells:6.1%} of the cells written, in {change.touched_arrays:,} arrays"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=60)
    options = parser.parse_args()
    hardware = Hardware(arrays=[ArrayKind(name="xbar", rows=256, columns=256, adcs=8)])
    full = make_model("bert-large", hardware, layers=options.layers)

    def budget() -> Budget:
        return Budget(seconds=options.time_limit, workers=os.cpu_count() or 1)

    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        was = redrawn(full, full, 1.0, rng)
        old = solve(was, method="greedy", budget=budget())
        problem = redrawn(was, full, options.share, rng)
        print(f"seed {seed}: {len(Blocks.of(problem)):,} blocks", flush=True)
        time = budget()
        kept = solve(problem, goals=KEPT, budget=time, standing=standing_of(problem, old, was))
        print(said("kept", problem, kept, old, was, time.elapsed), kept.status, flush=True)
        time = budget()
        anew = solve(problem, method="greedy", budget=time)
        print(said("from scratch", problem, anew, old, was, time.elapsed), anew.status, flush=True)


if __name__ == "__main__":
    main()
