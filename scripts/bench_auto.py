"""Look for a method that is better than `auto` at the same time limit, on problems/ in both orders of goals.

    python scripts/bench_auto.py [--time-limit 5] [--seed 0] [NAME...]

What `auto` proves to be optimal cannot be beaten, so no other method is run there. Exit code 1 if
any was better.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sbdopt import METHODS, Problem, bench
from sbdopt.bench import Row

PROBLEMS = Path(__file__).parent.parent / "problems"
ORDERS = (("unused_cells", "makespan"), ("makespan", "unused_cells"))


def values(row: Row, goals: tuple[str, ...]) -> tuple[float, ...]:
    """The goals; without a solution all are infinite."""
    found = (getattr(row, goal) for goal in goals)
    return tuple(float("inf") if value is None else value for value in found)


def better_than_auto(path: Path, goals: tuple[str, ...], seconds: float, seed: int) -> tuple[bool, bool]:
    """Print what `auto` reaches and what is better; whether anything is, and in the first goal."""

    def run(*methods: str) -> list[Row]:
        workers = os.cpu_count() or 1
        problems = [Problem.load(path)]
        return list(
            bench(problems, methods=methods, goals=goals, seconds=seconds, workers=workers, seed=seed)
        )

    (auto,) = run("auto")
    print(f"{path.stem:<18} {','.join(goals):<22} {auto.status:<9} {values(auto, goals)}", flush=True)
    others = () if auto.status == "optimal" else [name for name in METHODS if name != "auto"]
    better = [row for row in run(*others) if values(row, goals) < values(auto, goals)]
    for row in better:
        print(f"  better: {row.method} {values(row, goals)}", flush=True)
    first = goals[:1]
    return bool(better), any(values(row, first) < values(auto, first) for row in better)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="problems; all if none is named")
    parser.add_argument("--time-limit", type=float, default=5.0, metavar="SECONDS", help="for each (5)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    paths = [path for path in sorted(PROBLEMS.glob("*.json")) if path.stem in (options.names or [path.stem])]
    found = [
        better_than_auto(path, goals, options.time_limit, options.seed) for path in paths for goals in ORDERS
    ]
    beaten, in_the_first = map(sum, zip(*found, strict=True))
    print(
        f"{len(found)} problems and orders: auto is beaten in {beaten}, in the first goal in {in_the_first}"
    )
    return 1 if beaten else 0


if __name__ == "__main__":
    sys.exit(main())
