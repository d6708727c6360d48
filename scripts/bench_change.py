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
from pruned import HARDWARE, pruned, redrawn

from sbdopt import Blocks, Budget, Placement, Problem, Solution, make_model, solve
from sbdopt.earlier import standing_of
from sbdopt.judge import moved

KEPT = ("moved_cells", "unused_cells", "makespan")


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
    full = make_model("bert-large", HARDWARE, layers=options.layers)

    def budget() -> Budget:
        return Budget(seconds=options.time_limit, workers=os.cpu_count() or 1)

    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        was = pruned(full, rng)
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
