"""Measure how well time limits are kept, from the start of the process to its end.

    python scripts/bench_limits.py [--time-limits 1,2,5] [--turns 3] [NAME...]

NAME is a problem of problems/, or `pruned`: BERT-large, every block of which keeps 30 to 100 % of its rows
and columns. Printed are the seconds of each turn, and by how much the limit was missed in the median.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pruned import HARDWARE, pruned

from sbdopt import make_model

PROBLEMS = Path(__file__).parent.parent / "problems"
NAMES = ("mixed-40", "pruned-3000", "pruned")


def path_of(name: str, folder: Path) -> Path:
    """The file of a problem, made if it is not one of problems/."""
    if name != "pruned":
        return PROBLEMS / f"{name}.json"
    path = folder / "pruned.json"
    pruned(make_model("bert-large", HARDWARE), np.random.default_rng(0)).save(path)
    return path


def seconds_of(path: Path, limit: float, folder: Path) -> float:
    """Wall time of one command; it must find something."""
    arguments = ["solve", str(path), "-o", str(folder / "solution.json"), "--time-limit", str(limit)]
    begin = time.monotonic()
    subprocess.run([sys.executable, "-m", "sbdopt", *arguments, "--quiet"], check=True)
    return time.monotonic() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", default=NAMES)
    parser.add_argument("--time-limits", default="1,2,5")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for problem in options.names:
            path = path_of(problem, folder)
            for limit in map(float, options.time_limits.split(",")):
                taken = [seconds_of(path, limit, folder) for _ in range(options.turns)]
                said = "  ".join(f"{one:.2f}" for one in taken)
                over = statistics.median(taken) / limit - 1
                print(f"{problem:<12} limit {limit:g} s: {said}  ({over:+.1%})", flush=True)


if __name__ == "__main__":
    main()
