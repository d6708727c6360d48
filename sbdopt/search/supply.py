"""Hand out arrays without faults, of the first kind that will do."""

from __future__ import annotations

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.problem import ArrayKind, Hardware


def healthy_arrays(kind: ArrayKind, wanted: int) -> IntArray:
    """The first `wanted` arrays of a kind that have no faults; fewer if there are not so many."""
    faulty = sorted({fault[0] for fault in kind.faults})
    many = wanted + len(faulty)
    arrays = np.arange(many if kind.count is None else min(many, kind.count))
    return np.setdiff1d(arrays, faulty, assume_unique=True)[:wanted]


class Supply:
    """The arrays that nothing stands on yet."""

    def __init__(self, hardware: Hardware, wanted: int) -> None:
        """Of each kind at most `wanted` arrays are handed out."""
        self._kinds = hardware.arrays
        self._arrays = [iter(healthy_arrays(kind, wanted).tolist()) for kind in hardware.arrays]

    def take(self, rows: int, columns: int) -> tuple[int, int] | None:
        """Kind and number of an array of at least `rows` x `columns` cells, or None if none is left."""
        for number, (kind, arrays) in enumerate(zip(self._kinds, self._arrays, strict=True)):
            if rows <= kind.rows and columns <= kind.columns:
                array = next(arrays, None)
                if array is not None:
                    return number, array
        return None
