"""Deal blocks out over more arrays than they need, so that more is read at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.problem import ArrayKind
from sbdopt.search.method import Found
from sbdopt.search.packing import Filling, Stock
from sbdopt.search.score import score

Build = Callable[[Sequence[Filling]], Found]
"""Deals fillings out and schedules what stands on them."""


def most_arrays(blocks: Blocks, goals: Goals) -> int:
    """The most arrays that a solution within the limits can use, or that blocks can fill."""
    most = min(len(blocks), goals.limits.get("arrays", len(blocks)))
    if "unused_cells" in goals.limits:
        smallest = min(kind.cells for kind in blocks.hardware.arrays)
        most = min(most, (blocks.cells + goals.limits["unused_cells"]) // smallest)
    return most


def widen(blocks: Blocks, fillings: Sequence[Filling], arrays: int) -> list[Filling]:
    """The same fillings in turn on further arrays without faults, until there are so many, or no more."""
    taken = {(filling.kind, filling.array) for filling in fillings}
    kinds = blocks.hardware.arrays
    free = [free_arrays(kind, number, taken, len(blocks)) for number, kind in enumerate(kinds)]
    result, left = list(fillings), dict(enumerate(fillings))
    while left and len(result) < arrays:
        for number, filling in list(left.items())[: arrays - len(result)]:
            array = next(free[filling.kind], None)
            if array is None:
                del left[number]
            else:
                result.append(Filling(filling.kind, array, filling.places))
    return result


def free_arrays(kind: ArrayKind, number: int, taken: Set[tuple[int, int]], most: int) -> Iterator[int]:
    """The arrays of a kind that are not taken and have no faults, those on tiles of their own first."""
    stock = Stock(kind, most)
    while not stock.empty and not stock.faults:
        array = stock.take(1)[0]
        if (number, array) not in taken:
            yield array


def further_arrays(blocks: Blocks, placement: Placement) -> Iterator[tuple[int, int]]:
    """Arrays that nothing stands on, of each kind in turn."""
    taken = set(zip(placement.kind.tolist(), placement.array.tolist(), strict=True))
    waiting = [
        (number, free_arrays(kind, number, taken, len(blocks)))
        for number, kind in enumerate(blocks.hardware.arrays)
    ]
    while waiting:
        for entry in list(waiting):
            array = next(entry[1], None)
            if array is None:
                waiting.remove(entry)
            else:
                yield entry[0], array


def widened(
    blocks: Blocks, goals: Goals, fillings: Sequence[Filling], widest: int, build: Build
) -> Iterator[Found]:
    """The fillings on as many arrays as may be, then on the fewest that are as fast as that.

    As fast: within the limits of time if arrays or cells come first, else as fast as the widest is.
    """
    times = [name for name in ("makespan", "interval") if name in (goals[0], *goals.limits)]
    if widest <= len(fillings) or not times:
        return
    found = build(widen(blocks, fillings, widest))
    yield found
    values = score(blocks, found.placement)
    wanted = {name: values[name] if name == goals[0] else goals.limits[name] for name in times}
    low, high = len(fillings), widest
    while high - low > 1:
        middle = (low + high) // 2
        found = build(widen(blocks, fillings, middle))
        yield found
        values = score(blocks, found.placement)
        if all(values[name] <= most for name, most in wanted.items()):
            high = middle
        else:
            low = middle
