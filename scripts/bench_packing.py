"""Draw pure packing problems, solve each for the fewest arrays, and print what was proven.

    python scripts/bench_packing.py [--part a|b|c] [--time-limit 10] [--each 2000] [--families 20]
        [--large | --step STEP] [--first 0] [--seeds 3]

Part a: five sizes, as many blocks of each as --each says, on arrays of 256 x 256; files are read and written
as `sbdopt solve` does. Part b: families of one to six sizes drawn at random (seeds 0, 1, ...), 5,000 to
12,000 blocks, sides of 8 to 64; with --large to 128, of which few fit an array and bounds are further away,
and with --step all multiples of STEP from 8 to 128.
Part c:
the classes 1-6 of Berkey and Wang (1987) and 7-10 of Martello and Vigo (1998) by their published rules, no
rotation, --seeds instances each of 20, 40, 60, 80 and 100 rectangles; beside rectpack, if it is installed
(`pip install rectpack`): the best that any of its rules finds for each instance.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from sbdopt import Budget, Problem, Solution, solve

Sizes = list[tuple[int, int]]
"""(height, width) of every block."""

FIVE_SIZES = ((32, 32), (64, 16), (16, 64), (48, 24), (24, 48))
SIDES = (8, 16, 24, 32, 40, 48, 64)
LARGE_SIDES = (*SIDES, 80, 96, 128)
BERKEY_WANG = ((10, 10), (10, 30), (35, 40), (35, 100), (100, 100), (100, 300))
"""Of each class the longest side of a rectangle, and the side of the bin."""
MARTELLO_VIGO_BIN = 100
NUMBERS = (20, 40, 60, 80, 100)


def packing_problem(name: str, sizes: Sizes, side: int) -> Problem:
    """One operator with all blocks on its diagonal, square arrays."""
    height, width = np.array(sizes, dtype=np.int64).T
    blocks = {
        "input": (np.cumsum(height) - height).tolist(),
        "output": (np.cumsum(width) - width).tolist(),
        "height": height.tolist(),
        "width": width.tolist(),
    }
    shape = [int(height.sum()), int(width.sum())]
    hardware = {"arrays": [{"name": "bin", "rows": side, "columns": side, "adcs": 8}]}
    operators = [{"name": "operator", "shape": shape, "blocks": blocks}]
    return Problem.model_validate({"name": name, "hardware": hardware, "operators": operators})


def family(seed: int, sides: Sequence[int]) -> Problem:
    """One to six different sizes; shares of the blocks drawn evenly."""
    rng = np.random.default_rng(seed)
    number, total = int(rng.integers(1, 7)), int(rng.integers(5_000, 12_001))
    pairs = list(product(sides, sides))
    chosen = [pairs[k] for k in rng.choice(len(pairs), number, replace=False)]
    counts = 1 + rng.multinomial(total - number, rng.dirichlet(np.ones(number)))
    sizes = [size for size, count in zip(chosen, counts.tolist(), strict=True) for _ in range(count)]
    return packing_problem(f"family-{seed}", sizes, 256)


def classical(number: int, count: int, seed: int) -> tuple[Sizes, int]:
    """Rectangles of one of the ten classes, and the side of the bin."""
    rng = np.random.default_rng([number, count, seed])
    if number <= 6:
        longest, side = BERKEY_WANG[number - 1]
        return [tuple(pair) for pair in rng.integers(1, longest + 1, (count, 2)).tolist()], side
    side = MARTELLO_VIGO_BIN
    large, half = -(-2 * side // 3), side // 2
    types = (((1, half), (large, side)), ((large, side), (1, half)), ((half, side), (half, side)))
    ranges = (*types, ((1, half), (1, half)))
    shares = np.full(4, 0.1)
    shares[number - 7] = 0.7
    kinds = rng.choice(4, count, p=shares).tolist()
    return [tuple(int(rng.integers(low, high + 1)) for low, high in ranges[kind]) for kind in kinds], side


def rectpack_bins(sizes: Sizes, side: int) -> int | None:
    """The fewest bins that any rule of rectpack needs; None if it is not installed."""
    try:
        import rectpack
    except ImportError:
        return None
    algorithms = [
        getattr(rectpack, name) for name in dir(rectpack) if name.startswith(("MaxRects", "Skyline"))
    ]
    sorts = [getattr(rectpack, f"SORT_{name}") for name in ("AREA", "PERI", "SSIDE", "LSIDE")]
    fewest = len(sizes)
    for algorithm, sort, choice in product(
        algorithms, sorts, (rectpack.PackingBin.BFF, rectpack.PackingBin.BBF)
    ):
        packer = rectpack.newPacker(bin_algo=choice, pack_algo=algorithm, sort_algo=sort, rotation=False)
        packer.add_bin(side, side, count=float("inf"))
        for height, width in sizes:
            packer.add_rect(width, height)
        packer.pack()
        if sum(len(packed) for packed in packer) == len(sizes):
            fewest = min(fewest, len(packer))
    return fewest


def solved(problem: Problem, seconds: float) -> tuple[Solution, Budget]:
    budget = Budget(seconds=seconds, workers=os.cpu_count() or 1)
    return solve(problem, goals=("unused_cells",), budget=budget), budget


def report(problem: Problem, solution: Solution, seconds: float, more: str = "") -> tuple[int, int]:
    """Print one line; arrays, and the arrays that the bound says."""
    cells = problem.hardware.arrays[0].rows ** 2
    assert solution.metrics is not None
    assert solution.bounds is not None
    arrays, bound = solution.metrics.arrays or 0, solution.bounds.unused_cells or 0
    least = arrays - ((solution.metrics.unused_cells or 0) - bound) // cells
    proof = ((solution.solver or {}).get("proofs") or {}).get("unused_cells", "-")
    said = f"{arrays} arrays, bound {least} ({proof}){more}"
    print(f"{problem.name:<18} {solution.status:<9} {seconds:7.2f} s  {said}", flush=True)
    return arrays, least


def few_sizes(each: int, seconds: float) -> None:
    sizes = np.random.default_rng(0).permutation(np.repeat(FIVE_SIZES, each, axis=0)).tolist()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.json"
        packing_problem(f"five-sizes-{5 * each}", sizes, 256).save(path)
        begin = time.perf_counter()
        problem = Problem.load(path)
        solution, budget = solved(problem, seconds)
        solution.save(Path(folder) / "solution.json")
        whole = time.perf_counter() - begin
    report(problem, solution, budget.elapsed, f"; {whole:.2f} s with reading and writing")


def families(seeds: range, sides: Sequence[int], seconds: float) -> None:
    proven, furthest = 0, 0
    for seed in seeds:
        problem = family(seed, sides)
        solution, budget = solved(problem, seconds)
        arrays, least = report(problem, solution, budget.elapsed)
        proven += solution.status == "optimal"
        furthest = max(furthest, arrays - least)
    print(f"{proven} of {len(seeds)} proven, at most {furthest} arrays from the bound")


def instances(seeds: int) -> Iterator[tuple[str, Sizes, int]]:
    for number, count, seed in product(range(1, 11), NUMBERS, range(seeds)):
        yield (f"class-{number}-{count}-{seed}", *classical(number, count, seed))


def classes(seeds: int, seconds: float) -> None:
    total: dict[str, Any] = {"arrays": 0, "bound": 0, "rectpack": 0}
    proven = number = 0
    for name, sizes, side in instances(seeds):
        problem = packing_problem(name, sizes, side)
        solution, budget = solved(problem, seconds)
        peer = rectpack_bins(sizes, side)
        arrays, least = report(
            problem, solution, budget.elapsed, "" if peer is None else f", rectpack {peer}"
        )
        proven += solution.status == "optimal"
        number += 1
        total["arrays"] += arrays
        total["bound"] += least
        total["rectpack"] += peer or 0
    print(f"{proven} of {number} proven; in total {total}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--part", choices=("a", "b", "c"), default="a")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=10)
    parser.add_argument("--families", type=int, default=20)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--step", type=int)
    parser.add_argument("--first", type=int, default=0, help="seed of the first family")
    parser.add_argument("--each", type=int, default=2000)
    options = parser.parse_args()
    if options.part == "a":
        few_sizes(options.each, max(options.time_limit, 20))
    elif options.part == "b":
        sides = LARGE_SIDES if options.large else SIDES
        if options.step:
            sides = tuple(side for side in range(8, 129) if side % options.step == 0)
        families(range(options.first, options.first + options.families), sides, options.time_limit)
    else:
        classes(options.seeds, options.time_limit)


if __name__ == "__main__":
    main()
