"""From the best construction on: exchanges that shorten what is busiest, and as few arrays as that allows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.greedy import finished, greedy
from sbdopt.search.method import Finding, Found
from sbdopt.search.neighbourhoods import Balance, Board, Grouping, Loads, levels
from sbdopt.search.score import Key, rank, score
from sbdopt.search.stacking import Stacks
from sbdopt.search.widening import further_arrays, most_arrays
from sbdopt.timing import NEVER, block_cycles

_MOST_LOADS = 1 << 26
"""Groups x tiles above which nothing is counted any more."""
_MOST_CYCLES = 1 << 30
"""Cycles of all steps above which the sums of squares of a local search would not fit in 64 bits."""
_WORK = 2.5e-4
_WORK_OF_BLOCK = 5e-8
"""Units of work of an attempt, and of each block that it looks at: about the seconds that they take."""

_PARTS = (1, 2, 3, 4)


def improve(
    blocks: Blocks, goals: Goals, budget: Budget, seed: int, start: Placement | None, *, packed: bool = False
) -> Iterator[Finding]:
    """The constructions, then a local search from the best of them; deterministic under a limit of work.

    All of it with blocks as they are, and with those of an operator that have the same outputs in stacks.
    Ends when it has found nothing better for long. `packed`: the start is the best of these constructions.
    """
    searches: list[tuple[Stacks, _Search]] = []
    for stacks in _forms(blocks):
        search = _Search(stacks.blocks, goals, budget, seed)
        if start is not None and not searches:
            search.note(start)
        built = packed and start is not None and not searches
        constructions = () if built and not goals.limits else greedy(stacks.blocks, goals, budget, seed, None)
        for finding in constructions:
            if isinstance(finding, Found):
                search.note(finding.placement)
                finding = Found(stacks.unstacked(finding.placement))
            yield finding
        searches.append((stacks, search))
        if budget.used_up:
            return
    for stacks, search in sorted(searches, key=lambda one: one[1].best_key):
        if search.best is not None and not budget.used_up and len(stacks.blocks) > 1:
            for found in search.run():
                yield Found(stacks.unstacked(found.placement))


def _forms(blocks: Blocks) -> Iterator[Stacks]:
    """Blocks as they are, and in stacks as high as the highest arrays, and as parts of that.

    High stacks save most time, low ones fill arrays better.
    """
    yield Stacks.single(blocks)
    rows = max(kind.rows for kind in blocks.hardware.arrays)
    for parts in _PARTS if blocks.standing is None else ():
        most = min(rows // parts, blocks.hardware.rows_per_phase or rows)
        stacks = Stacks.up_to(blocks, most)
        if stacks is None:
            return
        yield stacks


class _Search:
    """What is known of one problem while it is improved."""

    def __init__(self, blocks: Blocks, goals: Goals, budget: Budget, seed: int) -> None:
        self.blocks, self.goals, self.budget, self.seed = blocks, goals, budget, seed
        self.best: Placement | None = None
        self.best_key: Key = (True,)
        self.tightest: Placement | None = None
        self._tightest_key: Key = (True,)
        self._by_cells = Goals(("unused_cells", "makespan"))
        self.times = [name for name in (*goals, *goals.limits) if name in ("makespan", "interval")]

    def note(self, placement: Placement) -> bool:
        """Keep a placement if it is the best so far, or has the fewest cells; whether it is the best."""
        values = score(self.blocks, placement)
        by_cells = rank(self._by_cells, values)
        if self.tightest is None or by_cells < self._tightest_key:
            self.tightest, self._tightest_key = placement, by_cells
        mine = rank(self.goals, values)
        if self.best is None or mine < self.best_key:
            self.best, self.best_key = placement, mine
            return True
        return False

    def run(self) -> Iterator[Found]:
        """First shorter on the arrays that may be used; then, if time comes first, on fewer arrays."""
        if not self.times or self.best is None or self.tightest is None:
            return
        for_time = self.goals[0] in self.times or any(name in self.times for name in self.goals.limits)
        if not for_time:
            begin = self.best
            for turn in range(_TURNS):
                if self.budget.used_up:
                    return
                yield from self._balanced(self.best if turn % 2 else begin, 0, turn=turn)
            return
        if self.goals[0] in self.times or not self.goals.allow(score(self.blocks, self.best)):
            more = most_arrays(self.blocks, self.goals) - _arrays(self.best)
            yield from self._balanced(self.best, max(0, more))
        yield from self._emptied(self.best)
        yield from self._on_fewer_arrays()

    def _emptied(self, begin: Placement) -> Iterator[Found]:
        """Arrays are emptied one by one, those with the fewest cells first, as long as that costs no time."""
        balance = self._balance(begin, 0)
        if balance is None:
            return
        board, random = balance.board, balance.random
        failed = np.zeros(len(board.where), dtype=bool)
        for _ in range(_ROUNDS):
            some = False
            while not self.budget.used_up:
                waiting = np.flatnonzero(~failed & (board.free < board.cells))
                if not len(waiting):
                    break
                array = int(waiting[(board.cells - board.free)[waiting].argmin()])
                self._spend(len(board.members[array]))
                failed[array] = True
                some |= balance.vacate(array)
            found = self._finished(board) if some else None
            if found is not None:
                yield found
            if self.budget.used_up:
                return
            for _ in range(len(self.blocks)):
                balance.wander()
                self._spend(1)
            failed[:] = random.random(len(failed)) < _SPARED

    def _on_fewer_arrays(self) -> Iterator[Found]:
        """From the fewest arrays that hold everything to as few more as keep the time, by bisection."""
        assert self.best is not None
        assert self.tightest is not None
        fewest = _arrays(self.tightest)
        low, high = fewest - 1, _arrays(self.best)
        while high - low > 1 and not self.budget.used_up:
            middle = (low + high) // 2
            before = self.best_key
            yield from self._balanced(self.tightest, middle - fewest, until_better=True)
            if self.best_key < before:
                high = min(middle, _arrays(self.best))
            else:
                low = middle

    def _balance(self, begin: Placement, more: int, turn: int = 0) -> Balance | None:
        """A local search on the arrays of a placement and so many more; None if it would be too large."""
        blocks = self.blocks
        groupings = _groupings(blocks, self.goals, self.times)
        empty = list(islice(further_arrays(blocks, begin), min(more, len(blocks))))
        if sum(len(one.weight) for one in groupings) * (_arrays(begin) + len(empty)) > _MOST_LOADS:
            return None
        cycles = block_cycles(blocks)
        if np.where(cycles == NEVER, 0, cycles).max(axis=0).sum(dtype=np.float64) > _MOST_CYCLES:
            return None
        board = Board(blocks, Places(begin.kind, begin.array, begin.row, begin.column), empty)
        return Balance(board, Loads(blocks, groupings, board.kind, board.tile), self.seed + turn)

    def _spend(self, attempts: int) -> None:
        self.budget.spent += attempts * (_WORK + _WORK_OF_BLOCK * len(self.blocks))

    def _balanced(
        self, begin: Placement, more: int, *, turn: int = 0, until_better: bool = False
    ) -> Iterator[Found]:
        """What a local search finds that is better, on the arrays of a placement and so many more."""
        balance = self._balance(begin, more, turn)
        if balance is None:
            return
        loads, board = balance.loads, balance.board
        patience = (100 + 4 * len(self.blocks)) if until_better else (200 + 20 * len(self.blocks))
        pause = 200 + len(self.blocks) // 5
        cheapest, idle, tried, moved = loads.cost, 0, 0, False
        while idle < patience and not self.budget.used_up and not balance.is_even:
            moved |= balance.attempt() or (idle > _CALM and balance.wander())
            self._spend(1)
            tried, idle = tried + 1, idle + 1
            if loads.cost < cheapest:
                cheapest, idle = loads.cost, 0
            if moved and tried % pause == 0:
                moved = False
                found = self._finished(board)
                if found is not None:
                    yield found
                    if until_better:
                        return
        found = self._finished(board)
        if found is not None:
            yield found

    def _finished(self, board: Board) -> Found | None:
        """The board, scheduled, if that is better than anything so far."""
        found = finished(self.blocks, board.places(), self.budget)
        return found if self.note(found.placement) else None


_TURNS = 6
"""Local searches one after another, each with other random numbers: from the construction, or the best."""
_CALM = 20
"""Attempts that may fail before blocks wander."""
_ROUNDS, _SPARED = 30, 0.5
"""How often arrays are emptied, and which part of them is left alone in a later round."""


def _groupings(blocks: Blocks, goals: Goals, times: list[str]) -> list[Grouping]:
    """Groups whose busiest tiles are to be less busy: levels for the makespan, all blocks for the interval.

    What comes earlier among the goals and limits weighs more than all that comes later.
    """
    _, level = np.unique(levels(blocks)[blocks.operator], return_inverse=True)
    result, weight = [], 1
    for name in reversed(list(dict.fromkeys(times))):
        of_block = level if name == "makespan" else np.zeros_like(level)
        groups = int(of_block.max()) + 1
        result.append(Grouping(of_block, np.full(groups, weight)))
        weight *= _HEAVIER
    return result


_HEAVIER = 1 << 20


def _arrays(placement: Placement) -> int:
    return len(np.unique(np.stack([placement.kind, placement.array]), axis=1).T)
