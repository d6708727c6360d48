"""How long the projection takes, how near it is to a batched SVD's, and what memory it needs.

    python scripts/bench_project.py

Random float32 weights of 4096 x 4096 and 11008 x 4096 in 64 + 64 blocks. The SVD is of every 32nd block of R.
"""

from __future__ import annotations

import resource
import time

import numpy as np

from sbdopt.monarch import Pattern, project


def main() -> None:
    rng = np.random.default_rng(0)
    pattern = Pattern(64, 64)
    for inputs, outputs in ((4096, 4096), (11008, 4096)):
        weight = rng.standard_normal((inputs, outputs), dtype=np.float32)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begin, cpu = time.monotonic(), time.process_time()
        found = project(weight, pattern)
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / weight.nbytes
        height, width = pattern.slice_shape(inputs, outputs)
        mine = best = 0.0
        for i in range(0, pattern.right_blocks, 32):
            rows = weight[i * height : (i + 1) * height]
            slices = rows.reshape(height, 64, width).transpose(1, 0, 2).astype(np.float64)
            best += float((np.linalg.svd(slices, compute_uv=False)[:, 1:] ** 2).sum())
            mine += float(((slices - found.right[i].transpose(1, 0, 2) @ found.left[:, i]) ** 2).sum())
        above = np.sqrt(mine / best) - 1
        print(
            f"{inputs} x {outputs}: {seconds:.2f} s ({cpu:.2f} s of CPU), error {above:.1e} above the SVD's, "
            f"peak memory {1 + more:.2f} times the matrix",
            flush=True,
        )


if __name__ == "__main__":
    main()
