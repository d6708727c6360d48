"""How many cells must be empty for some steps to be read on one array, even if they share empty cells.

The rows of a step and its columns cross in a rectangle (in general not of adjacent rows and columns) that
holds its blocks and else nothing: with heights h and widths w it leaves sum(h) sum(w) - sum(h w) cells empty,
each in the rows of one block and the columns of another. Two steps may share empty cells, but not all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from sbdopt.documents import IntArray

Step = tuple[tuple[int, int], ...]
"""Height and width of each block of a step."""


@lru_cache(maxsize=100_000)
def empty_cells(step: Step) -> int:
    """Cells where rows of one block of a step meet columns of another."""
    height, width = sum(h for h, _ in step), sum(w for _, w in step)
    return height * width - sum(h * w for h, w in step)


def most_shared(step: Step) -> int:
    """The most empty cells that a step can share with any one other."""
    return max((height * width for height, width in _parts(step)), default=0)


@lru_cache(maxsize=100_000)
def shared(one: Step, two: Step) -> int:
    """The most empty cells that two steps without a common block can share.

    Cells shared are those of R x C, where R are the rows and C the columns that both steps use. No block of
    either step has a cell there: it would stand where rows and columns of the other cross. So each block has
    no row in R or no column in C, and as many rows as R come from some blocks of a step, as many columns as C
    from its others. For the best way to divide both steps the smaller heights and widths limit R and C.
    """
    return max(
        (min(a, c) * min(b, d) for a, b in _parts(one) for c, d in _parts(two)),
        default=0,
    )


def shared_by_each_two(steps: Sequence[Step]) -> IntArray:
    """The most empty cells that each two steps can share, as `shared` says, with shape (steps, steps)."""
    longest = max((2 ** len(step) for step in steps), default=0)
    height, width = np.zeros((2, longest, len(steps)), dtype=np.int64)
    for k, step in enumerate(steps):
        for part, (h, w) in enumerate(_parts(step)):
            height[part, k], width[part, k] = h, w
    most = np.zeros((len(steps), len(steps)), dtype=np.int64)
    for i, j in product(range(longest), repeat=2):
        cells = np.minimum.outer(height[i], height[j]) * np.minimum.outer(width[i], width[j])
        np.maximum(most, cells, out=most)
    return most


def least_empty(steps: Sequence[Step]) -> tuple[int, tuple[int, ...]]:
    """The fewest cells that some steps of one array leave empty in all, and which of them show it.

    For every choice of steps, all their empty cells less what each two share (Bonferroni's inequality).
    """
    return _least_empty(tuple(steps))


@lru_cache(maxsize=100_000)
def _least_empty(steps: tuple[Step, ...]) -> tuple[int, tuple[int, ...]]:
    best, shown = 0, tuple[int, ...]()
    stack: list[tuple[int, tuple[int, ...], int]] = [(0, (), 0)]
    while stack:
        begin, chosen, cells = stack.pop()
        if cells > best:
            best, shown = cells, chosen
        for k in range(begin, len(steps)):
            more = empty_cells(steps[k]) - sum(shared(steps[j], steps[k]) for j in chosen)
            stack.append((k + 1, (*chosen, k), cells + more))
    return best, shown


@lru_cache(maxsize=100_000)
def _parts(step: Step) -> tuple[tuple[int, int], ...]:
    """Height of some blocks of a step and width of the others, for every division into two."""
    return tuple(
        (
            sum(h for i, (h, _) in enumerate(step) if some >> i & 1),
            sum(w for i, (_, w) in enumerate(step) if not some >> i & 1),
        )
        for some in range(1, 2 ** len(step) - 1)
    )
