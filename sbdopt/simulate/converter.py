"""What a converter makes of a sum, and how many bits it takes to lose nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sbdopt.simulate.coding import largest_level
from sbdopt.simulate.precision import Precision
from sbdopt.weights.tensors import FloatArray


@dataclass(frozen=True)
class Converter:
    """The converters of a step in which columns sum so many rows of digit x level.

    Their range is set by the step: from the smallest to the largest sum that its rows can give, shortened on
    both sides to `adc_range` of that. With b bits there are 2**b codes, 0 among them, at a distance of one
    digit x level, or as much more as it takes to span the range; what lies outside it is clipped.
    """

    precision: Precision
    rows: int
    """Rows that a column sums at a time."""

    @property
    def bits(self) -> int:
        """The fewest bits with which every sum that has no noise and lies in the range is read as it is.

        Each slice of inputs spans rows x largest level x (2**dac_bits - 1) + 1 whole numbers, and one bit
        less cannot tell them apart. Shafiee et al., ISAAC, ISCA 2016, add the log2 of rows and the bits of
        cell and DAC instead, which is never less.
        """
        spans = [self._span(slice_) for slice_ in range(_slices(self.precision))]
        return max((high - low for low, high in spans), default=0).bit_length()

    def convert(self, sums: FloatArray) -> FloatArray:
        """What is read of sums (columns, slices, batch), in digit x level."""
        if self.precision.adc_bits is None:
            return sums
        codes = 2**self.precision.adc_bits - 1
        read = np.empty_like(sums)
        for slice_ in range(sums.shape[1]):
            low, high = self._span(slice_)
            step = max(1.0, (high - low) / codes)
            first = np.rint(low / step)
            last = min(first + codes, np.rint(high / step))
            read[:, slice_] = np.clip(np.rint(sums[:, slice_] / step), first, last) * step
        return read

    def _span(self, slice_: int) -> tuple[int, int]:
        """The smallest and the largest sum that are read of one slice of the inputs."""
        low, high = _digits(self.precision, slice_)
        most = self.rows * largest_level(self.precision) * self.precision.adc_range
        return math.ceil(most * low), math.floor(most * high)


def _slices(precision: Precision) -> int:
    bits = precision.input_bits or 0
    return -(-bits // (precision.dac_bits or bits)) if bits else 0


def _digits(precision: Precision, slice_: int) -> tuple[int, int]:
    """The smallest and largest digit of a slice; the leading one has the sign, and what bits are left."""
    bits = precision.input_bits or 0
    share = precision.dac_bits or bits
    if slice_:
        return 0, 2**share - 1
    leading = bits - share * (_slices(precision) - 1)
    return -(2 ** (leading - 1)), 2 ** (leading - 1) - 1
