"""Lower bounds of the arrays that a solution needs, in all and to be as fast as is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sbdopt.blocks import Blocks
from sbdopt.bounds.cells import cell_bounds
from sbdopt.bounds.time import interval_bounds, makespan_bounds
from sbdopt.bounds.work import array_cells
from sbdopt.goals import Bound

_Bounds = Callable[[Blocks, Mapping[str, int]], Iterator[Bound]]


def array_bounds(blocks: Blocks, given: Mapping[str, int]) -> Iterator[Bound]:
    """Lower bounds of the arrays: so many of the largest have the cells that a placement takes at least."""
    largest, fewest = max(array_cells(blocks)), 0
    for bound in cell_bounds(blocks):
        number = -(-(bound.value + blocks.cells) // largest)
        fewest = max(fewest, number)
        yield Bound("arrays", number, bound.reason)
    for number, limit in _arrays_for_time(blocks, given, fewest):
        yield Bound("arrays", number, f"arrays for the {limit[0]}", (limit,))


def cell_bounds_for_time(blocks: Blocks, given: Mapping[str, int]) -> Iterator[Bound]:
    """Lower bounds of the unused cells of the arrays that a given makespan or interval needs."""
    smallest = min(array_cells(blocks))
    for number, limit in _arrays_for_time(blocks, given, blocks.cells // smallest):
        unused = max(0, number * smallest - blocks.cells)
        yield Bound("unused_cells", unused, f"arrays for the {limit[0]}", (limit,))


def _arrays_for_time(
    blocks: Blocks, given: Mapping[str, int], fewest: int
) -> Iterator[tuple[int, tuple[str, int]]]:
    """For each time that is given how many arrays it needs, if that is more than `fewest`.

    If a bound of the makespan of all solutions on at most n arrays is above what is given, a solution that
    keeps to it has more than n. Found by bisection; were the bounds to fall and rise with n, the number
    would still be proven, only not be the largest.
    """
    for name, bounds in (("makespan", makespan_bounds), ("interval", interval_bounds)):
        if name not in given or not len(blocks):
            continue

        def are_too_few(arrays: int, name: str = name, bounds: _Bounds = bounds) -> bool:
            return max(bound.value for bound in bounds(blocks, {"arrays": arrays})) > given[name]

        most = len(blocks)
        too_few, enough = fewest, most + 1
        if not are_too_few(too_few):
            continue
        while enough - too_few > 1:
            middle = min(2 * too_few + 1, most) if enough > most else (too_few + enough) // 2
            if are_too_few(middle):
                too_few = middle
            else:
                enough = middle
        yield enough, (name, given[name])
