"""Sequences one after another on one line of addresses, and what lies there without a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sbdopt.documents import IntArray


@dataclass(frozen=True, eq=False)
class Line:
    """Sequences one after another, a number apart, so that no range of addresses leaves its sequence."""

    first: IntArray
    """Where each sequence begins, and where the next would."""

    @classmethod
    def of(cls, lengths: Sequence[int] | IntArray) -> Line:
        """Sequences of these lengths."""
        return cls(np.concatenate([[0], np.cumsum(np.asarray(lengths, dtype=np.int64) + 1)]))

    @property
    def total(self) -> int:
        """How many addresses there are."""
        return int(self.first[-1])

    def owner(self, address: IntArray) -> IntArray:
        """The sequence in which each address lies."""
        return np.searchsorted(self.first, address, side="right") - 1


def runs(place: IntArray, address: IntArray) -> list[tuple[int, int, int]]:
    """Place and address as [first place, count, first address], a run wherever both go on by one."""
    if not len(place):
        return []
    breaks = np.flatnonzero((np.diff(place) != 1) | (np.diff(address) != 1)) + 1
    begin = np.concatenate([[0], breaks])
    count = np.diff(np.append(begin, len(place)))
    return list(zip(place[begin].tolist(), count.tolist(), address[begin].tolist(), strict=True))
