"""Cut weights and inputs into the slices that cells hold and rows are driven with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sbdopt.weights.tensors import FloatArray

_FLOAT_BITS = 16
"""Of floats the slices but the last hold about as many leading bits, counted from the largest number."""


def cut_slices(values: FloatArray, count: int, *, largest: float, whole: bool) -> Iterator[FloatArray]:
    """Cut numbers into `count` signed slices, leading digits first, that add up to exactly the numbers.

    Each slice but the last is a multiple of its power of two, the last is what remains. `largest` (magnitude)
    and `whole` describe all numbers that are cut alike. A slice of whole numbers takes one digit more than
    fits, which the next one gives back: so no slice of a number other than 0 is 0, and no cell happens to be
    as good as empty. For the same reason floats are not cut evenly: what remains is left enough to matter.
    """
    bits = int(np.frexp(largest)[1])
    share = max(1, -(-(bits if whole else _FLOAT_BITS) // count))
    rest = values
    for number in range(1, count):
        quantum = np.ldexp(1.0, max(bits - share * number, 0 if whole else -1074))
        digit = np.trunc(rest / quantum)
        if whole:
            digit += np.sign(rest)
        yield digit * quantum
        rest = rest - digit * quantum
    yield rest


def add_slices(parts: FloatArray) -> FloatArray:
    """Add up the slices of the second axis, leading ones first: no partial sum is longer than the result."""
    total = parts[:, 0]
    for number in range(1, parts.shape[1]):
        total = total + parts[:, number]
    return total
