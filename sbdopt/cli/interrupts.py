"""End a search early, from outside, without losing what it found."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

_GRACE = 1.02
"""A search that has not ended at this multiple of its time is ended."""
_SHORTEST = 0.1
"""Seconds that a search has in any case, so that it can begin, and end in good order."""
_LONGEST = 1e8
_AGAIN = 1e-3
"""Seconds until an interrupt that comes at a bad moment is raised."""


class Interrupts:
    """While it is open and a search runs, SIGINT and SIGTERM raise KeyboardInterrupt: once.

    After the first, and after `search_ended`, all are ignored, so that results are written undisturbed.
    """

    def __init__(self) -> None:
        self.asked = False
        """Whether SIGINT or SIGTERM came, also while they were ignored: whoever begins searches may stop."""
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

    def search_begins(self, seconds: float, spent: float = 0.0) -> None:
        """A search begins that may take `seconds`, of which some are spent.

        A method that does not look at its budget often enough is interrupted as well.
        """
        self._armed = True
        left = seconds * _GRACE - spent
        signal.setitimer(signal.ITIMER_REAL, max(left, _SHORTEST) if left < _LONGEST else 0)

    def search_ended(self) -> None:
        """From now on nothing is interrupted any more."""
        self._armed = False

    def each(self, results: Iterator[Result], seconds: float) -> Iterator[Result]:
        """What searches result in that may take `seconds` each, until all are done or one is interrupted."""
        while not self.asked:
            self.search_begins(seconds)
            try:
                result = next(results, None)
            except KeyboardInterrupt:  # between two searches
                return
            self.search_ended()
            if result is None:
                return
            yield result

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.asked = self.asked or number != signal.SIGALRM
        if not self._armed:
            return
        if _swallows(frame):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
            return
        self._armed = False
        raise KeyboardInterrupt


def _swallows(frame: FrameType | None) -> bool:
    """Whether an error raised here would be taken for another one, and lost.

    numpy takes any for a mismatch of types when it compares rows of a table, and modules that are being
    imported take any for one of their own.
    """
    while frame is not None:
        if str(frame.f_globals.get("__name__")).endswith(("core._internal", "importlib._bootstrap")):
            return True
        frame = frame.f_back
    return False
