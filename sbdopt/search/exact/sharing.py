"""Few sizes: numbers of blocks for every array, and the places where so many stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, permutations, product

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.exact.numbers import Counts, Numbers, Shares
from sbdopt.search.exact.repack import Space, repack
from sbdopt.search.packing import FreeSpace

_SLACKS = (1, 2, 4)
"""How much more or less blocks of a size an array may hold than an even share."""
_PACKING = 1.0
"""Seconds (or units of work) for the places of the blocks of one array."""
_MOST_ORDERS = 120
_WORK = 1e-4
"""Units of work for a rectangle that is placed."""


class Sharing:
    """The search for such numbers; each array's are tried to be packed, and what fails is forbidden."""

    def __init__(self, blocks: Blocks, tile: Sequence[int], budget: Budget, seed: int) -> None:
        """`tile` is the number of the tile of each array that is to be used."""
        self.shares, self.tile, self.budget, self.seed = Shares.of(blocks), tile, budget, seed
        self._packed: dict[Counts, list[tuple[int, int, int]]] = {}
        self._failed: list[Counts] = []

    def search(self) -> Iterator[tuple[IntArray, list[list[tuple[int, int, int]]]]]:
        """Blocks of each class (columns) on each array (rows), and (size, row, column) of all places.

        First numbers of blocks of a size that differ little between arrays, since arrays that are alike are
        easily packed; then others, as long as levels take longer than an even share of them.
        """
        for slack in _SLACKS:
            while not self.budget.used_up:
                model = Numbers(self.shares, self.tile, slack)
                for counts in self._failed:
                    model.forbid(counts)
                numbers = model.solve(self.budget)
                if numbers is None:
                    break
                wanted = model.counts_of(numbers)
                for one in sorted(set(wanted), reverse=True):
                    self._try(one)
                if all(one in self._packed for one in wanted):
                    yield numbers, [self._packed[one] for one in wanted]
                    if model.is_even:
                        return
                    break

    def _try(self, counts: Counts) -> None:
        if counts in self._packed:
            return
        places = self._part_of_known(counts) or self._constructed(counts) or self._exact(counts)
        if places is None:
            self._failed.append(counts)
        else:
            self._packed[counts] = places

    def _part_of_known(self, counts: Counts) -> list[tuple[int, int, int]] | None:
        """Some of the places of an array that holds more."""
        for known, places in self._packed.items():
            if all(few <= many for few, many in zip(counts, known, strict=True)):
                left, result = list(counts), []
                for place in places:
                    if left[place[0]]:
                        left[place[0]] -= 1
                        result.append(place)
                return result
        return None

    def _constructed(self, counts: Counts) -> list[tuple[int, int, int]] | None:
        """Sizes one after the other in some order, each as far up, or as far left, as can be."""
        used = [size for size, count in enumerate(counts) if count]
        for order, turned in product(islice(permutations(used), _MOST_ORDERS), (False, True)):
            places = self._in_order(counts, order, turned=turned)
            if places is not None or self.budget.used_up:
                return places
        return None

    def _in_order(
        self, counts: Counts, order: Sequence[int], *, turned: bool
    ) -> list[tuple[int, int, int]] | None:
        sizes, kind = self.shares.sizes, self.shares.kind
        space = FreeSpace(kind.columns, kind.rows) if turned else FreeSpace(kind.rows, kind.columns)
        result = []
        for size in order:
            high, wide = int(sizes.height[size]), int(sizes.width[size])
            if turned:
                high, wide = wide, high
            for _ in range(counts[size]):
                self.budget.spent += _WORK
                place = space.find(high, wide)
                if place is None:
                    return None
                space.take(*place, high, wide)
                result.append((size, place[turned], place[not turned]))
        return result

    def _exact(self, counts: Counts) -> list[tuple[int, int, int]] | None:
        sizes, kind = self.shares.sizes, self.shares.kind
        of_size = np.repeat(np.arange(len(counts)), counts)
        space = Space(kind.rows, kind.columns)
        height, width = sizes.height[of_size], sizes.width[of_size]
        places = repack(height, width, [space], self.budget, _PACKING, self.seed).places
        if places is None:
            return None
        return [(int(s), row, column) for s, (_, row, column) in zip(of_size, places, strict=True)]


def shared(
    blocks: Blocks, arrays: Sequence[int], budget: Budget, seed: int
) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    """Array, row and column of every block on these arrays without faults, if such numbers are found."""
    tiers = blocks.hardware.arrays[0].tiers
    tile = np.unique(np.array(arrays) // tiers, return_inverse=True)[1].tolist()
    sharing = Sharing(blocks, tile, budget, seed)
    for numbers, places in sharing.search():
        array, row, column = (np.zeros(len(blocks), dtype=np.int64) for _ in range(3))
        waiting = [np.flatnonzero(sharing.shares.of_block == c).tolist() for c in range(numbers.shape[1])]
        for number, (mine, free) in enumerate(zip(numbers.tolist(), places, strict=True)):
            of_size = [[place for place in sorted(free, reverse=True) if place[0] == s] for s in _sizes(free)]
            for c, count in enumerate(mine):
                for _ in range(count):
                    block = waiting[c].pop()
                    array[block] = arrays[number]
                    _, row[block], column[block] = of_size[int(sharing.shares.size[c])].pop()
        yield array, row, column


def _sizes(places: Sequence[tuple[int, int, int]]) -> range:
    return range(max(size for size, _, _ in places) + 1)
