"""What cuts by columns bring: the makespan of whole blocks, of the best split, and the bound of all cuts.

    python scripts/bench_split.py [PROBLEM...] [--goal unused_cells,makespan] [--time-limit 60]

Without a problem: BERT-large with either goal first.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sbdopt import Budget, Problem, check, split

ROOT = Path(__file__).parent.parent
BERT = ROOT / "problems" / "bert-large.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("problems", nargs="*", type=Path)
    parser.add_argument("--goal", default="unused_cells,makespan")
    parser.add_argument("--time-limit", type=float, default=60)
    options = parser.parse_args()
    asked = [(path, options.goal) for path in options.problems]
    for path, goal in asked or [(BERT, "unused_cells,makespan"), (BERT, "makespan,unused_cells")]:
        budget = Budget(seconds=options.time_limit, workers=os.cpu_count() or 1)
        made = split(Problem.load(path), goals=goal.split(","), budget=budget)
        seconds, metrics = budget.elapsed, made.solution.metrics
        assert metrics is not None
        summary = (made.solution.solver or {})["split"]
        agrees = check(made.split.problem, made.solution).agrees
        print(f"{path.stem}, {goal}: {seconds:.1f} s, {metrics.arrays:,} arrays, check: {agrees}")
        for name in goal.split(","):
            bound, proof = summary["bounds"].get(name), summary["proofs"].get(name, "unknown")
            print(f"  {name}: whole {summary['whole'][name]}, split {made.solution.value(name)}, ", end="")
            print(f"bound of all cuts {bound} ({proof})")
        print(f"  blocks {summary['blocks']:,}, pieces {summary['pieces']:,}, ", end="")
        print(f"drives {summary['drives_before']}, split {summary['drives_after']}", flush=True)


if __name__ == "__main__":
    main()
