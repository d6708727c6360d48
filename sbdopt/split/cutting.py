"""Cut the blocks of a problem into pieces: another problem, whose operators compute the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement
from sbdopt.problem import BlockColumns, Operator, Problem


@dataclass(frozen=True)
class Cut:
    """The most weights of a piece of a block, across and down; None: as many as the block has."""

    width: int | None = None
    height: int | None = None


Choice = tuple[Cut, ...]
"""How the blocks of each operator are cut; for operators in the problem's order, digital ones too."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of some blocks, a row each: block after block, each row by row."""

    block: IntArray
    """Number of the block among those that were cut."""
    top: IntArray
    left: IntArray
    """Where the piece begins in its block, in weights."""
    height: IntArray
    width: IntArray

    @classmethod
    def of(cls, height: IntArray, width: IntArray, most_high: IntArray, most_wide: IntArray) -> Pieces:
        """Blocks of these sizes in pieces that are as large as they may be, the last of each row smaller."""
        down, across = -(-height // most_high), -(-width // most_wide)
        number = down * across
        block = np.repeat(np.arange(len(height)), number)
        place = np.arange(len(block)) - np.repeat(np.cumsum(number) - number, number)
        top = place // across[block] * most_high[block]
        left = place % across[block] * most_wide[block]
        return cls(
            block=block,
            top=top,
            left=left,
            height=np.minimum(most_high[block], height[block] - top),
            width=np.minimum(most_wide[block], width[block] - left),
        )


@dataclass(frozen=True, eq=False)
class Split:
    """A problem whose blocks are pieces of the blocks of another."""

    problem: Problem
    pieces: Pieces
    """For each block of the split problem what it is of the blocks of the other, in the order of `Blocks`."""


def cut(problem: Problem, choice: Sequence[Cut], *, add_cycles: int = 0, weights: str | None = None) -> Split:
    """The problem with its blocks cut as is chosen; `weights` names the file of weights of the pieces.

    Pieces stay blocks of the operator, so that it computes the same y = x W. An operator whose blocks are cut
    by rows yields partial sums in several places: a digital operator after it adds them up, and what was
    after the operator is after that. It takes `add_cycles` for each level of a tree of additions:
    ceil(log2(p)) levels if a block is cut into p pieces by rows at most. The other sums of an operator, of
    blocks that share outputs, are as free as they are in the problem.
    """
    names = {operator.name for operator in problem.operators}
    operators, every, first = [], [], 0
    added: dict[str, str] = {}
    for operator, one in zip(problem.operators, choice, strict=True):
        if operator.blocks is None:
            operators.append(operator)
            continue
        pieces = _pieces(operator.blocks, one)
        every.append(replace(pieces, block=pieces.block + first))
        first += len(operator.blocks)
        operators.append(operator.model_copy(update={"blocks": _columns(operator.blocks, pieces)}))
        levels = (int((pieces.top // (one.height or 1)).max(initial=0))).bit_length() if one.height else 0
        if levels:
            added[operator.name] = _new_name(operator.name, names)
            add = Operator(name=added[operator.name], after=[operator.name], cycles=levels * add_cycles)
            operators.append(add)
    return Split(
        problem=Problem(
            name=problem.name,
            hardware=problem.hardware,
            operators=[_after(operator, added) for operator in operators],
            weights=weights,
        ),
        pieces=_joined(every),
    )


def cut_blocks(blocks: Blocks, height: int | None, width: int | None) -> Blocks:
    """The same table with every block cut into pieces of at most `height` x `width` weights.

    No problem has this table; bounds can be asked of it.
    """
    most_high = blocks.height if height is None else np.full(len(blocks), height)
    most_wide = blocks.width if width is None else np.full(len(blocks), width)
    pieces = Pieces.of(blocks.height, blocks.width, most_high, most_wide)
    number = np.bincount(pieces.block, minlength=len(blocks))
    before = np.concatenate([[0], np.cumsum(number)])
    return replace(
        blocks,
        operator=blocks.operator[pieces.block],
        index=np.arange(len(pieces.block)) - before[blocks.first[blocks.operator[pieces.block]]],
        vector=blocks.vector[pieces.block],
        input=blocks.input[pieces.block] + pieces.top,
        output=blocks.output[pieces.block] + pieces.left,
        height=pieces.height,
        width=pieces.width,
        columns=pieces.width * blocks.hardware.columns_per_weight,
        first=before[blocks.first],
    )


def cut_placement(blocks: Blocks, placement: Placement, pieces: Pieces) -> Placement:
    """Every piece where it is in its block, read with it.

    Steps hold the same cells, drive the same rows and read the same columns as before, so that a legal
    placement stays legal and all metrics stay what they are - but operators after an addition that a cut by
    rows has brought may now begin too early.
    """
    block = pieces.block
    return Placement(
        kind=placement.kind[block],
        array=placement.array[block],
        row=placement.row[block] + pieces.top,
        column=placement.column[block] + pieces.left * blocks.hardware.columns_per_weight,
        start=placement.start[block],
    )


def _pieces(blocks: BlockColumns, one: Cut) -> Pieces:
    most_high = blocks.height if one.height is None else np.full(len(blocks), one.height)
    most_wide = blocks.width if one.width is None else np.full(len(blocks), one.width)
    return Pieces.of(blocks.height, blocks.width, most_high, most_wide)


def _columns(blocks: BlockColumns, pieces: Pieces) -> BlockColumns:
    return BlockColumns(
        input=blocks.input[pieces.block] + pieces.top,
        output=blocks.output[pieces.block] + pieces.left,
        height=pieces.height,
        width=pieces.width,
    )


def _joined(every: Sequence[Pieces]) -> Pieces:
    def column(name: str) -> IntArray:
        return np.concatenate([np.zeros(0, dtype=np.int64), *(getattr(pieces, name) for pieces in every)])

    return Pieces(*map(column, ("block", "top", "left", "height", "width")))


def _new_name(operator: str, taken: set[str]) -> str:
    """A name for the addition after an operator, that no operator has."""
    names: Iterator[str] = (f"{operator}.add{'' if number == 1 else number}" for number in count(1))
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return name


def _after(operator: Operator, added: dict[str, str]) -> Operator:
    """The operator after the additions of what it is after; an addition itself is after its operator."""
    after = [name if added.get(name) in (None, operator.name) else added[name] for name in operator.after]
    return operator.model_copy(update={"after": after})
