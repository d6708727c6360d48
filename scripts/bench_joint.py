"""Solve what is too large for the exact model in both orders of the goals, and print gaps and seconds.

    python scripts/bench_joint.py [layers|pruned|large|million ...] [--time-limit 60]

layers: one layer of three models, and pruned matrices, of problems/. pruned: BERT-large, every block of which
keeps 30 to 100 % of its rows and columns. large: Llama 3 70B and Llama 3.1 405B. million: layers of
BERT-large one after another, until there are a million blocks.
"""

from __future__ import annotations

import argparse
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pruned import HARDWARE, pruned

from sbdopt import Blocks, Budget, Operator, Problem, make_model, solve

PROBLEMS = Path(__file__).parent.parent / "problems"
LAYERS = ("bert-large-1-layer", "minilm-l6-1-layer", "llama-3-8b-1-layer", "pruned-300", "pruned-1000")
ORDERS = (("unused_cells", "makespan"), ("makespan", "unused_cells"))
MILLION = 1_000_000


def repeated(problem: Problem, blocks: int) -> Problem:
    """The problem one time after another, until it has so many blocks."""
    ends = {name for operator in problem.operators for name in operator.after}
    last = [operator.name for operator in problem.operators if operator.name not in ends]
    operators: list[Operator] = []
    for turn in range(-(-blocks // len(Blocks.of(problem)))):
        for operator in problem.operators:
            before = operator.after if operator.after or not turn else last
            prefix = turn if operator.after else turn - 1
            named = {"name": f"{turn}.{operator.name}", "after": [f"{prefix}.{name}" for name in before]}
            if operator.input is not None:
                named["input"] = f"{turn}.{operator.input}"
            operators.append(operator.model_copy(update=named))
    return Problem(name=f"{problem.name}-{blocks}", hardware=problem.hardware, operators=operators)


def problems(wanted: list[str]) -> Iterator[Problem]:
    if "layers" in wanted:
        yield from (Problem.load(PROBLEMS / f"{name}.json") for name in LAYERS)
    if "pruned" in wanted:
        yield pruned(make_model("bert-large", HARDWARE), np.random.default_rng(0))
    if "large" in wanted:
        yield make_model("llama-3-70b", HARDWARE)
        yield make_model("llama-3.1-405b", HARDWARE)
    if "million" in wanted:
        yield repeated(make_model("bert-large", HARDWARE), MILLION)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["layers", "pruned", "large"])
    parser.add_argument("--time-limit", type=float, default=60)
    options = parser.parse_args()
    for problem in problems(options.sets):
        for goals in ORDERS:
            budget = Budget(seconds=options.time_limit, workers=os.cpu_count() or 1)
            solution = solve(problem, goals=goals, budget=budget)
            said = [f"{goal} {solution.value(goal):,} bound {solution.bound(goal):,}" for goal in goals]
            arrays = None if solution.metrics is None else solution.metrics.arrays
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(
                f"{problem.name:<22} {solution.status or '':<9} {budget.elapsed:6.1f} s  {'; '.join(said)}; "
                f"{arrays:,} arrays; {memory:.1f} GB",
                flush=True,
            )


if __name__ == "__main__":
    main()
