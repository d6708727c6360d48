"""Find rectangles that overlap, without looking at cells."""

from __future__ import annotations

import numpy as np

from sbdopt.documents import BoolArray, IntArray

_CHUNK = 1 << 21


def first_overlap(
    group: IntArray,
    top: IntArray,
    left: IntArray,
    height: IntArray,
    width: IntArray,
    fixed: BoolArray | None = None,
) -> tuple[int, int] | None:
    """Two rectangles of the same group that share a cell, or None.

    Pairs of two `fixed` rectangles do not count. Along one axis the rectangles are sorted by where they
    begin, so that those that begin before another ends are a run right after it; only these pairs are
    compared along the other axis. Each group uses the axis that leaves fewer pairs.
    """
    if len(group) < 2:
        return None
    _, group = np.unique(group, return_inverse=True)
    by_row = _runs(group, top, height)
    by_column = _runs(group, left, width)
    groups = int(group.max()) + 1
    pairs_by_row = np.bincount(group[by_row[0]], weights=by_row[1], minlength=groups)
    pairs_by_column = np.bincount(group[by_column[0]], weights=by_column[1], minlength=groups)
    rows_first = pairs_by_row <= pairs_by_column
    for order, length, wanted in (
        (*by_row, rows_first),
        (*by_column, ~rows_first),
    ):
        found = _first_in_runs(
            order, np.where(wanted[group[order]], length, 0), top, left, height, width, fixed
        )
        if found is not None:
            return found
    return None


def _runs(group: IntArray, begin: IntArray, size: IntArray) -> tuple[IntArray, IntArray]:
    """Order along one axis, and how many right after each begin before it ends (same group)."""
    order = np.lexsort((begin, group)).astype(np.int64)
    low = begin.min()
    span = int((begin + size).max() - low) + 1
    key = group[order] * span + (begin[order] - low)
    end = key + size[order]
    return order, np.searchsorted(key, end, side="left") - np.arange(1, len(order) + 1)


def _first_in_runs(
    order: IntArray,
    length: IntArray,
    top: IntArray,
    left: IntArray,
    height: IntArray,
    width: IntArray,
    fixed: BoolArray | None,
) -> tuple[int, int] | None:
    total = np.cumsum(length)
    begin = 0
    while begin < len(order):
        done = total[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, done + _CHUNK, side="right")))
        runs = length[begin:end]
        one = np.repeat(np.arange(begin, end), runs)
        two = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(runs) - runs, runs)
        a, b = order[one], order[two]
        clash = (
            (top[a] < top[b] + height[b])
            & (top[b] < top[a] + height[a])
            & (left[a] < left[b] + width[b])
            & (left[b] < left[a] + width[a])
        )
        if fixed is not None:
            clash &= ~(fixed[a] & fixed[b])
        hit = np.flatnonzero(clash)
        if len(hit):
            i, j = int(a[hit[0]]), int(b[hit[0]])
            return min(i, j), max(i, j)
        begin = end
    return None
