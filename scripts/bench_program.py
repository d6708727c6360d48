"""What a program takes: seconds to compile and to run, megabytes, and whether it yields x W exactly.

    python scripts/bench_program.py [PROBLEM SOLUTION]...

Without arguments: BERT-large. Seconds are of the wall clock, and in brackets of the process.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sbdopt import Problem, Solution, compile_program, load_program, run_program, save_program
from sbdopt.blocks import Blocks
from sbdopt.check import legal_placement
from sbdopt.program import vectors_of
from sbdopt.simulate import compare
from sbdopt.weights.references import make_inputs
from sbdopt.weights.store import make_weights

ROOT = Path(__file__).parent.parent
BERT = [str(ROOT / folder / "bert-large.json") for folder in ("problems", "solutions")]


class Watch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __str__(self) -> str:
        return f"{time.perf_counter() - self.wall:.1f} s ({time.process_time() - self.cpu:.1f} s)"


def main() -> None:
    given = sys.argv[1:] or BERT
    for problem, solution in zip(given[::2], given[1::2], strict=True):
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(problem), Path(solution), Path(folder) / "p.json")


def measure(problem_file: Path, solution_file: Path, path: Path) -> None:
    watch = Watch()
    problem = Problem.load(problem_file)
    blocks = Blocks.of(problem)
    placement = legal_placement(blocks, Solution.load(solution_file), str(solution_file))
    rng = np.random.default_rng(0)
    weights, inputs = make_weights(problem, rng), make_inputs(problem, rng)
    compiled = compile_program(blocks, placement, weights, cells_name="p.safetensors", seed=0)
    size = save_program(compiled, path)
    print(f"{problem.name}: {len(blocks):,} blocks, {len(compiled.program.commands):,} commands")
    print(f"  read, compiled and written: {watch}")
    print(f"  program {size / 1e6:.2f} MB, cells {len(compiled.cells) / 1e6:.1f} MB")
    folding = compiled.folding
    print(f"  permutations: {folding.before.permutations}, folded {folding.after.permutations}")
    watch = Watch()
    loaded = load_program(path)
    outputs = run_program(loaded.program, loaded.cells, vectors_of(loaded.program, inputs))
    print(f"  read and run: {watch}")
    agreements = compare(blocks, outputs, weights, inputs)
    equal = sum(agreement.exact and agreement.agrees for agreement in agreements)
    print(f"  exactly x W: {equal} of {len(agreements)} operators")


if __name__ == "__main__":
    main()
