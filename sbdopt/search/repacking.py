"""Improve filled arrays: empty the one that holds least into a few others, again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.problem import ArrayKind
from sbdopt.search.budget import Budget
from sbdopt.search.packing import Filling, Sizes

_MOST_RECTANGLES = 70
"""In the arrays that are packed again together: CP-SAT finds little among more."""
_MOST_ARRAYS = 4
_SECONDS = 1.0
"""Seconds (or units of work) for the first attempts; later ones take longer."""
_FRUITLESS = 60
"""So many attempts in a row may come to nothing."""


class Repacking:
    """Arrays in the course of being emptied."""

    def __init__(
        self, kinds: Sequence[ArrayKind], sizes: Sizes, fillings: Sequence[Filling], seed: int
    ) -> None:
        self._kinds, self._sizes = kinds, sizes
        self._fillings = list(fillings)
        self._area = sizes.height * sizes.width
        self._random = np.random.default_rng(seed)
        self._used = np.array([self._used_by(filling) for filling in self._fillings])

    def _used_by(self, filling: Filling) -> int:
        return sum(int(self._area[size]) for size, _, _ in filling.places)

    def search(self, budget: Budget) -> Iterator[list[Filling]]:
        """Fillings of fewer and fewer arrays, until the budget is used up or nothing moves any more."""
        fruitless = 0
        while len(self._fillings) > 1 and fruitless < _FRUITLESS and not budget.used_up:
            chosen = self._choose()
            seconds = _SECONDS * (1 + fruitless / 10)
            if chosen is None or not self._empty(chosen, budget, seconds):
                fruitless += 1
                continue
            fruitless = 0
            empty = [number for number in chosen if not self._fillings[number].places]
            if empty:
                del self._fillings[empty[0]]
                self._used = np.delete(self._used, empty[0])
                yield list(self._fillings)

    def _waste(self) -> IntArray:
        cells = np.array([self._kinds[f.kind].rows * self._kinds[f.kind].columns for f in self._fillings])
        waste: IntArray = cells - self._used
        return waste

    def _choose(self) -> list[int] | None:
        """Arrays with room, among them one of those that hold least; the least used is the last."""
        waste = self._waste()
        few = np.argsort(self._used, kind="stable")[:3]
        last = int(few[0] if self._random.random() < 0.7 else self._random.choice(few))
        others = np.flatnonzero((waste > 0) & (np.arange(len(waste)) != last))
        most = int(self._random.integers(1, _MOST_ARRAYS))
        if not len(others):
            return None
        share = waste[others] / waste[others].sum()
        chosen = self._random.choice(others, min(most, len(others)), replace=False, p=share).tolist()
        result: list[int] = []
        rectangles = len(self._fillings[last].places)
        for number in chosen:
            rectangles += len(self._fillings[number].places)
            if rectangles <= _MOST_RECTANGLES or not result:
                result.append(number)
        return sorted([*result, last], key=lambda number: -int(self._used[number]))

    def _empty(self, chosen: Sequence[int], budget: Budget, seconds: float) -> bool:
        """Move rectangles of the last array to the others; whether any fewer cells remain used there."""
        from sbdopt.search.exact.repack import Space, empty_last  # OR-Tools takes long to import

        spaces, places, sizes = [], [], []
        for space, number in enumerate(chosen):
            filling = self._fillings[number]
            kind = self._kinds[filling.kind]
            faults = tuple((f[1], f[2], f[3], f[4]) for f in kind.faults if f[0] == filling.array)
            spaces.append(Space(kind.rows, kind.columns, faults))
            places += [(space, row, column) for _, row, column in filling.places]
            sizes += [size for size, _, _ in filling.places]
        size = np.array(sizes, dtype=np.int64)
        height, width = self._sizes.height[size], self._sizes.width[size]
        seed = int(self._random.integers(1 << 30))
        moved = empty_last(height, width, spaces, places, budget, seconds, seed)
        if moved is None:
            return False
        fillings = []
        for space, number in enumerate(chosen):
            filling = self._fillings[number]
            there = tuple(
                (s, row, column) for s, (k, row, column) in zip(sizes, moved, strict=True) if k == space
            )
            fillings.append(Filling(filling.kind, filling.array, there))
        return self._accept(chosen, fillings)

    def _accept(self, chosen: Sequence[int], fillings: Sequence[Filling]) -> bool:
        """Keep these fillings if they are more uneven than before, so that nothing goes round in circles."""
        numbers = list(chosen)
        used = np.array([self._used_by(filling) for filling in fillings])
        if int((used**2).sum()) <= int((self._used[numbers] ** 2).sum()):
            return False
        self._used[numbers] = used
        for number, filling in zip(numbers, fillings, strict=True):
            self._fillings[number] = filling
        return True
