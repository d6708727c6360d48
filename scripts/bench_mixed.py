"""Draw mixed problems, solve each in both orders of the goals, and print what was proven.

    python scripts/bench_mixed.py [--blocks 20] [--operators 4] [--seeds 10] [--first 0] [--time-limit 60]

Chained operators (4 to 8 in turn, or as many as are asked for) of blocks on the diagonal, sides drawn from 8,
12, 16, 24 and 32, arrays of 64 x 64 with 8 converters, settling 2 cycles: small enough to be proven, mixed
enough to be hard.
"""

from __future__ import annotations

import argparse
import os

import numpy as np

from sbdopt import Budget, Problem, solve

SIDES = (8, 12, 16, 24, 32)
ORDERS = (("unused_cells", "makespan"), ("makespan", "unused_cells"))


def mixed_problem(blocks: int, operators: int, seed: int) -> Problem:
    """A chain of operators with at least one block each."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.choice(np.arange(1, blocks), operators - 1, replace=False)).tolist()
    chain = []
    for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, blocks], strict=True)):
        height, width = (rng.choice(SIDES, end - begin).tolist() for _ in range(2))
        columns = {
            "input": [sum(height[:k]) for k in range(end - begin)],
            "output": [sum(width[:k]) for k in range(end - begin)],
            "height": height,
            "width": width,
        }
        after = [f"operator{number - 1}"] if number else []
        shape = [sum(height), sum(width)]
        chain.append({"name": f"operator{number}", "after": after, "shape": shape, "blocks": columns})
    arrays = [{"name": "xbar", "rows": 64, "columns": 64, "adcs": 8}]
    hardware = {"arrays": arrays, "settle_cycles": 2}
    name = f"mixed-{blocks}-{operators}-{seed}"
    return Problem.model_validate({"name": name, "hardware": hardware, "operators": chain})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--operators", type=int)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--goal", help="one order of the goals only")
    parser.add_argument("--time-limit", type=float, default=60)
    options = parser.parse_args()
    proven: dict[tuple[str, ...], int] = {}
    orders = [tuple(options.goal.split(","))] if options.goal else ORDERS
    for seed in range(options.first, options.first + options.seeds):
        problem = mixed_problem(options.blocks, options.operators or 4 + seed % 5, seed)
        for goals in orders:
            budget = Budget(seconds=options.time_limit, workers=os.cpu_count() or 1)
            solution = solve(problem, goals=goals, budget=budget)
            values = [getattr(solution.metrics, goal) for goal in goals]
            bounds = [getattr(solution.bounds, goal) for goal in goals]
            proven[goals] = proven.get(goals, 0) + (solution.status == "optimal")
            print(
                f"{problem.name:<16} {','.join(goals):<22} {solution.status or '':<9} "
                f"{budget.elapsed:6.1f} s  {values} bounds {bounds}",
                flush=True,
            )
    for goals, count in proven.items():
        print(f"{','.join(goals)}: {count} of {options.seeds} proven")


if __name__ == "__main__":
    main()
