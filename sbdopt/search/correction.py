"""Sequential value correction: what ended up in wasteful arrays is taken earlier the next time.

After the value correction of Mukhacheva for cutting stock; see Belov and Scheithauer, *Setup and open-stacks
minimization in one-dimensional stock cutting*, INFORMS Journal on Computing 19, 2007.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.packing import Filling, Sizes, fill

_NOISE = 0.1


def corrected(
    kinds: Sequence[ArrayKind], sizes: Sizes, fillings: Sequence[Filling], seed: int, budget: Budget
) -> Iterator[list[Filling] | None]:
    """Fillings in ever new orders of the sizes, without end.

    A size is worth its cells, times how much more than what it used its arrays took, mixed with what it was
    worth before and with some noise; sizes that are worth more are taken first.
    """
    random = np.random.default_rng(seed)
    area = (sizes.height * sizes.width).astype(np.float64)
    value = area.copy()
    last: Sequence[Filling] | None = fillings
    while True:
        if last is not None:
            weight = random.uniform(0.2, 0.8)
            value = (1 - weight) * value + weight * area * _cost(kinds, sizes, last)
        noisy = value * random.uniform(1 - _NOISE, 1 + _NOISE, len(value))
        last = fill(kinds, sizes, np.argsort(-noisy, kind="stable").tolist(), budget)
        yield last


def _cost(kinds: Sequence[ArrayKind], sizes: Sizes, fillings: Sequence[Filling]) -> npt.NDArray[np.float64]:
    """Of each size the mean of all cells / used cells of the arrays that its rectangles stand on."""
    total = np.zeros(len(sizes.count))
    for filling in fillings:
        inside = np.array([size for size, _, _ in filling.places])
        used = int((sizes.height[inside] * sizes.width[inside]).sum())
        kind = kinds[filling.kind]
        np.add.at(total, inside, kind.cells / used)
    mean: npt.NDArray[np.float64] = total / sizes.count
    return mean
