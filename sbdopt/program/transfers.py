"""Whether values must change their order between a vector and an array, and where that can be folded away.

Values of one operator that pass between a vector and the rows, or the columns, of one array make a
*transfer*: all its steps there, as long as no row (column) and no element comes twice. It is *in order* if
elements ascend along the rows (columns), *rotated* if they do after a cyclic shift, as the diagonals of
DenseMap are (de Lima et al., arXiv 2510.11192), and *scattered* otherwise. What is not in order is a
permutation at run time.

Where operators read nothing but what one crossbar operator yields, its outputs may be kept in any order:
permuting the columns of its matrix and the rows of theirs alike changes nothing else. So the permutation is
folded into the factors: kept in the order in which it is read, or in which it is driven, it is moved no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray
from sbdopt.placement import Placement
from sbdopt.simulate.ranges import ranges

Order = Literal["in order", "rotated", "scattered"]


@dataclass(frozen=True)
class Transfers:
    """How many transfers there are of each order."""

    in_order: int
    rotated: int
    scattered: int

    @property
    def permutations(self) -> int:
        """Those at which values change their order."""
        return self.rotated + self.scattered

    @classmethod
    def count(cls, orders: Sequence[Order]) -> Transfers:
        """The numbers of each order."""
        return cls(*(orders.count(order) for order in ("in order", "rotated", "scattered")))


@dataclass(frozen=True)
class Folding:
    """Where elements are kept, and what that saves."""

    position: dict[int, IntArray]
    """For each operator whose outputs are not kept in their own order: where each of them is."""
    before: Transfers
    """With every vector and output in its own order."""
    after: Transfers


Sequences = list[IntArray]
"""The elements of some transfers, each along ascending rows or columns."""


def fold(blocks: Blocks, placement: Placement) -> Folding:
    """Choose for each operator the order of outputs with fewest permutations; its own if none is better."""
    driven: list[Sequences] = [[] for _ in blocks.predecessors]
    read: list[Sequences] = [[] for _ in blocks.predecessors]
    for operator, members in _groups(blocks, placement):
        row, element = placement.row[members], blocks.input[members]
        driven[operator] += _passes(row, element, blocks.height[members])
        # Of the slices of one weight only the first is looked at: they are adjacent.
        column = placement.column[members] // blocks.hardware.columns_per_weight
        read[operator] += _passes(column, blocks.output[members], blocks.width[members])
    before = [order_of(sequence) for one in (*driven, *read) for sequence in one]
    position: dict[int, IntArray] = {}
    for maker, readers in makers(blocks).items():
        taken = [sequence for reader in readers for sequence in driven[reader]]
        found = _best_positions(blocks.problem.operators[maker].shape or [0, 0], read[maker], taken)
        if found is not None:
            position[maker] = found
            read[maker] = [found[sequence] for sequence in read[maker]]
            for reader in readers:
                driven[reader] = [found[sequence] for sequence in driven[reader]]
    after = [order_of(sequence) for one in (*driven, *read) for sequence in one]
    return Folding(position, Transfers.count(before), Transfers.count(after))


def order_of(sequence: IntArray) -> Order:
    """Whether numbers ascend, at once or after a cyclic shift."""
    descents = int((np.diff(sequence) < 0).sum())
    if not descents:
        return "in order"
    return "rotated" if descents == 1 and sequence[-1] < sequence[0] else "scattered"


def makers(blocks: Blocks) -> dict[int, list[int]]:
    """The crossbar operators whose outputs are a vector of as many elements, and the operators that read it.

    The vector is called as the operator is, and all that read it are directly after it.
    """
    operators = blocks.problem.operators
    readers: dict[str, list[int]] = {}
    for number, operator in enumerate(operators):
        if operator.input is not None:
            readers.setdefault(operator.input, []).append(number)
    return {
        maker: readers[operator.name]
        for maker, operator in enumerate(operators)
        if operator.shape is not None
        and operator.name in readers
        and all(
            maker in blocks.predecessors[reader] and (operators[reader].shape or [0])[0] == operator.shape[1]
            for reader in readers[operator.name]
        )
    }


def _groups(blocks: Blocks, placement: Placement) -> Iterator[tuple[int, IntArray]]:
    """The blocks of each operator on each array, in order of start."""
    keys = (placement.start, placement.array, placement.kind, blocks.operator)
    order = np.lexsort(keys)
    differs = np.zeros(max(len(order) - 1, 0), dtype=bool)
    for key in keys[1:]:
        differs |= np.diff(key[order]) != 0
    for members in np.split(order, np.flatnonzero(differs) + 1):
        if len(members):
            yield int(blocks.operator[members[0]]), members


def _passes(place: IntArray, element: IntArray, count: IntArray) -> Iterator[IntArray]:
    """The elements of each transfer, along ascending places, of blocks in order of time."""
    if len(place) == 1:
        yield np.arange(element[0], element[0] + count[0])
        return
    begin = 0
    for block in range(1, len(place) + 1):
        if block < len(place):
            earlier, late = slice(begin, block), count[block]
            meets = _meet(place[earlier], count[earlier], place[block], late)
            meets |= _meet(element[earlier], count[earlier], element[block], late)
            shifted = place[earlier] - element[earlier] != place[block] - element[block]
            if not (meets & shifted).any():
                continue
        mine = slice(begin, block)
        places = ranges(place[mine], place[mine] + count[mine])
        elements = ranges(element[mine], element[mine] + count[mine])
        yield elements[np.unique(places, return_index=True)[1]]
        begin = block


def _meet(begin: IntArray, count: IntArray, other: np.int64, length: np.int64) -> BoolArray:
    """Which ranges meet `other` .. `other + length - 1`."""
    meets: BoolArray = (begin < other + length) & (other < begin + count)
    return meets


def _best_positions(shape: Sequence[int], read: Sequences, driven: Sequences) -> IntArray | None:
    """Where to keep outputs so that the fewest of these sequences are permutations; None: in their order."""
    best, least = None, sum(order_of(sequence) != "in order" for sequence in (*read, *driven))
    for followed in (read, driven):
        if not least:
            break
        position = _following(shape[1], followed)
        moved = sum(order_of(position[sequence]) != "in order" for sequence in (*read, *driven))
        if moved < least:
            best, least = position, moved
    return best


def _following(count: int, sequences: Sequences) -> IntArray:
    """Positions of `count` elements with which sequences ascend, as far as they have no element in common.

    The elements of a sequence keep the positions that they have together.
    """
    position = np.arange(count)
    taken = np.zeros(count, dtype=bool)
    for sequence in sequences:
        if not taken[sequence].any():
            position[sequence] = np.sort(sequence)
            taken[sequence] = True
    return position
