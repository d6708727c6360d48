"""Pack the diagonals of the DenseMap: cyclic diagonals of equal blocks that share an array.

For blocks of one size an array is a grid of places. On a square grid of g x g places, diagonal i puts its
r-th block at block-row r and block-column (r + i) mod g; diagonals 0 .. g - 1 fill the grid. Reading diagonal
i returns the outputs rotated by i blocks. If an operator L directly follows an operator R, with as many
blocks of the same size, then L takes diagonal -i mod g, its blocks rotated as well: block k stands at
block-row (k + i) mod g, where the output of R's block k comes out, and at block-column k. So nothing needs to
be moved between R and L, nor after L. Where i = -i mod g (0, and g / 2), R and L stand on two arrays.

Chunks of one operator go to different arrays, which run in parallel, and an array is shared by operators that
run one after the other. Where the arrays do not suffice for that, operators that run at the same time may
share one, then chunks of one operator too. What finds no two inverse diagonals takes any, and its rotation is
not cancelled. On a grid that is not square, diagonals are as long as its shorter side and cancel no rotation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.search.budget import Budget
from sbdopt.search.supply import Supply

Size = tuple[int, int]


def pack_diagonals(blocks: Blocks, budget: Budget) -> tuple[IntArray, IntArray, IntArray, IntArray] | None:
    """Kind, array, row and column of every block, or None if the arrays or the budget do not suffice."""
    itself = [1 << operator for operator in range(len(blocks.predecessors))]
    for avoid in (_concurrent(blocks), itself, [0] * len(itself)):
        packing = _Packing(blocks, avoid)
        if _add_all(packing, budget):
            return packing.kind, packing.array, packing.row, packing.column
    return None


def _add_all(packing: _Packing, budget: Budget) -> bool:
    blocks = packing.blocks
    second_of = _pairs(blocks)
    seconds = set(second_of.values())
    for operator in blocks.order:
        if operator in seconds:
            continue
        second = second_of.get(operator)
        for members in _same_size(blocks, operator):
            followers = None if second is None else members - blocks.first[operator] + blocks.first[second]
            if budget.used_up or not packing.add(members, followers):
                return False
    return True


def _pairs(blocks: Blocks) -> dict[int, int]:
    """Operators R with the operator L that directly follows and has as many blocks, all of the same size."""
    size: list[set[Size]] = [set() for _ in blocks.problem.operators]
    for operator, height, columns in np.unique(
        np.stack([blocks.operator, blocks.height, blocks.columns], axis=1), axis=0
    ).tolist():
        size[operator].add((height, columns))
    counts = np.diff(blocks.first)
    pairs: dict[int, int] = {}
    paired: set[int] = set()
    for second in blocks.order:
        for first in blocks.predecessors[second]:
            alike = len(size[second]) == 1 and size[first] == size[second] and counts[first] == counts[second]
            if alike and not paired & {first, second}:
                pairs[first] = second
                paired |= {first, second}
    return pairs


def _same_size(blocks: Blocks, operator: int) -> list[IntArray]:
    """The blocks of an operator, divided by size."""
    members = np.arange(blocks.first[operator], blocks.first[operator + 1])
    sizes = np.stack([blocks.height[members], blocks.columns[members]], axis=1)
    number = np.unique(sizes, axis=0, return_inverse=True)[1].reshape(-1)
    return [members[number == size] for size in range(int(number.max(initial=-1)) + 1)]


def _concurrent(blocks: Blocks) -> list[int]:
    """For each operator a bit set of those that neither precede nor follow it, itself included."""
    before = [0] * len(blocks.predecessors)
    after = [0] * len(before)
    for operator in blocks.order:
        for first in blocks.predecessors[operator]:
            before[operator] |= before[first] | 1 << first
    for operator in reversed(blocks.order):
        for first in blocks.predecessors[operator]:
            after[first] |= after[operator] | 1 << operator
    everything = (1 << len(before)) - 1
    return [everything & ~(one | two) for one, two in zip(before, after, strict=True)]


@dataclass
class _Grid:
    """An array as places for blocks of one size, and which of its diagonals are free."""

    kind: int
    array: int
    down: int
    """Places from top to bottom."""
    across: int
    """Places from left to right."""
    wanted: int
    """How many diagonals can be of use, for arrays may be far larger than the problem."""
    operators: int = 0
    """Bit set of the operators on it."""
    free: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = range(min(self.diagonals, self.wanted))
        # Those that are their own inverses come first: they are of least use to pairs.
        self.free = sorted({*first, *map(self.inverse, first)}, key=lambda i: (self.inverse(i) != i, i))

    @property
    def diagonals(self) -> int:
        return max(self.down, self.across)

    @property
    def square(self) -> bool:
        return self.down == self.across

    def inverse(self, i: int) -> int:
        return -i % self.diagonals

    def two_sided(self) -> int | None:
        """A free diagonal that has another, free one as its inverse."""
        return next((i for i in self.free if i != self.inverse(i) in self.free), None)


Slot = tuple[_Grid, int]
"""An array and one of its free diagonals."""


class _Packing:
    """Where the blocks stand so far, and the arrays with free diagonals, by size of block."""

    def __init__(self, blocks: Blocks, avoid: list[int]) -> None:
        """`avoid` has for each operator a bit set of those it must not share an array with."""
        self.blocks = blocks
        self._avoid = avoid
        self.kind, self.array, self.row, self.column = np.zeros((4, len(blocks)), dtype=np.int64)
        self._supply = Supply(blocks.hardware, len(blocks))
        self._grids: dict[Size, list[_Grid]] = {}

    def add(self, members: IntArray, followers: IntArray | None) -> bool:
        """Give places to blocks of one size of one operator, and to its followers, if there are any."""
        if followers is None:
            return self._add_single(members)
        done = self._add_pair(members, followers)
        return self._add_single(members[done:]) and self._add_single(followers[done:])

    def _add_pair(self, members: IntArray, followers: IntArray) -> int:
        """Place chunks of both while there are slots that cancel the rotation; returns how many blocks."""
        done = 0
        for (grid, i), (other, inverse) in self._slots_of_pair(int(members[0]), int(followers[0])):
            chunk = slice(done, done + grid.down)
            self._place(members[chunk], grid, i, turned=False)
            self._place(followers[chunk], other, inverse, turned=True)
            done = min(done + grid.down, len(members))
            if done == len(members):
                break
        return done

    def _add_single(self, members: IntArray) -> bool:
        """Place chunks of blocks that cancel no rotation; returns whether there was room for all."""
        done = 0
        slots = self._slots(int(members[0])) if len(members) else iter(())
        while done < len(members):
            slot = next(slots, None)
            if slot is None:
                return False
            grid, i = slot
            chunk = members[done : done + min(grid.down, grid.across)]
            self._place(chunk, grid, i, turned=grid.down > grid.across)
            done += len(chunk)
        return True

    def _place(self, members: IntArray, grid: _Grid, i: int, *, turned: bool) -> None:
        """Put blocks on diagonal i, block k at block-row k or, `turned`, at block-column k."""
        k = np.arange(len(members))
        row, column = ((k - i) % grid.diagonals, k) if turned else (k, (k + i) % grid.diagonals)
        self.kind[members], self.array[members] = grid.kind, grid.array
        self.row[members] = row * self.blocks.height[members]
        self.column[members] = column * self.blocks.columns[members]
        grid.free.remove(i)
        grid.operators |= 1 << int(self.blocks.operator[members[0]])

    def _slots(self, block: int) -> Iterator[Slot]:
        """Free diagonals for blocks like this one, the best first; each must be taken before the next."""
        size = self._size(block)
        avoid = self._avoid[self.blocks.operator[block]]
        new = iter(lambda: self._open(size), None)
        for grid in chain(self._with_room(size), new):
            while grid.free and not grid.operators & avoid:
                yield grid, grid.free[0]

    def _slots_of_pair(self, block: int, follower: int) -> Iterator[tuple[Slot, Slot]]:
        """A free diagonal for a chunk of R and its inverse for the same chunk of L, like `_slots`."""
        size = self._size(block)
        avoid = self._avoid[self.blocks.operator[block]] | self._avoid[self.blocks.operator[follower]]
        yield from _inverses(self._with_room(size), avoid)
        fresh: list[_Grid] = []
        while (grid := self._open(size)) is not None and grid.square:
            fresh = [one for one in [*fresh, grid] if one.free and not one.operators & avoid]
            yield from _inverses(fresh, avoid)

    def _size(self, block: int) -> Size:
        return int(self.blocks.height[block]), int(self.blocks.columns[block])

    def _with_room(self, size: Size) -> list[_Grid]:
        """The arrays for blocks of this size that have a free diagonal, now and while they are filled."""
        self._grids[size] = [grid for grid in self._grids.get(size, []) if grid.free]
        return self._grids[size]

    def _open(self, size: Size) -> _Grid | None:
        """An array more for blocks of this size."""
        taken = self._supply.take(*size)
        if taken is None:
            return None
        kind = self.blocks.hardware.arrays[taken[0]]
        grid = _Grid(*taken, kind.rows // size[0], kind.columns // size[1], len(self.blocks) + 1)
        self._grids[size].append(grid)
        return grid


def _inverses(grids: list[_Grid], avoid: int) -> Iterator[tuple[Slot, Slot]]:
    """Free diagonals that are inverse to each other, on arrays without the operators `avoid`."""
    grids = [grid for grid in grids if grid.square]
    for grid in grids:
        while not grid.operators & avoid and (i := grid.two_sided()) is not None:
            yield (grid, i), (grid, grid.inverse(i))
    waiting: dict[tuple[int, int], _Grid] = {}
    for grid in grids:
        for i in [i for i in grid.free if grid.inverse(i) == i]:
            if grid.operators & avoid:
                break
            other = waiting.pop((grid.kind, i), None)
            if other is None or other.operators & avoid:
                waiting[grid.kind, i] = grid
            else:
                yield (other, i), (grid, i)
