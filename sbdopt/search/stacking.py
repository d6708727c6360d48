"""Blocks of an operator with the same outputs, one above the other: read in one step, they add up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement


@dataclass(frozen=True, eq=False)
class Stacks:
    """Stacks of blocks, as blocks of a table of their own, and where each block stands in its stack."""

    blocks: Blocks
    """A stack is as high as its blocks together, and reads a vector of its own: none shares rows with it."""
    of_block: IntArray
    offset: IntArray

    @classmethod
    def single(cls, blocks: Blocks) -> Stacks:
        """Every block by itself."""
        return cls(blocks, np.arange(len(blocks)), np.zeros(len(blocks), dtype=np.int64))

    @classmethod
    def up_to(cls, blocks: Blocks, rows: int) -> Stacks | None:
        """Stacks of at most so many rows, the highest blocks first, each on the first stack that has room.

        None if no two blocks can be stacked.
        """
        alike: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
        stack, offset = np.arange(len(blocks)), np.zeros(len(blocks), dtype=np.int64)
        tables = (blocks.operator, blocks.output, blocks.width, blocks.height)
        table = list(zip(*(column.tolist() for column in tables), strict=True))
        for block in sorted(range(len(blocks)), key=lambda block: (-table[block][3], block)):
            *outputs, height = table[block]
            waiting = alike.setdefault((outputs[0], outputs[1], outputs[2]), [])
            for number, (bottom, below) in enumerate(waiting):
                if below + height <= rows:
                    stack[block], offset[block] = bottom, below
                    waiting[number] = bottom, below + height
                    break
            else:
                waiting.append((block, height))
        first, of_block = np.unique(stack, return_inverse=True)
        if len(first) == len(blocks):
            return None
        return cls(_table(blocks, first, of_block), of_block, offset)

    def unstacked(self, placement: Placement) -> Placement:
        """The placement of the blocks, from that of their stacks."""
        mine = self.of_block
        return Placement(
            kind=placement.kind[mine],
            array=placement.array[mine],
            row=placement.row[mine] + self.offset,
            column=placement.column[mine],
            start=placement.start[mine],
        )


def _table(blocks: Blocks, first: IntArray, of_block: IntArray) -> Blocks:
    """The table of stacks, each of which has the outputs of its first block."""
    operator = blocks.operator[first]
    counts = np.bincount(operator, minlength=len(blocks.first) - 1)
    begins = np.concatenate([[0], np.cumsum(counts)])
    return replace(
        blocks,
        operator=operator,
        index=np.arange(len(first)) - begins[operator],
        vector=np.arange(len(first)),
        input=blocks.input[first],
        output=blocks.output[first],
        height=np.bincount(of_block, weights=blocks.height).astype(np.int64),
        width=blocks.width[first],
        columns=blocks.columns[first],
        first=begins,
    )
