"""Chained operators on few arrays: all deals within some cycles are listed, then given places or struck."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from sbdopt.documents import BoolArray
from sbdopt.search.exact.conflicts import Conflict
from sbdopt.search.exact.decompose import found, questions_for
from sbdopt.search.exact.listing import Listing, list_all
from sbdopt.search.exact.portions import NEVER, Portions, Work, portions, seconds_to_deal
from sbdopt.search.exact.questions import Questions, Standing
from sbdopt.search.exact.relations import Relations
from sbdopt.search.exact.runner import NothingLeft, Proven, Run
from sbdopt.search.exact.task import Task
from sbdopt.timing import operator_cycles

_REASON = "all deals within fewer cycles listed and struck out"
_MOST_BLOCKS = 60
"""Blocks are bits of one number."""
_MOST_PORTIONS = 500_000
_MOST_ROWS = 2_000_000
_SAMPLE = 2_000
"""Rows by which it is judged how many a conflict strikes out."""

_Answer = list[Standing] | Conflict | None


def seconds_to_exhaust() -> float:
    """What `exhaust` takes at most before it begins."""
    return seconds_to_deal()


def exhaust(relations: Relations, task: Task, run: Run) -> None:
    """The best solution and `NothingLeft`, or bounds as far as all deals can be listed and struck out.

    For arrays and steps that can be decomposed (`can_decompose`), if all operators run one after another, and
    for as many slots as limits of arrays and cells allow.
    Every value of the goal is tried in ascending order, so that the first solution is the best.
    """
    blocks = relations.blocks
    if sum(slot.cells for slot in relations.slots) < blocks.cells:
        run.put(NothingLeft("area"))
        return
    chained = all(before in blocks.predecessors[after] for before, after in pairwise(blocks.order))
    questions = questions_for(relations, task, run) if chained else None
    if questions is None or not questions.candidates or len(blocks) > _MOST_BLOCKS:
        return
    horizon = min(task.horizon, task.limits.get("makespan", task.horizon))
    if task.goal == "makespan" and task.best is not None:
        horizon = min(horizon, task.best - 1)
    exhaustion = _Exhaustion(relations, questions, horizon, run.workers)
    for value, arrays, makespan in _levels(relations, task, horizon):
        if value > task.known:
            run.put(Proven(value, _REASON))
        if task.best is not None and value >= task.best:
            break  # of arrays; for the makespan there are no such values
        standings = exhaustion.solve(arrays, makespan)
        if isinstance(standings, bool):
            if standings:
                return
            continue
        run.put(found(relations, standings, True, run.budget))
        break
    run.put(NothingLeft(_REASON))


def _levels(relations: Relations, task: Task, horizon: int) -> Iterator[tuple[int, int, int]]:
    """Values of the goal that are not excluded, ascending, with the arrays and the makespan for each."""
    if task.goal == "makespan":
        for value in range(task.known, horizon + 1):
            yield value, len(relations.slots), value
        return
    for number in range(1, len(relations.slots) + 1):
        unused = number * relations.slots[0].cells - relations.blocks.cells
        value = {"arrays": number, "unused_cells": unused}[task.goal]
        if unused >= 0 and value >= task.known:
            yield value, number, horizon


@dataclass(eq=False)
class _Exhaustion:
    """Lists deals, asks whether their arrays have places, and keeps what it learns for the next list."""

    relations: Relations
    questions: Questions
    horizon: int
    """No longer makespan is asked for."""
    workers: int
    _conflicts: list[Conflict] = field(default_factory=list)
    _dealt: dict[int, list[Portions] | None] = field(default_factory=dict)

    def solve(self, arrays: int, makespan: int) -> list[Standing] | bool:
        """How the blocks of each array stand in a solution; False if there is none, True if not decided."""
        rows = self._list(arrays, makespan)
        if rows is None or self._ended():
            return True
        for conflict in self._conflicts:
            rows = rows.take(~self._struck(rows, conflict))
        undecided = False
        running: set[Future[_Answer]] = set()
        with ThreadPoolExecutor(self.workers) as pool:
            while running or len(rows):
                while len(running) < self.workers and len(rows):
                    running.add(pool.submit(self._look, rows))
                    rows = rows.take(np.arange(1, len(rows)))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for answer in (future.result() for future in done):
                    if isinstance(answer, list):
                        return answer
                    if answer is None:
                        undecided = True
                    else:
                        self._conflicts.append(answer)
                        rows = rows.take(~self._struck(rows, answer))
                if self._ended():
                    return True
        return undecided

    def _ended(self) -> bool:
        return self.questions.fits.ended

    @cached_property
    def _operators(self) -> list[int]:
        """Those with most blocks last: their bits are the highest, and they are dealt first."""
        return sorted(self.questions.candidates, key=lambda o: len(self._work(o).sizes))

    @cached_property
    def _order(self) -> list[int]:
        """The block of each bit."""
        first = self.relations.blocks.first.tolist()
        return [i for o in self._operators for i in range(first[o], first[o + 1])]

    def _work(self, operator: int) -> Work:
        begin, end = self.relations.blocks.first[operator : operator + 2].tolist()
        candidates = self.questions.candidates[operator]
        alone = {c.members[0] - begin: spent for c, spent in candidates if len(c.members) == 1}
        steps = []
        for candidate, spent in candidates:
            members = tuple(i - begin for i in candidate.members)
            saved = sum(alone[i] for i in members) - spent
            if saved > 0:
                steps.append((members, saved))
        sizes = [self.questions.size[i] for i in range(begin, end)]
        return Work(sizes, [alone[i] for i in range(end - begin)], steps)

    def _list(self, arrays: int, makespan: int) -> Listing | None:
        scales, size = self.questions.fits.scales, self.questions.size
        cells = scales.rows * scales.columns
        unused = arrays * cells - sum(height * width for height, width in size)
        if arrays not in self._dealt:
            self._dealt[arrays] = self._deal(arrays, cells, unused)
        dealt = self._dealt[arrays]
        if dealt is None:
            return None
        bits = [len(self._work(o).sizes) for o in self._operators]
        return list_all(dealt, bits, cells, unused, makespan - self._digital, _MOST_ROWS, self._ended)

    def _deal(self, arrays: int, cells: int, unused: int) -> list[Portions] | None:
        dealt: list[Portions] = []
        least = operator_cycles(self.relations.blocks)[self._operators]
        for place, operator in enumerate(self._operators):
            within = self.horizon - self._digital - int(least.sum() - least[place])
            ways = portions(self._work(operator), arrays, cells, unused, within, _MOST_PORTIONS, self._ended)
            if ways is None:
                return None
            dealt.append(ways)
            least[place] = ways.cycles.min(initial=NEVER)
        return dealt

    @cached_property
    def _digital(self) -> int:
        """Cycles of the operators without blocks."""
        cycles = operator_cycles(self.relations.blocks)
        return int(cycles.sum() - cycles[self._operators].sum())

    def _look(self, rows: Listing) -> _Answer:
        """How the arrays of the first row stand, or why one of them cannot; None if that was not decided."""
        cycles = dict(zip(self._operators, rows.cycles[0].tolist(), strict=True))
        standings: list[Standing] = []
        fullest = np.argsort(-rows.filled[0], kind="stable").tolist()
        for a in fullest:
            blocks = self._blocks(int(rows.masks[0, a]))
            standing = self.questions.standing(blocks, cycles)
            if standing is None:
                present = {self.questions.operator[i] for i in blocks}
                limits = {o: most for o, most in cycles.items() if o in present}
                return self._widened(Conflict(tuple(sorted(blocks)), limits), rows)
            if isinstance(standing, Standing):
                standings.append(standing)
        return standings if len(standings) == len(fullest) else None

    def _blocks(self, mask: int) -> list[int]:
        return [i for bit, i in enumerate(self._order) if mask >> bit & 1]

    def _struck(self, rows: Listing, conflict: Conflict) -> BoolArray:
        """Which rows have an array that this conflict forbids."""
        within = np.ones(len(rows), dtype=bool)
        for operator, most in conflict.cycles.items():
            within &= rows.cycles[:, self._operators.index(operator)] <= most
        held = np.repeat(within[:, None], rows.masks.shape[1], axis=1)
        bit = {i: 1 << place for place, i in enumerate(self._order)}
        for members, number in conflict.crowds(self.questions.size, self.questions.operator):
            held &= np.bitwise_count(rows.masks & sum(bit[i] for i in members)) >= number
        return np.asarray(held.any(axis=1))

    def _widened(self, conflict: Conflict, rows: Listing) -> Conflict:
        """A conflict of fewer blocks or more cycles that strikes out more rows, if bounds show one."""
        sample = rows.take(np.arange(0, len(rows), -(-len(rows) // _SAMPLE)))
        strikes = int(self._struck(sample, conflict).sum())
        failed: set[tuple[str, int]] = set()
        while True:
            wider = []
            for move, other in self._moves(conflict):
                if move not in failed:
                    number = int(self._struck(sample, other).sum())
                    if number > strikes:
                        wider.append((number, move, other))
            for number, move, other in sorted(wider, key=lambda entry: -entry[0]):
                if self.questions.impossible(other.blocks, other.cycles, 0):
                    conflict, strikes = other, number
                    break
                failed.add(move)
            else:
                return conflict

    def _moves(self, conflict: Conflict) -> list[tuple[tuple[str, int], Conflict]]:
        """Conflicts with a block less, or with one operator that may take longer or as long as it likes."""
        moves: list[tuple[tuple[str, int], Conflict]] = []
        for operator, most in conflict.cycles.items():
            others = {o: cycles for o, cycles in conflict.cycles.items() if o != operator}
            moves.append((("any", operator), replace(conflict, cycles=others)))
            if most + 1 < self.questions.unhurried(conflict.blocks, operator):
                slower = {**others, operator: most + 1}
                moves.append((("longer", operator), replace(conflict, cycles=slower)))
        for block in conflict.blocks:
            fewer = tuple(i for i in conflict.blocks if i != block)
            moves.append((("without", block), replace(conflict, blocks=fewer)))
        return moves
