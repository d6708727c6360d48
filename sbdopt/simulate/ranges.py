"""Many ranges of whole numbers at once."""

from __future__ import annotations

import numpy as np

from sbdopt.documents import IntArray


def ranges(begin: IntArray, end: IntArray) -> IntArray:
    """The numbers `begin[k]` .. `end[k] - 1` of all ranges k, one after the other; none if end <= begin."""
    length = np.maximum(end - begin, 0)
    behind = np.cumsum(length)
    return np.repeat(begin - (behind - length), length) + np.arange(length.sum())


def covered(begin: IntArray, end: IntArray) -> IntArray:
    """The numbers that lie in any of the ranges, ascending, each once."""
    order = np.argsort(begin, kind="stable")
    reach = np.maximum.accumulate(end[order])
    fresh = begin[order]
    fresh[1:] = np.maximum(fresh[1:], reach[:-1])
    return ranges(fresh, end[order])
