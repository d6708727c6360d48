"""How weights become the levels of cells, and inputs the digits with which rows are driven."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.errors import InputError
from sbdopt.problem import Hardware
from sbdopt.simulate.precision import Precision
from sbdopt.simulate.slices import cut_slices
from sbdopt.weights.store import OperatorWeights
from sbdopt.weights.tensors import FloatArray, Tensor


@dataclass(frozen=True, eq=False)
class Coding:
    """A weight is its unit x the sum of its planes, each a level x a scale; an input likewise, in digits.

    Without bits, levels and digits are exact slices of the numbers themselves, with unit and scales 1.
    """

    precision: Precision
    plane_scales: FloatArray
    """(physical columns of one weight,)"""
    folded: int
    """Physical columns that stand in one column of the problem's arrays."""
    slice_scales: FloatArray
    """(slices of an input,)"""

    @classmethod
    def of(cls, precision: Precision, hardware: Hardware) -> Coding:
        """The coding of a precision on this hardware. InputError: its slices do not fit.

        One column a weight, or one slice an input, may be all that a problem says of slices: then what takes
        more is folded into it, i.e. counted, as far as place and time go, as the one.
        """
        planes, slices = np.ones(hardware.columns_per_weight), np.ones(hardware.input_slices)
        if precision.weight_bits is not None:
            planes = _plane_scales(precision, precision.weight_bits)
        if precision.input_bits is not None:
            slices = _powers(precision.input_bits, precision.dac_bits or precision.input_bits)
        _refuse_other(len(planes), hardware.columns_per_weight, "columns_per_weight", "weights take columns")
        _refuse_other(len(slices), hardware.input_slices, "input_slices", "inputs take slices")
        return cls(precision, planes, len(planes) // hardware.columns_per_weight, slices)

    @property
    def offset(self) -> int:
        """What is added to every weight, in units."""
        bits = self.precision.weight_bits
        return 0 if bits is None or self.precision.encoding == "differential" else 2 ** (bits - 1)

    @property
    def top(self) -> float:
        """The largest level of a cell; infinite without bits."""
        return np.inf if self.precision.weight_bits is None else largest_level(self.precision)

    def weight_unit(self, tensor: Tensor) -> float:
        """The unit of all weights of one operator."""
        return _unit(self.precision.weight_bits, tensor.largest, tensor.whole)

    def input_unit(self, x: FloatArray) -> float:
        """The unit of all elements of one vector (batch, elements)."""
        return _unit(self.precision.input_bits, _largest(x), _whole(x))

    def levels(self, matrix: FloatArray, weights: OperatorWeights) -> FloatArray:
        """What the cells of a block (height, width) are to hold: (height, width x planes)."""
        count = len(self.plane_scales)
        if self.precision.weight_bits is None:
            if count == 1:
                return matrix
            tensor = weights.tensor
            planes = list(cut_slices(matrix, count, largest=tensor.largest, whole=tensor.whole))
        else:
            number = np.rint(matrix / self.weight_unit(weights.tensor)).astype(np.int64)
            planes = self._planes(number)
        return np.stack(planes, axis=2).reshape(len(matrix), -1)

    def _planes(self, number: IntArray) -> list[FloatArray]:
        """Whole numbers as levels, one array a plane."""
        if self.precision.encoding == "offset":
            sides = [number + self.offset]
        else:
            sides = [np.maximum(number, 0), np.maximum(-number, 0)]
        mask = int(largest_level(self.precision))
        shifts = np.log2(np.abs(self.plane_scales[:: len(sides)])).astype(np.int64)
        return [(side >> shift & mask).astype(np.float64) for shift in shifts for side in sides]

    def digits(self, x: FloatArray) -> list[FloatArray]:
        """A vector (batch, elements) as slices, in units."""
        if self.precision.input_bits is None:
            count = len(self.slice_scales)
            return list(cut_slices(x, count, largest=_largest(x), whole=_whole(x)))
        rest, slices = np.rint(x / self.input_unit(x)), []
        for scale in self.slice_scales:
            slices.append(np.floor(rest / scale))
            rest = rest - slices[-1] * scale
        return slices


def largest_level(precision: Precision) -> float:
    """The largest level of a cell, as far as weights make use of it."""
    bits = precision.weight_bits or 0
    bits -= precision.encoding == "differential"
    return float(2 ** min(precision.cell_bits or bits, bits) - 1)


def _plane_scales(precision: Precision, bits: int) -> FloatArray:
    if precision.encoding == "offset":
        return _powers(bits, precision.cell_bits or bits)
    magnitude = _powers(bits - 1, min(precision.cell_bits or bits, bits - 1))
    scales: FloatArray = np.outer(magnitude, [1.0, -1.0]).reshape(-1)
    return scales


def _powers(bits: int, share: int) -> FloatArray:
    """The scales of slices of `share` bits, leading ones first."""
    return np.ldexp(np.ones(-(-bits // share)), share * np.arange(-(-bits // share))[::-1])


def _unit(bits: int | None, largest: float, whole: bool) -> float:
    most = 2 ** ((bits or 1) - 1) - 1
    return 1.0 if bits is None or largest == 0 or (whole and largest <= most) else largest / most


def _largest(x: FloatArray) -> float:
    return float(np.abs(x).max(initial=0.0))


def _whole(x: FloatArray) -> bool:
    return bool((x == np.trunc(x)).all())


def _refuse_other(count: int, given: int, key: str, said: str) -> None:
    if given not in (1, count):
        raise InputError(
            f"precision: {said}: {count}, but the problem's hardware has {key} {given}; "
            f"it must be {count}, or 1 to count them as one"
        )
