"""Which arrays a solution needs to consider, and which of them are alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sbdopt.problem import ArrayKind

Rectangle = tuple[int, int, int, int]
"""(row, column, height, width)"""


@dataclass(frozen=True)
class Slot:
    """An array that blocks may stand on."""

    kind: int
    array: int
    rows: int
    columns: int
    adcs: int
    tile: tuple[int, int]
    faults: tuple[Rectangle, ...]
    """No two of them overlap."""

    @property
    def cells(self) -> int:
        """All cells of the array."""
        return self.rows * self.columns


def slots_of(kinds: Sequence[ArrayKind], most: Sequence[int]) -> list[Slot]:
    """Arrays of every kind that suffice for some best solution with at most `most[k]` arrays of kind k.

    Where there are at least `most` tiles with an array free of faults, one such array of each is enough: any
    other choice has no more cells to offer and shares its periphery with at least as many. Otherwise all
    arrays count, but of one tile never more than `most` free of faults.
    """
    slots = []
    for number, (kind, limit) in enumerate(zip(kinds, most, strict=True)):
        faults: dict[int, list[Rectangle]] = defaultdict(list)
        for array, row, column, height, width in kind.faults:
            faults[array].append((row, column, height, width))
        arrays = _whole_tiles(kind, limit, faults)
        if arrays is None:
            arrays = _all_arrays(kind, limit, faults)
        slots += [
            Slot(
                kind=number,
                array=array,
                rows=kind.rows,
                columns=kind.columns,
                adcs=kind.adcs,
                tile=(number, array // kind.tiers),
                faults=_apart(faults.get(array, ())),
            )
            for array in arrays
        ]
    return slots


def _whole_tiles(kind: ArrayKind, limit: int, faults: dict[int, list[Rectangle]]) -> list[int] | None:
    """The first array without faults of each of `limit` tiles, or None if there are not so many tiles."""
    arrays: list[int] = []
    tile = 0
    while len(arrays) < limit and (kind.count is None or tile * kind.tiers < kind.count):
        end = (tile + 1) * kind.tiers if kind.count is None else min((tile + 1) * kind.tiers, kind.count)
        whole = next((array for array in range(tile * kind.tiers, end) if array not in faults), None)
        if whole is not None:
            arrays.append(whole)
        tile += 1
    return arrays if len(arrays) == limit else None


def _all_arrays(kind: ArrayKind, limit: int, faults: dict[int, list[Rectangle]]) -> list[int]:
    assert kind.count is not None, "unlimited arrays have enough tiles"
    arrays, whole = [], 0
    for array in range(kind.count):
        if array % kind.tiers == 0:
            whole = 0
        if array in faults or whole < limit:
            arrays.append(array)
        whole += array not in faults
    return arrays


def _apart(faults: Sequence[Rectangle]) -> tuple[Rectangle, ...]:
    """The same cells as rectangles that do not overlap; faults of a problem may."""
    pieces: list[Rectangle] = []
    for fault in faults:
        rest = [fault]
        for piece in pieces:
            rest = [part for one in rest for part in _without(one, piece)]
        pieces += rest
    return tuple(pieces)


def _without(one: Rectangle, other: Rectangle) -> list[Rectangle]:
    """What is left of a rectangle: above and below the other, and beside it."""
    top, left, bottom, right = one[0], one[1], one[0] + one[2], one[1] + one[3]
    above, below = min(bottom, max(top, other[0])), max(top, min(bottom, other[0] + other[2]))
    before, after = min(right, max(left, other[1])), max(left, min(right, other[1] + other[3]))
    if above >= below or before >= after:
        return [one]
    parts = [
        (top, left, above - top, one[3]),
        (below, left, bottom - below, one[3]),
        (above, left, below - above, before - left),
        (above, after, below - above, right - after),
    ]
    return [part for part in parts if part[2] > 0 and part[3] > 0]


def alike(slots: Sequence[Slot]) -> list[list[int]]:
    """Groups of slots that may be exchanged for one another.

    They are free of faults and of the same kind, and have either a tile of their own or the same tile.
    """
    on_tile: dict[tuple[int, int], int] = defaultdict(int)
    for slot in slots:
        on_tile[slot.tile] += 1
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, slot in enumerate(slots):
        if not slot.faults:
            groups[slot.tile if on_tile[slot.tile] > 1 else (slot.kind, -1)].append(place)
    return [group for group in groups.values() if len(group) > 1]
