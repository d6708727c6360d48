"""Which cuts are worth a try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray, IntArray
from sbdopt.search.dealing import Plan
from sbdopt.split.cutting import Choice, Cut
from sbdopt.timing import earliest_starts, step_cycles, tails

_MOST_TURNS = 64
_EVEN_PARTS = (2, 3, 4, 6, 8)


def cut_by_turns(blocks: Blocks, tiles: int | None) -> Choice:
    """Pieces of as few turns of the converters as so many tiles have room for; None: as anyone wants.

    All operators that the plan of whole blocks runs at the same time get a tile for each of their pieces, if
    that is possible at all. Where an operator has time to spare, its pieces are as wide as its time permits.
    """
    turns = _Turns(blocks)
    chosen = np.zeros_like(turns.most)
    if tiles is not None:
        chosen = _fewest_turns(turns, Plan.of(blocks), tiles)
    return turns.choice(_with_time_to_spare(blocks, turns, chosen))


def cut_alike(blocks: Blocks, width: int) -> Choice:
    """All blocks in pieces of at most the same width."""
    widest = _largest(blocks, blocks.width)
    return tuple(Cut(width=width if width < most else None) for most in widest.tolist())


def common_widths(blocks: Blocks) -> list[int]:
    """Widths that all blocks might be cut to: whole turns that divide the columns of an array."""
    result = set()
    per_weight = blocks.hardware.columns_per_weight
    for kind in blocks.hardware.arrays:
        for parts in range(2, 33):
            columns = kind.columns // parts
            if kind.columns % parts == 0 and columns % kind.adcs == 0 and columns % per_weight == 0:
                result.add(columns // per_weight)
    return sorted(width for width in result if width < int(blocks.width.max(initial=0)))


def classes(blocks: Blocks, choice: Choice) -> list[list[int]]:
    """Operators with the same sizes of blocks that are cut alike, those with most columns first."""
    found: dict[object, list[int]] = {}
    for operator in range(len(choice)):
        mine = slice(int(blocks.first[operator]), int(blocks.first[operator + 1]))
        if mine.start < mine.stop:
            sizes = np.unique(np.stack([blocks.height[mine], blocks.width[mine]]), axis=1)
            found.setdefault((sizes.tobytes(), choice[operator]), []).append(operator)
    columns = np.bincount(blocks.operator, weights=blocks.columns, minlength=len(choice))
    return sorted(found.values(), key=lambda group: (-float(columns[group].sum()), group))


def cuts_of(blocks: Blocks, operator: int, current: Cut, *, rows: bool) -> Iterator[Cut]:
    """Other cuts of one operator, in one direction: whole turns of the converters or phases, and even parts.

    Few pieces come first.
    """
    mine = slice(int(blocks.first[operator]), int(blocks.first[operator + 1]))
    tallest, widest = int(blocks.height[mine].max()), int(blocks.width[mine].max())
    hardware = blocks.hardware
    converters = {turns * kind.adcs for kind in hardware.arrays for turns in (1, 2, 4)}
    turns = {columns // hardware.columns_per_weight for columns in converters}
    for width in _smaller(widest, turns):
        if width != current.width:
            yield replace(current, width=width)
    for height in _smaller(tallest, {hardware.rows_per_phase or tallest}) if rows else ():
        if height != current.height:
            yield replace(current, height=height)


def tiles_of(blocks: Blocks, arrays: int) -> int:
    """The most tiles that so many arrays are on."""
    kinds = blocks.hardware.arrays
    if any(kind.count is None for kind in kinds):
        return arrays
    return min(arrays, sum(-(-(kind.count or 0) // kind.tiers) for kind in kinds))


def most_together(blocks: Blocks, choice: Choice) -> int:
    """The most pieces of operators that the plan of whole blocks runs at the same time."""
    plan = Plan.of(blocks)
    width = np.array([one.width or np.iinfo(np.int64).max for one in choice])
    pieces = np.zeros(len(choice), dtype=np.int64)
    np.add.at(pieces, blocks.operator, (blocks.width - 1) // width[blocks.operator] + 1)
    return max(int(pieces[_together(plan, operator)].sum()) for operator in range(len(choice)))


def _smaller(largest: int, sizes: set[int]) -> list[int | None]:
    """No cut, and these sizes and even parts as far as they cut anything, the largest first."""
    even = {-(-largest // parts) for parts in _EVEN_PARTS}
    return [None, *sorted((size for size in sizes | even if 0 < size < largest), reverse=True)]


def _together(plan: Plan, operator: int) -> BoolArray:
    """Operators that the plan runs at some time while it runs this one."""
    together: BoolArray = (plan.start < plan.end[operator]) & (plan.start[operator] < plan.end)
    return together


def _largest(blocks: Blocks, values: IntArray) -> IntArray:
    """The largest value of a block of each operator; 0 for digital ones."""
    result = np.zeros(len(blocks.predecessors), dtype=np.int64)
    np.maximum.at(result, blocks.operator, values)
    return result


class _Turns:
    """For each operator and t what it means to cut its blocks to the columns of t turns of the converters."""

    def __init__(self, blocks: Blocks) -> None:
        hardware = blocks.hardware
        adcs = max(kind.adcs for kind in hardware.arrays)
        self.widest = _largest(blocks, blocks.width)
        tallest = np.maximum(1, _largest(blocks, blocks.height))
        longest = -(-int(self.widest.max()) * hardware.columns_per_weight // adcs)
        turns = np.unique(np.geomspace(1, max(1, longest), _MOST_TURNS).astype(np.int64))
        self.width = np.maximum(1, turns * adcs // hardware.columns_per_weight)
        """Of a piece, for each number of turns that is looked at."""
        self.most = np.searchsorted(self.width, self.widest).clip(max=len(turns) - 1)
        """Place of the least number of turns that leaves all blocks whole."""
        self.pieces = np.zeros((len(self.widest), len(turns)), dtype=np.int64)
        self.cycles = np.zeros_like(self.pieces)
        digital = np.array([operator.cycles or 0 for operator in blocks.problem.operators], dtype=np.int64)
        for place, width in enumerate(self.width.tolist()):
            np.add.at(self.pieces[:, place], blocks.operator, -(-blocks.width // width))
            columns = np.minimum(width, self.widest) * hardware.columns_per_weight
            cycles = step_cycles(hardware, adcs, columns, tallest)
            self.cycles[:, place] = np.where(self.widest > 0, cycles, digital)

    def choice(self, chosen: IntArray) -> Choice:
        return tuple(
            Cut(width=width if width < most else None)
            for width, most in zip(self.width[chosen].tolist(), self.widest.tolist(), strict=True)
        )


def _fewest_turns(turns: _Turns, plan: Plan, tiles: int) -> IntArray:
    """For each operator the first number of turns with which all that runs with it fits so many tiles."""
    chosen = turns.most.copy()
    for operator in np.flatnonzero(turns.widest).tolist():
        fits = np.flatnonzero(turns.pieces[_together(plan, operator)].sum(axis=0) <= tiles)
        chosen[operator] = min(chosen[operator], fits[0]) if len(fits) else chosen[operator]
    return chosen


def _with_time_to_spare(blocks: Blocks, turns: _Turns, chosen: IntArray) -> IntArray:
    """As many turns as keep the critical path: each operator in order takes all that is left to it."""
    chosen = chosen.copy()
    every = np.arange(len(chosen))
    cycles = turns.cycles[every, chosen]
    path = int((earliest_starts(blocks, cycles) + cycles).max())
    latest = (path - tails(blocks, cycles)).tolist()
    end = [0] * len(chosen)
    for operator in blocks.order:
        start = max((end[before] for before in blocks.predecessors[operator]), default=0)
        in_time = np.flatnonzero(start + turns.cycles[operator] <= latest[operator])
        if turns.widest[operator]:
            chosen[operator] = min(int(in_time[-1]), int(turns.most[operator]))
        end[operator] = start + int(turns.cycles[operator, chosen[operator]])
    return chosen
