"""The nearest Monarch product of a dense weight, in closed form: slice by slice."""

from __future__ import annotations

import numpy as np

from sbdopt.errors import InputError
from sbdopt.monarch.pattern import Array, Monarch, Pattern

_NUMBERS = 1 << 19
"""About so many numbers of a weight are worked on at a time: they stay in the cache."""
_FINE = 1e-6
"""The iteration ends when it takes less than this share off what is left of the squared error."""
_EXACT = 1e-14
"""Or this share off the squared norm: then what is left is rounding."""
_ITERATIONS = 30
_LOST = 1e-12
"""A column of length 1 is lost when others leave so little of it."""


def project(weight: Array, pattern: Pattern, moment: Array | None = None) -> Monarch:
    """The Monarch product M of `pattern` that is nearest to `weight` W (inputs, outputs).

    Without `moment` nearest in the Frobenius norm: every slice gets its best approximation of rank k (Dao et
    al., ICML 2022, arXiv 2204.00595). With the second moment of the inputs, E[x^T x] (inputs, inputs), or
    only its diagonal (inputs,), nearest in the expected |x W - x M|^2 for inputs that are not correlated
    between blocks of R: each slice is whitened by its block of the moment before, and coloured after.

    Factors have the type of the weight, but at least float32; what lies between is float64, for a part of the
    weight at a time. The iteration leaves an error at most 1e-3 above that of an exact SVD.

    InputError: the pattern does not fit (see `Pattern.slice_shape`), the moment has another shape, or either
    holds NaN or infinite values.
    """
    if weight.ndim != 2:
        raise InputError(f"weight has shape {list(weight.shape)}; it must be (inputs, outputs)")
    inputs, outputs = weight.shape
    height, width = pattern.slice_shape(inputs, outputs)
    p, q, k = pattern.right_blocks, pattern.left_blocks, pattern.rank
    _refuse_unusable(weight, "weight")
    whiten = _Whitening(moment, inputs)
    dtype = np.result_type(weight.dtype, np.float32)
    right, left = np.zeros((p, height, q, k), dtype), np.zeros((q, p, k, width), dtype)
    together = max(1, _NUMBERS // (height * width))
    for i in range(p):
        rows = slice(i * height, min((i + 1) * height, inputs))
        colour, white = whiten.block(rows)
        for first in range(0, q, together):
            last = min(first + together, q)
            strip = white @ weight[rows, first * width : last * width].astype(np.float64)
            one, two = _best_rank(_slices(strip, height, last - first, width), k)
            right[i, : len(strip), first:last] = np.moveaxis(colour @ one[:, : len(strip)], 0, 1)
            left[first:last, i] = two
    left[-1, :, :, outputs - (q - 1) * width :] = 0
    return Monarch(right, left, inputs, outputs)


def _slices(strip: Array, height: int, count: int, width: int) -> Array:
    """(count, height, width) from (inputs, outputs), with zeros beyond the last input and output."""
    padded = np.pad(strip, ((0, height - strip.shape[0]), (0, count * width - strip.shape[1])))
    return np.ascontiguousarray(padded.reshape(height, count, width).transpose(1, 0, 2))


def _best_rank(slices: Array, rank: int) -> tuple[Array, Array]:
    """Factors (count, height, k) and (count, k, width) of the best approximation of rank k of each slice.

    Subspace iteration with S S^T, or S^T S if that is smaller. It begins with its fourth power, which brings
    it near for all slices at the price of two products. Four powers at once lose singular values below a
    hundredth of the largest; steps with S itself then bring them back, so that a slice of rank k is recovered
    to the last digits. Both factors get the same share of a singular value: training begins well there.
    """
    if slices.shape[1] > slices.shape[2]:
        one, two = _best_rank(np.ascontiguousarray(slices.transpose(0, 2, 1)), rank)
        return two.transpose(0, 2, 1), one.transpose(0, 2, 1)
    turned = slices.transpose(0, 2, 1)
    gram = slices @ turned
    total = np.trace(gram, axis1=1, axis2=2)
    power = gram / np.where(total > 0, total, 1)[:, None, None]
    for _ in range(2):
        power = power @ power
    # Any start that no slice is orthogonal to will do; a fixed one gives the same result every time.
    start = np.random.default_rng(0).standard_normal((slices.shape[1], rank))
    basis = _orthonormal(power @ start)
    for _ in range(3):
        basis = _orthonormal(power @ basis)
    left, before = total.sum(), np.inf
    for _ in range(_ITERATIONS):
        basis = _orthonormal(slices @ _orthonormal(turned @ basis))
        rest = basis.transpose(0, 2, 1) @ slices
        left = total.sum() - float((rest**2).sum())
        if before - left <= _FINE * left + _EXACT * total.sum():
            break
        before = left
        basis = _orthonormal(power @ basis)
    share = np.sqrt(np.linalg.norm(rest, axis=2))
    return basis * share[:, None, :], rest / np.where(share > 0, share, 1)[:, :, None]


def _orthonormal(columns: Array) -> Array:
    """Columns (count, height, k) made orthonormal by Gram and Schmidt, in which k is at most the height.

    A column that the ones before it leave nothing of is replaced by another: else its rounding errors, which
    may well lie among those before it, would be taken for a direction of its own.
    """
    result = columns / _norm(columns)
    others = np.random.default_rng(1).standard_normal(columns.shape[1:])
    for column in range(1, result.shape[2]):
        vector, before = result[:, :, column : column + 1], result[:, :, :column]
        for _ in range(3):
            vector -= before @ (before.transpose(0, 2, 1) @ vector)
            vector[:] = np.where(_norm(vector) < _LOST, others[:, column : column + 1], vector)
            vector /= _norm(vector)
    return result


def _norm(columns: Array) -> Array:
    norm = np.linalg.norm(columns, axis=1, keepdims=True)
    return np.where(norm > 0, norm, 1)


class _Whitening:
    """For each block of inputs the root of its moment, which makes |x S| a norm of the root times S."""

    def __init__(self, moment: Array | None, inputs: int) -> None:
        if moment is not None and moment.shape not in ((inputs,), (inputs, inputs)):
            raise InputError(
                f"moment has shape {list(moment.shape)}; it must be [{inputs}, {inputs}] or [{inputs}]"
            )
        if moment is not None:
            _refuse_unusable(moment, "moment")
        self.moment = moment

    def block(self, rows: slice) -> tuple[Array, Array]:
        """Colour C and white B, (height, height) each, with B^T B the moment and C B = 1.

        What inputs never show is raised to a billionth of what they show most, so that there the plain norm
        decides and C exists.
        """
        size = rows.stop - rows.start
        if self.moment is None:
            return np.eye(size), np.eye(size)
        part = self.moment[rows].astype(np.float64) if self.moment.ndim == 1 else self.moment[rows, rows]
        part = np.diag(part) if part.ndim == 1 else part.astype(np.float64)
        values, vectors = np.linalg.eigh((part + part.T) / 2)
        if not values[-1] > 0:
            return np.eye(size), np.eye(size)
        root = np.sqrt(np.maximum(values, 1e-9 * values[-1]))
        return vectors / root, root[:, None] * vectors.T


def _refuse_unusable(values: Array, what: str) -> None:
    for row, part in enumerate(values):
        if not np.isfinite(part).all():
            raise InputError(f"{what} holds NaN or infinite values in row {row}; all must be finite")
