"""Solve problems/ and keep the best solution of each in solutions/, which only ever get better.

    python scripts/solve_problems.py [--time-limit SECONDS] [NAME...]

A solution that is proven to be optimal is not looked for again. Others begin with what is known.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sbdopt import Blocks, Budget, Placement, Problem, Solution, judge, solve
from sbdopt.goals import DEFAULT_GOALS

ROOT = Path(__file__).parent.parent


def known(problem: Problem, path: Path) -> Solution | None:
    """The solution in the file, if there is one that is legal for this very problem."""
    if not path.exists():
        return None
    solution = Solution.load(path)
    same = solution.problem_sha256 == problem.sha256
    return solution if same and judge(Blocks.of(problem), solution).legal else None


def values(solution: Solution) -> tuple[int, ...]:
    return tuple(getattr(solution.metrics, goal) for goal in DEFAULT_GOALS)


def is_better(new: Solution, old: Solution | None) -> bool:
    """Whether its values are smaller, or equal and its bounds larger."""
    if new.metrics is None or old is None:
        return new.metrics is not None
    bounds = [tuple(getattr(one.bounds, goal) or 0 for goal in DEFAULT_GOALS) for one in (new, old)]
    return values(new) < values(old) or (values(new) == values(old) and bounds[0] > bounds[1])


def solve_one(path: Path, seconds: float) -> str:
    """Solve a problem, write what is better, and say what is best."""
    problem, target = Problem.load(path), ROOT / "solutions" / path.name
    old = known(problem, target)
    if old is not None and old.status == "optimal":
        return f"{said(old)}  known"
    start = None if old is None else Placement.read(Blocks.of(problem), old)
    budget = Budget(seconds=seconds, workers=os.cpu_count() or 1)
    new = solve(problem, budget=budget, start=start)
    for fault in (new.solver or {}).get("faults", []):
        print(f"{problem.name}: {fault}", file=sys.stderr)
    if is_better(new, old):
        new.save(target)
        return f"{said(new)}  {'new' if old is None else 'better'}"
    return f"{said(old)}  as before" if old is not None else f"{problem.name:<20}  {new.status}"


def said(solution: Solution) -> str:
    goals = (f"{getattr(solution.metrics, g):>11,} ({getattr(solution.bounds, g):,})" for g in DEFAULT_GOALS)
    return f"{solution.problem:<20}  {solution.status:<9}  {'  '.join(f'{goal:<25}' for goal in goals)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="problems; all if none is named")
    parser.add_argument("--time-limit", type=float, default=20.0, metavar="SECONDS", help="for each (20)")
    options = parser.parse_args()
    (ROOT / "solutions").mkdir(exist_ok=True)
    print("problem, status, unused cells (bound), makespan (bound)")
    for path in sorted((ROOT / "problems").glob("*.json")):
        if not options.names or path.stem in options.names:
            print(solve_one(path, options.time_limit), flush=True)


if __name__ == "__main__":
    main()
