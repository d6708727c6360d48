"""Circles: blocks that may share rows or columns of a step, and which blocks a step may hold besides."""

from __future__ import annotations

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray

_MOST_SIZES = 4000
PARTS = 720720
"""Parts of a step that blocks share: what up to 16 of them share evenly, they share without loss."""


def may_join(blocks: Blocks, unused: int | None) -> BoolArray:
    """Blocks that leave no more than `unused` cells empty where a step reads them with some other block.

    Two blocks of a step that share neither rows nor columns leave two crossings empty, h_i w_j + h_j w_i
    cells, which are unused cells of their array - unless a third block of the step stands there, which then
    shares rows with one and columns with the other. Blocks must also fit side by side on the diagonal.
    """
    kinds = blocks.hardware.arrays
    sizes, place = np.unique(np.stack([blocks.height, blocks.columns]), axis=1, return_inverse=True)
    if sizes.shape[1] > _MOST_SIZES:
        return np.ones(len(blocks), dtype=bool)
    height, width = sizes
    together = np.zeros((len(height), len(height)), dtype=bool)
    for kind in kinds:
        together |= (height[:, None] + height <= kind.rows) & (width[:, None] + width <= kind.columns)
    if unused is not None:
        together &= np.outer(height, width) + np.outer(width, height) <= unused
    joinable: BoolArray = np.any(together, axis=1)[place.reshape(-1)]
    return joinable


def circles_of(blocks: Blocks) -> IntArray:
    """The circle of each block: blocks that may share rows or columns, directly or through others.

    Rows are shared only by blocks whose inputs of one vector meet, columns only by blocks of an operator
    whose outputs meet. If two blocks of a step are of different circles, no third one stands on their
    crossings, for that would join the circles: the crossings are empty, so that both are in `may_join`.
    So all blocks of a step are of one circle if one of them is of a circle without such blocks.
    """
    by_input = _runs(blocks.vector, blocks.input, blocks.height)
    by_output = _runs(blocks.operator, blocks.output, blocks.width)
    circle = np.arange(len(blocks))
    while True:
        before = circle
        for run in (by_input, by_output):
            least = np.full(len(blocks), len(blocks), dtype=np.int64)
            np.minimum.at(least, run, circle)
            circle = least[run]
        if (circle == before).all():
            return circle


def closed_circles(circle: IntArray, joinable: BoolArray) -> BoolArray:
    """Blocks whose circles have none that may be read with a block of another circle."""
    return ~np.isin(circle, circle[joinable])


def _runs(group: IntArray, begin: IntArray, size: IntArray) -> IntArray:
    """A number for each interval: equal for intervals of a group that meet, directly or through others."""
    order = np.lexsort((begin, group))
    span = int((begin + size).max()) + 1
    low = group[order] * span + begin[order]
    reach = np.maximum.accumulate(low + size[order])
    result = np.zeros(len(group), dtype=np.int64)
    result[order[1:]] = np.cumsum(low[1:] >= reach[:-1])
    return result


def stacked(blocks: Blocks) -> BoolArray:
    """Blocks of an operator with outputs that another of its blocks adds to as well."""
    outputs = _runs(blocks.operator, blocks.output, blocks.width)
    result: BoolArray = np.bincount(outputs)[outputs] > 1
    return result


def shares_of_steps(blocks: Blocks, circle: IntArray, chosen: BoolArray) -> IntArray:
    """Per operator the parts of steps that the circles of the chosen blocks need for it.

    A circle takes at least one step of its own for any of the operators that it has blocks of. If a step
    cannot read all its blocks, but at most k, it takes at least one for every k of any of its blocks.
    """
    pairs, number = np.unique(np.stack([circle[chosen], blocks.operator[chosen]]), axis=1, return_counts=True)
    _, place, sharing = np.unique(pairs[0], return_inverse=True, return_counts=True)
    size, most = np.bincount(circle)[pairs[0]], most_in_a_step(blocks, circle)[pairs[0]]
    parts = np.where(most < size, PARTS * number // most, PARTS // sharing[place])
    result = np.zeros(len(blocks.predecessors), dtype=np.int64)
    np.add.at(result, pairs[1], parts)
    return result


def most_in_a_step(blocks: Blocks, circle: IntArray) -> IntArray:
    """Per circle the most of its blocks that a step can read.

    Blocks of different outputs share no columns, so that only as many fit as stand side by side.
    """
    widest = max(kind.columns for kind in blocks.hardware.arrays)
    order = np.lexsort((blocks.columns, circle))
    filled = np.cumsum(blocks.columns[order])
    begins = np.searchsorted(circle[order], circle[order])
    filled -= (filled - blocks.columns[order])[begins]
    result = np.bincount(circle[order], weights=filled <= widest, minlength=len(blocks)).astype(np.int64)
    size = np.bincount(circle, minlength=len(blocks))
    piled = circle[stacked(blocks)]
    result[piled] = size[piled]
    return result
