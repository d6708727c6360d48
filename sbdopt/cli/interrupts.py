"""End a search early, from outside, without losing what it found."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType
from typing import Any, Self

_SHORTEST = 0.1
"""Seconds that a search has in any case, so that it can begin, and end in good order."""
_LONGEST = 1e8


class Interrupts:
    """While it is open and a search runs, SIGINT and SIGTERM raise KeyboardInterrupt: once.

    After the first, and after `search_ended`, all are ignored, so that results are written undisturbed.
    """

    def __init__(self) -> None:
        self._armed = True
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def raise_at(self, moment: float) -> None:
        """Raise KeyboardInterrupt at this reading of `time.monotonic` too.

        That is for methods that do not look at their budget often enough.
        """
        seconds = moment - time.monotonic()
        if seconds < _LONGEST:
            signal.setitimer(signal.ITIMER_REAL, max(seconds, _SHORTEST))

    def search_ended(self) -> None:
        """From now on nothing is interrupted any more."""
        self._armed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt
