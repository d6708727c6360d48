"""Arrays that are alike: of one kind, with the same faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sbdopt.problem import ArrayKind
from sbdopt.search.packing import Filling, FreeSpace, Rectangle, Stock
from sbdopt.search.patterns.guillotine import Guillotine, Places

_MOST_FAULTS = 8
"""In one array; where there are more, its patterns are only those that are constructed."""


@dataclass(frozen=True)
class Supply:
    """Arrays of a kind with the same faults."""

    kind: int
    rows: int
    columns: int
    faults: tuple[Rectangle, ...]
    count: int | None
    """How many there are; None: as many as wanted."""
    arrays: tuple[int, ...] = ()
    """Their numbers, if they have faults."""

    @property
    def cells(self) -> int:
        """Cells of one of them."""
        return self.rows * self.columns

    def space(self) -> FreeSpace:
        """The free space of one of them while it is empty."""
        return FreeSpace(self.rows, self.columns, self.faults)


def supplies_of(kinds: Sequence[ArrayKind]) -> list[Supply]:
    """All arrays; those with faults only where the kind is limited, else nobody needs them."""
    result = []
    for number, kind in enumerate(kinds):
        faults: dict[int, list[Rectangle]] = {}
        for array, row, column, height, width in kind.faults:
            faults.setdefault(array, []).append((row, column, height, width))
        whole = None if kind.count is None else kind.count - len(faults)
        result.append(Supply(number, kind.rows, kind.columns, (), whole))
        if kind.count is None:
            continue
        alike: dict[tuple[Rectangle, ...], list[int]] = {}
        for array, broken in sorted(faults.items()):
            alike.setdefault(tuple(sorted(set(broken))), []).append(array)
        for same, arrays in alike.items():
            result.append(Supply(number, kind.rows, kind.columns, same, len(arrays), tuple(arrays)))
    return [supply for supply in result if supply.count != 0]


def best_pattern(guillotine: Guillotine, supply: Supply) -> tuple[float, Places]:
    """The most valuable pattern that is cut around the faults, with its value.

    An area with a fault is cut along one of the four sides of its first fault, whatever is best, until no
    part has any.
    """
    if not supply.faults:
        value = guillotine.value(supply.rows, supply.columns)
        return value, guillotine.pattern(supply.rows, supply.columns)
    if len(supply.faults) > _MOST_FAULTS:
        return 0.0, ()
    known: dict[Rectangle, tuple[float, tuple[Rectangle, ...]]] = {}

    def best(area: Rectangle) -> tuple[float, tuple[Rectangle, ...]]:
        if area not in known:
            known[area] = search(area)
        return known[area]

    def search(area: Rectangle) -> tuple[float, tuple[Rectangle, ...]]:
        top, left, bottom, right = area
        inside = (
            (r, c, r + h, c + w)
            for r, c, h, w in supply.faults
            if r < bottom and top < r + h and c < right and left < c + w
        )
        fault = next(inside, None)
        if fault is None:
            return guillotine.value(bottom - top, right - left), (area,)
        choices: list[tuple[float, tuple[Rectangle, ...]]] = [(0.0, ())]
        for row in (fault[0], fault[2]):
            if top < row < bottom:
                one, two = best((top, left, row, right)), best((row, left, bottom, right))
                choices.append((one[0] + two[0], one[1] + two[1]))
        for column in (fault[1], fault[3]):
            if left < column < right:
                one, two = best((top, left, bottom, column)), best((top, column, bottom, right))
                choices.append((one[0] + two[0], one[1] + two[1]))
        return max(choices, key=lambda choice: choice[0])

    value, areas = best((0, 0, supply.rows, supply.columns))
    places = [
        place
        for top, left, bottom, right in areas
        for place in guillotine.pattern(bottom - top, right - left, top, left)
    ]
    return value, tuple(places)


def numbered(
    kinds: Sequence[ArrayKind], supplies: Sequence[Supply], used: Sequence[tuple[int, Places]]
) -> list[Filling]:
    """Fillings for (supply, places) pairs: each gets an array of its own, of tiles one before two."""
    whole = [sum(1 for number, _ in used if supplies[number].kind == k) for k in range(len(kinds))]
    stock = [Stock(kind, most) for kind, most in zip(kinds, whole, strict=True)]
    faulty = [iter(supply.arrays) for supply in supplies]
    result = []
    for number, places in used:
        supply = supplies[number]
        array = next(faulty[number]) if supply.faults else stock[supply.kind].take(1)[0]
        result.append(Filling(supply.kind, array, places))
    return result
