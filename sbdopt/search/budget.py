"""How long a search may go on, in seconds or in units of work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

_LOADING = 0.6
"""Seconds that loading OR-Tools or SciPy may take on a busy machine."""


@dataclass
class Budget:
    """A limit in seconds of a clock that is passed in, or in deterministic units of work, or both.

    With a limit of work and one worker a search is repeatable; with a limit of seconds it never is. A unit
    of work is CP-SAT's deterministic second.
    """

    seconds: float = 60.0
    work: float | None = None
    workers: int = 1
    clock: Callable[[], float] = time.monotonic
    begin: float = field(default=float("nan"))
    spent: float = 0.0

    def __post_init__(self) -> None:
        if self.begin != self.begin:
            self.begin = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the search began."""
        return self.clock() - self.begin

    @property
    def remaining(self) -> float:
        """Seconds that are left, never negative; infinite if only work is limited."""
        return max(0.0, self.seconds - self.elapsed)

    @property
    def remaining_work(self) -> float | None:
        """Units of work that are left, or None if they are not limited."""
        return None if self.work is None else max(0.0, self.work - self.spent)

    @property
    def used_up(self) -> bool:
        """Whether the search must stop."""
        return self.remaining <= 0 or self.remaining_work == 0

    @property
    def is_short(self) -> bool:
        """Whether too few seconds are left to load OR-Tools or SciPy, which nothing may interrupt."""
        return self.remaining < _LOADING

    def part(self, share: float) -> Budget:
        """A budget of its own for a part of what is left; what it spends is added by whoever asks for it."""
        part = replace(self, seconds=self.elapsed + self.remaining * share)
        if self.remaining_work is not None:
            part.work = self.spent + self.remaining_work * share
        return part
