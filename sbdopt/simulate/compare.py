"""Compare outputs with a reference, or with x W."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.weights.references import References
from sbdopt.weights.store import OperatorWeights, Weights
from sbdopt.weights.tensors import FloatArray

_FLOAT64 = (53, -1074)
_NARROWER = {"F32": (24, -149), "F16": (11, -24), "BF16": (8, -133)}
"""Bits of the mantissa and exponent of the smallest number; whole-number types are compared as float64."""

_EXACT_BITS = 51
"""Two bits less than float64 has, for slices."""


@dataclass(frozen=True)
class Agreement:
    """Whether an operator yields what it should, at the output where it does so least."""

    operator: str
    exact: bool
    """Whether equality was asked for."""
    error: float
    """|output - wanted|; NaN if the output is no number."""
    tolerance: float
    agrees: bool


def compare(
    blocks: Blocks,
    outputs: Mapping[str, FloatArray],
    weights: Weights,
    inputs: Mapping[str, FloatArray],
    references: References | None = None,
) -> list[Agreement]:
    """Compare the outputs of operators with those of `references`, or, if there are none, of all with x W.

    If weights, inputs and wanted outputs are whole numbers, and |x| |W| is so small that the type of the
    wanted outputs counts exactly up to there, they must be equal. Otherwise each output may be off by

        8 eps (|x| |W| + |y|) + the smallest positive number of the type

    where eps belongs to the type of the wanted outputs y (float64 for x W): both sides add up products in an
    order of their own and round as they go, which |x| |W| bounds, and the result is rounded to its type.
    """
    chosen = references or outputs
    with np.errstate(over="ignore", invalid="ignore"):
        return [
            _compare_one(blocks, number, outputs[operator.name], weights, inputs[operator.name], references)
            for number, operator in enumerate(blocks.problem.operators)
            if operator.name in chosen
        ]


def _compare_one(
    blocks: Blocks,
    number: int,
    output: FloatArray,
    weights: Weights,
    x: FloatArray,
    references: References | None,
) -> Agreement:
    name = blocks.problem.operators[number].name
    digits, smallest = _FLOAT64
    wanted, magnitude = product(blocks, number, weights[name], x)
    if references:
        y = references[name].y
        digits, smallest = _NARROWER.get(y.dtype, _FLOAT64)
        # Inputs may be a larger batch than this operator's reference.
        wanted, magnitude, output, x = y.array(), *(values[: y.shape[0]] for values in (magnitude, output, x))
    exact = (
        weights[name].tensor.whole
        and all(bool((values == np.trunc(values)).all()) for values in (x, wanted))
        and bool((magnitude < 2.0 ** min(digits, _EXACT_BITS)).all())
    )
    error = np.abs(output - wanted)
    tolerance = np.zeros_like(error)
    share = error
    if not exact:
        tolerance = 8 * 2.0 ** (1 - digits) * (magnitude + np.abs(wanted)) + 2.0**smallest
        share = error / tolerance
    share = np.where(np.isfinite(error) & np.isfinite(tolerance), share, np.inf)
    worst = np.unravel_index(np.argmax(share), share.shape)
    agrees = bool(share[worst] <= (0 if exact else 1))
    return Agreement(name, exact, float(error[worst]), float(tolerance[worst]), agrees)


def product(
    blocks: Blocks, number: int, weights: OperatorWeights, x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """x W and |x| |W| of one operator, (batch, outputs) each, block by block."""
    shape = blocks.problem.operators[number].shape
    product = np.zeros((len(x), 0 if shape is None else shape[1]))
    magnitude = np.zeros_like(product)
    for block in range(int(blocks.first[number]), int(blocks.first[number + 1])):
        matrix = weights.block(int(blocks.index[block]))
        rows = slice(blocks.input[block], blocks.input[block] + blocks.height[block])
        columns = slice(blocks.output[block], blocks.output[block] + blocks.width[block])
        product[:, columns] += x[:, rows] @ matrix
        magnitude[:, columns] += np.abs(x[:, rows]) @ np.abs(matrix)
    return product, magnitude
