"""The Monarch product whose outputs are nearest to a weight's, for inputs that are correlated."""

from __future__ import annotations

import numpy as np

from sbdopt.monarch import Monarch, Pattern, project
from sbdopt.monarch.pattern import Array


def regress(
    weight: Array, pattern: Pattern, covariance: Array, sweeps: int = 4, ridge: float = 1e-3
) -> Monarch:
    """The product M of `pattern` that makes E|x W - x M|^2 small for inputs x of this covariance.

    `project` whitens each block of inputs by itself, as if blocks were not correlated. Here the blocks of R
    are fitted in turn (block coordinate descent): with all others kept, the best slices of block i are the
    projection of C_ii^-1 (C W - sum over other blocks i' of C_ii' M_i')_i, whitened by C_ii, so that no step
    makes it worse. `ridge`, a share of the mean variance, is added to every variance: few calibration inputs
    say little of directions that they hardly show. Weight (inputs, outputs), covariance (inputs, inputs).
    """
    inputs = len(weight)
    start = project(weight, pattern, covariance)
    right, left = start.right.copy(), start.left.copy()
    c = covariance + ridge * np.trace(covariance) / inputs * np.eye(inputs)
    height = right.shape[1]
    product = start.dense().astype(np.float64)
    one = Pattern(1, pattern.left_blocks, pattern.rank)
    for _ in range(sweeps):
        for i in range(pattern.right_blocks):
            rows = slice(i * height, min((i + 1) * height, inputs))
            own = c[rows, rows]
            rest = weight - product
            rest[rows] = 0.0
            target = weight[rows] + np.linalg.solve(own, c[rows] @ rest)
            best = project(target, one, own)
            right[i, : rows.stop - rows.start], left[:, i] = best.right[0], best.left[:, 0]
            product[rows] = best.dense()
    return Monarch(right, left, inputs, weight.shape[1])
