"""Patterns cut down to, and filled up with, the rectangles that are there."""

from __future__ import annotations

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.search.packing import Sizes, fill_space
from sbdopt.search.patterns.guillotine import Places
from sbdopt.search.patterns.master import Master
from sbdopt.search.patterns.supplies import Supply

Used = list[tuple[int, Places]]
"""Supply and rectangles of each array used."""


def trimmed(master: Master, use: IntArray) -> Used:
    """Arrays of the patterns used so often, without the rectangles that are too many."""
    left = master.wanted.copy()
    result: Used = []
    for pattern, amount, times in zip(master.patterns, master.amounts, use.tolist(), strict=True):
        inside = amount > 0
        whole = min(times, int((left[inside] // amount[inside]).min())) if times else 0
        result += [(pattern.supply, pattern.places)] * whole
        left -= whole * amount
        for _ in range(times - whole):
            kept = within(pattern.places, left)
            if kept:
                result.append((pattern.supply, kept))
    return result


def within(places: Places, left: IntArray) -> Places:
    """As many of the rectangles as are left of their sizes, which become fewer."""
    kept = []
    for place in places:
        if left[place[0]]:
            left[place[0]] -= 1
            kept.append(place)
    return tuple(kept)


def topped_up(supply: Supply, places: Places, sizes: Sizes, left: IntArray) -> Places:
    """A pattern without what is too much of it, and with whatever else finds room; `left` is not changed."""
    space, left = supply.space(), left.copy()
    kept = within(places, left)
    for size, row, column in kept:
        space.take(row, column, int(sizes.height[size]), int(sizes.width[size]))
    largest_first = np.argsort(-sizes.height * sizes.width, kind="stable").tolist()
    return (*kept, *fill_space(space, sizes, largest_first, left))
