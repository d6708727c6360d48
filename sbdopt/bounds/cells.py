"""Lower bounds of the arrays, and so of the unused cells, that any placement needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, gcd

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds.dual_feasible import fewest_arrays
from sbdopt.bounds.positions import least_cells
from sbdopt.documents import BoolArray
from sbdopt.goals import Bound
from sbdopt.problem import ArrayKind

_MOST_UNITS = 1 << 22


def cell_bounds(blocks: Blocks) -> Iterator[Bound]:
    """Lower bounds of the unused cells: cells of the fewest, smallest arrays, less those of the blocks.

    Blocks that fit one kind only need so many arrays of it; what these cannot hold needs more arrays of any
    kind, by area; and the sum of it all is a sum of whole arrays.
    """
    if not len(blocks):
        yield Bound("unused_cells", 0, "no blocks")
        return
    kinds = blocks.hardware.arrays
    fits = _fits(blocks)
    only = fits & (fits.sum(axis=0) == 1)
    offers = _offers(blocks, fits)
    usable_kinds = [kind for k, kind in enumerate(kinds) if fits[k].any()]
    for reason, argument in (("gcd area", _by_gcd_area), ("dual feasible functions", _by_functions)):
        needed = [argument(blocks, only[k], kind) for k, kind in enumerate(kinds)]
        sure = sum(number * kind.cells for number, kind in zip(needed, kinds, strict=True))
        more = _least_cells(max(0, blocks.cells - sure), offers)
        if more is not None:
            cells = sure + _rounded_up(more, usable_kinds)
            yield Bound("unused_cells", cells - blocks.cells, reason)


def position_bound(blocks: Blocks, seconds: float) -> Bound | None:
    """The position bound of the unused cells, rounded up to whole arrays; None where that is too much work.

    The sum of cells of the arrays used is at least what the linear program over all positions says, and it
    is a sum of whole arrays. See `positions`.
    """
    if not len(blocks):
        return None
    fits = _fits(blocks)
    kinds = [kind for k, kind in enumerate(blocks.hardware.arrays) if fits[k].any()]
    sizes, count = np.unique(np.stack([blocks.height, blocks.columns]), axis=1, return_counts=True)
    cells = least_cells(sizes[0], sizes[1], count, kinds, seconds)
    if cells is None:
        return None
    return Bound("unused_cells", _rounded_up(cells, kinds) - blocks.cells, "position LP")


def too_few_arrays(blocks: Blocks) -> str | None:
    """Why the blocks cannot stand on the arrays that there are, or None if no argument here shows it."""
    if not len(blocks):
        return None
    kinds = blocks.hardware.arrays
    fits = _fits(blocks)
    for k, kind in enumerate(kinds):
        if kind.count is None:
            continue
        only = fits[k] & (fits.sum(axis=0) == 1)
        needed = max(_by_gcd_area(blocks, only, kind), _by_functions(blocks, only, kind))
        if needed > kind.count:
            return (
                f"the blocks need at least {needed} arrays of kind {kind.name!r}, but there are {kind.count}"
            )
    if _least_cells(blocks.cells, _offers(blocks, fits)) is None:
        return f"the blocks have {blocks.cells} cells, more than all arrays can hold"
    return None


def _fits(blocks: Blocks) -> BoolArray:
    """fits[k, i]: block i is no larger than an array of kind k."""
    return np.array(
        [(blocks.height <= kind.rows) & (blocks.columns <= kind.columns) for kind in blocks.hardware.arrays]
    )


def _units(blocks: Blocks, chosen: BoolArray) -> tuple[int, int]:
    heights, columns = np.unique(blocks.height[chosen]), np.unique(blocks.columns[chosen])
    return gcd(*heights.tolist()), gcd(*columns.tolist())


def _by_gcd_area(blocks: Blocks, chosen: BoolArray, kind: ArrayKind) -> int:
    """Arrays of a kind by area, with its rows and columns rounded down to what the blocks can use.

    If all heights are multiples of u, a column of cells crosses blocks whose heights add up to a multiple of
    u, so at most u * floor(rows / u) of its cells are used; the same holds for columns.
    """
    if not chosen.any():
        return 0
    rows, columns = _units(blocks, chosen)
    usable = kind.rows // rows * rows * (kind.columns // columns * columns)
    return -(-int((blocks.height[chosen] * blocks.columns[chosen]).sum()) // usable)


def _by_functions(blocks: Blocks, chosen: BoolArray, kind: ArrayKind) -> int:
    """Arrays of a kind by dual feasible functions, on sizes divided by their greatest common divisors.

    Dividing loses nothing: blocks pushed up and left stand on multiples of the divisor, so what an array
    has beyond the last multiple is never used.
    """
    if not chosen.any():
        return 0
    unit_rows, unit_columns = _units(blocks, chosen)
    sizes, count = np.unique(
        np.stack([blocks.height[chosen] // unit_rows, blocks.columns[chosen] // unit_columns]),
        axis=1,
        return_counts=True,
    )
    return fewest_arrays(sizes[0], sizes[1], count, kind.rows // unit_rows, kind.columns // unit_columns)


@dataclass(frozen=True)
class _Offer:
    """Arrays that are alike: cells of each, how many of them blocks can use, how many arrays there are."""

    cells: int
    usable: int
    count: int | None


def _offers(blocks: Blocks, fits: BoolArray) -> list[_Offer]:
    """The arrays that can hold a block. Faults only count where the number of arrays is limited."""
    result: list[_Offer] = []
    for k, kind in enumerate(blocks.hardware.arrays):
        if not fits[k].any():
            continue
        rows, columns = _units(blocks, fits[k])
        usable = kind.rows // rows * rows * (kind.columns // columns * columns)
        cells = kind.cells
        if kind.count is None:
            result.append(_Offer(cells, usable, None))
            continue
        faulty: dict[int, int] = {}  # faults may overlap, so that only the largest of an array is sure
        for array, _, _, height, width in kind.faults:
            faulty[array] = max(faulty.get(array, 0), height * width)
        result.append(_Offer(cells, usable, kind.count - len(faulty)))
        result += [_Offer(cells, min(usable, cells - broken), 1) for broken in faulty.values()]
    return result


def _least_cells(cells: int, offers: list[_Offer]) -> int | None:
    """Least cells of arrays that can hold `cells` in all, or None if all that there are cannot.

    Parts of arrays are allowed, so that the cheapest by cells per usable cell come first.
    """
    total = Fraction(0)
    for offer in sorted(offers, key=lambda offer: offer.cells / max(offer.usable, 1)):
        taken = cells if offer.count is None else min(cells, offer.count * offer.usable)
        if offer.usable:
            cells -= taken
            total += Fraction(taken * offer.cells, offer.usable)
    return None if cells else ceil(total)


def _rounded_up(cells: int, kinds: Sequence[ArrayKind]) -> int:
    """The least sum of whole arrays that is not below `cells`."""
    sizes = sorted({kind.cells for kind in kinds})
    unit = gcd(*sizes)
    units = -(-cells // unit)
    lengths = [size // unit for size in sizes]
    if len(sizes) == 1 or units > min(lengths[0] * lengths[-1], _MOST_UNITS):
        return units * unit
    reachable = 1
    room = (1 << (units + lengths[-1])) - 1
    for length in lengths:
        step = length
        while step < units + lengths[-1]:
            reachable |= (reachable << step) & room
            step *= 2
    above = reachable >> units
    return (units + (above & -above).bit_length() - 1) * unit
