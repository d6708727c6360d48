"""Find rectangles and intervals that overlap, without looking at cells."""

from __future__ import annotations

from collections.abc import Iterator

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
    """Two rectangles of the same group that share a cell, or None; all have at least one cell.

    Pairs of two `fixed` rectangles do not count. Each group is cut into strips as high as its rectangles are
    on average, and rectangles that overlap meet in some strip. Within a strip they are sorted along one axis
    by where they begin, so that those that begin before another ends are a run right after it; only these
    pairs are compared along the other axis. Each strip uses the axis that leaves fewer pairs.
    """
    if len(group) < 2:
        return None
    member, strip = _strips(group, top, height)
    by_row = _runs(strip, top[member], height[member])
    by_column = _runs(strip, left[member], width[member])
    strips = int(strip.max()) + 1
    pairs_by_row = np.bincount(strip[by_row[0]], weights=by_row[1], minlength=strips)
    pairs_by_column = np.bincount(strip[by_column[0]], weights=by_column[1], minlength=strips)
    rows_first = pairs_by_row <= pairs_by_column
    for (order, length), wanted in ((by_row, rows_first), (by_column, ~rows_first)):
        first = np.arange(1, len(order) + 1)
        for one, two in _pairs_in_runs(first, np.where(wanted[strip[order]], length, 0)):
            a, b = member[order[one]], member[order[two]]
            clash = (
                (top[a] < top[b] + height[b])
                & (top[b] < top[a] + height[a])
                & (left[a] < left[b] + width[b])
                & (left[b] < left[a] + width[a])
            )
            if fixed is not None:
                clash &= ~(fixed[a] & fixed[b])
            if clash.any():
                hit = int(clash.argmax())
                return min(int(a[hit]), int(b[hit])), max(int(a[hit]), int(b[hit]))
    return None


def overlapping_intervals(
    begin: IntArray, end: IntArray, other_begin: IntArray, other_end: IntArray
) -> tuple[int, Iterator[tuple[IntArray, IntArray]]]:
    """Pairs of an interval and an other one that overlap: how many, and the pairs as two columns, in chunks.

    Intervals are begin .. end - 1 and not empty. Of two that overlap one begins within the other, so that
    there are two lots of runs: for each interval the others that begin within it, and for each other one
    the intervals that begin within it, but later than it does.
    """
    order, other_order = np.argsort(begin, kind="stable"), np.argsort(other_begin, kind="stable")
    sorted_begin, sorted_other = begin[order], other_begin[other_order]
    first_other = np.searchsorted(sorted_other, begin, side="left")
    others = np.searchsorted(sorted_other, end, side="left") - first_other
    first = np.searchsorted(sorted_begin, other_begin, side="right")
    length = np.searchsorted(sorted_begin, other_end, side="left") - first

    def pairs() -> Iterator[tuple[IntArray, IntArray]]:
        for one, place in _pairs_in_runs(first_other, others):
            yield one, other_order[place]
        for other, place in _pairs_in_runs(first, length):
            yield order[place], other

    return int(others.sum() + length.sum()), pairs()


def _pairs_in_runs(first: IntArray, length: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """All pairs of a number i and a number of its run first[i] .. first[i] + length[i] - 1.

    They come as two columns, a few million at a time (more only where a single run is longer).
    """
    total = np.cumsum(length)
    begin = 0
    while begin < len(first):
        done = int(total[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, done + _CHUNK, side="right")))
        runs = length[begin:end]
        if total[end - 1] > done:
            before = np.cumsum(runs) - runs
            yield (
                np.repeat(np.arange(begin, end), runs),
                np.arange(total[end - 1] - done) + np.repeat(first[begin:end] - before, runs),
            )
        begin = end


def _strips(group: IntArray, top: IntArray, height: IntArray) -> tuple[IntArray, IntArray]:
    """For each piece of a rectangle the rectangle, and the number of the strip that it lies in.

    Since a strip is at least as high as the mean, there are at most three times as many pieces as rectangles.
    """
    _, group = np.unique(group, return_inverse=True)
    count = np.bincount(group)
    total = np.bincount(group, weights=height)
    high = np.ceil(total / count).astype(np.int64)[group]
    low = top - top.min()
    first = low // high
    pieces = (low + height - 1) // high - first + 1
    member = np.repeat(np.arange(len(group)), pieces)
    place = np.arange(len(member)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + first[member]
    _, strip = np.unique(group[member] * (int(place.max()) + 1) + place, return_inverse=True)
    return member, strip


def _runs(group: IntArray, begin: IntArray, size: IntArray) -> tuple[IntArray, IntArray]:
    """Order along one axis, and how many right after each begin before it ends (same group)."""
    low = begin.min()
    span = int((begin + size).max() - low) + 1
    key = group * span + (begin - low)
    order = np.argsort(key, kind="stable")
    key = key[order]
    return order, np.searchsorted(key, key + size[order], side="left") - np.arange(1, len(order) + 1)
