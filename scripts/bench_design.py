"""How long `design` takes for Llama-2-7B's 224 weights with 12 candidates each, errors given.

    python scripts/bench_design.py

The errors are random but fall with the cells, as those of real weights do. Choosing is timed; packing is
timed apart, of one choice.
"""

from __future__ import annotations

import os
import time

import numpy as np

from sbdopt.design import Candidate, Chooser, pack
from sbdopt.design.candidates import costed
from sbdopt.models import MODELS
from sbdopt.problem import ArrayKind, Hardware
from sbdopt.projection import Choice, Plan
from sbdopt.search.budget import Budget
from sbdopt.transformers import Structure

HARDWARE = Hardware(arrays=[ArrayKind(name="xbar", rows=256, columns=256, adcs=8)])
CELLS = 256 * 256


def candidates_of_llama() -> dict[str, list[Candidate]]:
    model, rng = MODELS["llama-2-7b"], np.random.default_rng(0)
    result = {}
    for name in Structure(model.layers, model.norm_first, model.gated).weights():
        shape = list(model.shape(name.rpartition(".")[2]))
        pairs = [(side, rank) for side in (16, 32, 64, 128) for rank in (1, 2, 4)][:11]
        decay, some = rng.uniform(0.1, 0.5), []
        for side, rank in pairs:
            choice = Choice(shape=shape, blocks=[side, side], rank=rank)
            share = choice.cells / (shape[0] * shape[1])
            error = float(min(1.0, (1 - share) ** 0.5 * (1 - decay * share) * rng.uniform(0.95, 1.0)))
            some.append(costed(choice.model_copy(update={"error": error}), HARDWARE))
        result[name] = [*some, costed(Choice(shape=shape, error=0.0), HARDWARE)]
    return result


def main() -> None:
    candidates = candidates_of_llama()
    count = {len(some) for some in candidates.values()}
    chooser = Chooser(candidates, workers=os.cpu_count() or 1)
    print(f"{len(candidates)} weights with {count} candidates each")
    begin = time.monotonic()
    picked = chooser.least_error(chooser.most_cells // 4)
    assert picked is not None
    proven = picked.error == picked.error_bound
    print(f"least error on {chooser.most_cells // 4 // CELLS:,} arrays: {picked.error:.6f}, ", end="")
    print(f"bound {picked.error_bound:.6f}, proven {proven}, {time.monotonic() - begin:.1f} s", flush=True)
    begin, shares = time.monotonic(), np.linspace(0, 1, 10)
    for share in shares:
        cells = round(chooser.least_cells ** (1 - share) * chooser.most_cells**share)
        one = chooser.least_error(cells)
        assert one is not None
        print(
            f"  {one.cells / CELLS:9,.1f} arrays by cells, error {one.error:.6f}, bound {one.error_bound:.6f}"
        )
    print(f"front of 10 points: {time.monotonic() - begin:.1f} s", flush=True)
    begin = time.monotonic()
    plan = Plan(model="llama", weights={name: one.choice for name, one in picked.candidates.items()})
    arrays = pack(HARDWARE, lambda: Budget(seconds=10, workers=os.cpu_count() or 1))(plan)
    print(
        f"packed: {arrays:,} arrays, at least {-(-picked.cells // CELLS):,}; {time.monotonic() - begin:.1f} s"
    )


if __name__ == "__main__":
    main()
