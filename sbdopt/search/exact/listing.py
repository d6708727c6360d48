"""All ways to deal chained operators to arrays that are alike within a number of cycles, listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.exact.portions import NEVER, Portions

_CHUNK = 1 << 18
"""Pairs that are looked at at once."""
_MOST_PAIRS = 1 << 26
"""Pairs that are looked at for one operator before it is given up."""


@dataclass(frozen=True)
class Listing:
    """Blocks of each array and cycles of each operator, a row each.

    Whatever solution there is, a row has the same blocks on each array (in some order of the arrays) and no
    fewer cycles for any operator.
    """

    masks: IntArray
    """Of each array the blocks on it, as bits, with shape (rows, arrays)."""
    cycles: IntArray
    """Shape (rows, operators)."""
    filled: IntArray
    """Cells of blocks and cells that must be empty, on each array, at least."""

    def __len__(self) -> int:
        return len(self.masks)

    def take(self, rows: IntArray | BoolArray) -> Listing:
        """Some of the rows."""
        return Listing(self.masks[rows], self.cycles[rows], self.filled[rows])


@dataclass(frozen=True)
class _Partial:
    """Deals of the operators from one on, with what `Portions` says of each."""

    masks: IntArray
    cycles: IntArray
    """Shape (rows, operators from that one on)."""
    total: IntArray
    room: IntArray
    area: IntArray
    empty: IntArray
    single: IntArray
    own: IntArray


def list_all(
    dealt: Sequence[Portions],
    bits: Sequence[int],
    cells: int,
    unused: int,
    within: int,
    most: int,
    ended: Callable[[], bool],
) -> Listing | None:
    """Every deal of all operators that may fit by area, with as many cycles as `within` allows.

    Operators have so many `bits` each, and are dealt from the last on, which has the highest. Arrays are in
    descending order of their bits, which does not exclude that of blocks that are alike later ones, with
    higher bits, are on no later array: of all orders the one with the greatest bits, array by array, is both.
    Rows that fill least come first, since solutions are likeliest there. None if there are more than `most`
    rows, or if time ended.
    """
    arrays = dealt[0].masks.shape[1]
    none, start = np.zeros((1, arrays), dtype=np.int64), np.zeros(1, dtype=np.int64)
    rows = _Partial(none, np.zeros((1, 0), dtype=np.int64), start, start + NEVER, none, none, none, none)
    least = [int(portions.cycles.min(initial=NEVER)) for portions in dealt]
    for k in range(len(dealt) - 1, -1, -1):
        joined = _join(rows, dealt[k], bits[k], cells, unused, within - sum(least[:k]), most, ended)
        if joined is None:
            return None
        rows = joined
    filled = rows.area + rows.empty
    listing = Listing(rows.masks, rows.cycles, filled).take(rows.total + rows.room > within)
    return listing.take(np.lexsort((listing.filled.max(axis=1), listing.filled.sum(axis=1))))


def _join(
    rows: _Partial,
    portions: Portions,
    bits: int,
    cells: int,
    unused: int,
    within: int,
    most: int,
    ended: Callable[[], bool],
) -> _Partial | None:
    """All rows with all portions of one more operator that together are within cycles and cells."""
    portions = portions.take(np.argsort(portions.cycles, kind="stable"))
    pairs = np.searchsorted(portions.cycles, within - rows.total, side="right")
    if pairs.sum() > _MOST_PAIRS:
        return None
    ends = np.cumsum(pairs)
    parts = [_extended(rows, portions, bits, cells, unused, np.zeros((2, 0), dtype=np.int64))]
    begin = 0
    while begin < len(pairs):
        before = int(ends[begin] - pairs[begin])
        end = max(begin + 1, int(np.searchsorted(ends, before + _CHUNK, side="right")))
        some = pairs[begin:end]
        left = np.repeat(np.arange(begin, end), some)
        right = np.arange(len(left)) - np.repeat(np.cumsum(some) - some, some)
        parts.append(_extended(rows, portions, bits, cells, unused, np.array([left, right])))
        if sum(len(part.total) for part in parts) > most or ended():
            return None
        begin = end
    return _Partial(
        *(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(_Partial))
    )


def _extended(
    rows: _Partial, portions: Portions, bits: int, cells: int, unused: int, pairs: IntArray
) -> _Partial:
    """Those pairs of a row and a portion that may fit by area, as rows.

    An array's steps leave as many cells empty as those of either, and as one step of the one and the steps of
    the other less what these can share with it.
    """
    left, right = pairs
    masks = rows.masks[left] << bits | portions.masks[right]
    area = rows.area[left] + portions.area[right]
    kept = (masks[:, :-1] >= masks[:, 1:]).all(axis=1) & (area <= cells).all(axis=1)
    left, right, masks, area = left[kept], right[kept], masks[kept], area[kept]
    empty = np.maximum(rows.empty[left], portions.empty[right])
    empty = np.maximum(empty, rows.single[left] + portions.own[right])
    empty = np.maximum(empty, rows.own[left] + portions.single[right])
    kept = (area + empty <= cells).all(axis=1) & (empty.sum(axis=1) <= unused)
    left, right = left[kept], right[kept]
    return _Partial(
        masks[kept],
        np.concatenate([portions.cycles[right, None], rows.cycles[left]], axis=1),
        rows.total[left] + portions.cycles[right],
        np.minimum(rows.room[left], portions.room[right]),
        area[kept],
        empty[kept],
        np.maximum(rows.single[left], portions.single[right]),
        np.maximum(rows.own[left], portions.own[right]),
    )
