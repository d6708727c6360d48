"""Rounds of annealing, each from the best so far: to be faster, or to empty an array."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from math import inf

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds
from sbdopt.documents import BoolArray
from sbdopt.goals import Goals
from sbdopt.placement import Placement
from sbdopt.search.annealing.board import Board
from sbdopt.search.annealing.walk import Aim, State, walk
from sbdopt.search.budget import Budget
from sbdopt.search.compiled import seconds_to_call
from sbdopt.search.method import Found
from sbdopt.search.score import key, score
from sbdopt.search.widening import most_arrays

_HOT, _COLD = 0.2, 0.03
"""Heat at first and at last, as parts of the mean cycles of a block."""
_EVEN, _EVEN_VACATING = 2.0, 0.1
"""What the evenness of tiles counts."""
_MOVES, _LONGER = 2000, 2
"""Moves of the first round, for each block, and how many times as long every further one is: few long walks
get further than many short ones."""
_MOST_MOVES = 5_000_000
"""Moves of a walk, before whose end nothing is heard of it."""
_TRIES = 12
"""Orders in which blocks are put on an array before a move is given up."""
_WORK, _WORK_OF_ROW = 3e-6, 0.2e-6
"""Units of work of a move, and more for each row: about the seconds that it takes."""
_IDLE, _IDLE_VACATING = 1.25, 4
"""A search ends when so many moves, for the fourth power of the number of blocks, bring nothing; and so many
rounds, all of the same length, where an array is to be emptied."""
_MOST_VACATED = 4
"""Arrays that are tried before it is given up to empty one."""
_EMPTY = 8.0
"""What a full array costs that is to be emptied, in mean cycles of a block."""


def rounds(
    blocks: Blocks,
    goals: Goals,
    budget: Budget,
    seed: int,
    start: Placement,
    stopped: BoolArray | None = None,
) -> Iterator[Found]:
    """What annealing finds from a start; see `anneal`."""
    times = [name for name in (*goals, *goals.limits) if name in ("makespan", "interval")]
    if not times or budget.remaining < seconds_to_call(walk):
        return
    for_time = goals[0] in times or any(name in goals.limits for name in times)
    search = _Search(blocks, goals, times[0], budget, seed, start)
    if stopped is not None:
        search.stopped = stopped
    if not for_time or not search.at_bound:
        yield from search.hasten()
    if for_time:
        yield from search.vacate()


@dataclass(eq=False)
class _Search:
    """The best placement so far, and the rounds that look for a better one."""

    blocks: Blocks
    goals: Goals
    time: str
    """The goal or limit that is a sum of cycles."""
    budget: Budget
    seed: int
    best: Placement
    _round: int = 0
    stopped: BoolArray = field(default_factory=lambda: np.zeros(1, dtype=bool))
    """Of one truth, that ends all walks."""

    @property
    def ended(self) -> bool:
        """Whether the time is up, or the search was stopped."""
        return self.budget.used_up or bool(self.stopped[0])

    @property
    def at_bound(self) -> bool:
        """Whether the best cannot be faster, whatever arrays it uses."""
        bounds = lower_bounds(self.blocks, self.time, self.goals.limits)
        return score(self.blocks, self.best)[self.time] <= max((bound.value for bound in bounds), default=0)

    def hasten(self) -> Iterator[Found]:
        """Fewer cycles on the arrays that are used, and on such others as there may be."""
        limited = bool({"arrays", "unused_cells"} & set(self.goals.limits))
        more = most_arrays(self.blocks, self.goals) if limited and not self.goals.cells_first else 0
        board = Board.of(self.blocks, self.best, self.time, more)
        if board is not None:
            aim = Aim(0, _EVEN, np.zeros(len(board.arrays)))
            yield from self._rounds(board, aim, int(_IDLE * len(self.blocks) ** 4), _LONGER)

    def vacate(self) -> Iterator[Found]:
        """Arrays emptied one by one, those with the fewest cells first, within the limits or at no cost."""
        better = True
        while better and not self.ended:
            better = False
            board = Board.of(self.blocks, self.best, self.time, 0)
            if board is None or len(board.arrays) < 2:
                return
            values = score(self.blocks, self.best)
            slack = max(0, self.goals.limits.get(self.time, values[self.time]) - values[self.time])
            for a in np.argsort(board.filled, kind="stable")[:_MOST_VACATED].tolist():
                price = np.zeros(len(board.arrays))
                price[a] = _EMPTY * board.mean / board.chip.room[a]
                aim = Aim(board.cycles + slack, _EVEN_VACATING, price)
                idle = _IDLE_VACATING * _MOVES * len(self.blocks)
                for found in self._rounds(board, aim, idle, until=float(aim.enough)):
                    yield found
                    better = True
                if better or self.ended:
                    break

    def _rounds(
        self, board: Board, aim: Aim, idle: int, longer: int = 1, until: float = 0.0
    ) -> Iterator[Found]:
        """Rounds from the best state on, with as many walks at a time as there are workers.

        Each is so many times `longer` than the one before; all end after `idle` moves of each that bring
        nothing.
        """
        state, least, since = board.state, np.inf, 0
        length = _MOVES * len(self.blocks)
        work = _WORK + _WORK_OF_ROW * int(board.chip.rows.max())
        with ThreadPoolExecutor(self.budget.workers) as pool:
            while least > until and since < idle and not self.ended:
                left = self._most_moves(work)
                following = min(length * longer, _MOST_MOVES)
                moves = length if left > length + following else max(1, min(following, left))
                walks = [
                    pool.submit(self._walk, board, aim, state, moves, number)
                    for number in range(self.budget.workers)
                ]
                self._round += 1
                self.budget.spent += len(walks) * moves * work
                if self.budget.remaining < inf:
                    wait(walks, timeout=self.budget.remaining)
                    self.stopped[0] |= self.budget.remaining <= 0
                worth, number = min((walk.result()[0], number) for number, walk in enumerate(walks))
                since = 0 if worth < least else since + moves
                least, state = worth, walks[number].result()[1]
                length = following
                found = board.finished(state)
                if key(self.blocks, self.goals, found.placement) < key(self.blocks, self.goals, self.best):
                    self.best = found.placement
                    yield found

    def _most_moves(self, work: float) -> int:
        """Moves of each worker that there is time for."""
        left = self.budget.remaining
        if self.budget.remaining_work is not None:
            left = min(left, self.budget.remaining_work / self.budget.workers)
        return int(left / work) if left < inf else 1 << 62

    def _walk(self, board: Board, aim: Aim, state: State, moves: int, number: int) -> tuple[float, State]:
        random = np.random.default_rng((self.seed, self._round, number))
        mine, best = (State(*(column.copy() for column in state)) for _ in range(2))
        hot, cold = _HOT * board.mean, _COLD * board.mean
        worth = walk(board.chip, board.work, aim, mine, best, hot, cold, moves, _TRIES, random, self.stopped)
        return worth, best
