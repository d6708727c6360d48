"""The nearest Monarch product of a dense weight, in closed form: slice by slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from sbdopt.errors import InputError
from sbdopt.monarch.pattern import Array, Monarch, Pattern

_NUMBERS = 1 << 19
"""About so many numbers of a weight are worked on at a time: they stay in the cache."""
_FINE = 1e-5
"""The iteration ends when it takes less than this share off what is left of the squared error."""
_ITERATIONS = 30
_WORTH_THREADS = 1 << 25
"""Products of slices of fewer operations than this are not shared out among threads."""


def project(weight: Array, pattern: Pattern, moment: Array | None = None) -> Monarch:
    """The Monarch product M of `pattern` that is nearest to `weight` W (inputs, outputs).

    Without `moment` nearest in the Frobenius norm: every slice gets its best approximation of rank k (Dao et
    al., ICML 2022, arXiv 2204.00595). With the second moment of the inputs, E[x^T x] (inputs, inputs), or
    only its diagonal (inputs,), nearest in the expected |x W - x M|^2 for inputs that are not correlated
    between blocks of R: each slice is whitened by its block of the moment before, and coloured after.

    Factors have the type of the weight, but at least float32. What lies between has it too, or float64 if
    there is a moment, for a part of the weight at a time. The iteration leaves an error at most 1e-3 above
    that of an exact SVD.

    InputError: the pattern does not fit (see `Pattern.slice_shape`), the moment has another shape, or either
    holds NaN or infinite values.
    """
    parts = _parts(weight, pattern, moment)
    inputs, outputs = weight.shape
    height, width = pattern.slice_shape(inputs, outputs)
    p, q, k = pattern.right_blocks, pattern.left_blocks, pattern.rank
    dtype = np.result_type(weight.dtype, np.float32)
    right, left = np.zeros((p, height, q, k), dtype), np.zeros((q, p, k, width), dtype)
    for part in parts:
        with _threads(height, width):
            one, two = _best_rank(part.slices, k)
        one = one[:, : part.rows]
        right[part.i, : part.rows, part.first : part.last] = np.moveaxis(
            one if part.colour is None else part.colour @ one, 0, 1
        )
        left[part.first : part.last, part.i] = two
    left[-1, :, :, outputs - (q - 1) * width :] = 0
    return Monarch(right, left, inputs, outputs)


def errors_by_rank(
    weight: Array, pattern: Pattern, ranks: Sequence[int], moment: Array | None = None
) -> list[float]:
    """|x W - x M| / |x W| of the nearest M with the blocks of `pattern` and each of these ranks.

    It is what `project` minimises: in the Frobenius norm without a moment, with the moment of each block of
    inputs if there is one. Only the blocks of the pattern count, not its rank. All ranks come from the
    largest of them: the best approximation of a lower rank is a part of that. 0 if W is zero.
    """
    widest = Pattern(pattern.right_blocks, pattern.left_blocks, max(ranks))
    kept, whole = np.zeros(max(ranks)), 0.0
    for part in _parts(weight, widest, moment):
        with _threads(*part.slices.shape[1:]):
            kept += _energies(part.slices, widest.rank)
        whole += float((part.slices**2).sum(dtype=np.float64))
    if not whole:
        return [0.0 for _ in ranks]
    return [float(np.sqrt(max(0.0, 1 - kept[:rank].sum() / whole))) for rank in ranks]


def _energies(slices: Array, rank: int) -> Array:
    """Squares of the largest singular values, (rank,), summed over slices."""
    one, two = _best_rank(slices, rank)
    wide = slices.shape[2] >= slices.shape[1]
    # One of the factors is orthogonal, the other holds the singular values; each has half of its scale.
    rest = (
        two * np.linalg.norm(one, axis=1)[:, :, None]
        if wide
        else one * np.linalg.norm(two, axis=2)[:, None, :]
    )
    gram = rest @ rest.transpose(0, 2, 1) if wide else rest.transpose(0, 2, 1) @ rest
    energies: Array = np.linalg.eigvalsh(gram)[:, ::-1].sum(axis=0, dtype=np.float64)
    return energies


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _threads(height: int, width: int) -> AbstractContextManager[object]:
    """One thread for BLAS while slices of this size are worked on, if they are small.

    On busy cores the threads of a small product wait for each other a hundred times as long as they work.
    """
    small = height * width * min(height, width) < _WORTH_THREADS
    return _controller().limit(limits=1, user_api="blas") if small else nullcontext()


@dataclass(frozen=True, eq=False)
class _Part:
    """Slices (i, first) .. (i, last - 1) of a weight."""

    i: int
    first: int
    last: int
    rows: int
    """Inputs of block i."""
    slices: Array
    """(last - first, height, width), whitened, with zeros beyond the last input and output."""
    colour: Array | None
    """What undoes the whitening."""


def _parts(weight: Array, pattern: Pattern, moment: Array | None) -> Iterator[_Part]:
    """All slices of a weight that are not zero, some at a time; what is wrong is said before the first."""
    if weight.ndim != 2:
        raise InputError(f"weight has shape {list(weight.shape)}; it must be (inputs, outputs)")
    inputs = len(weight)
    height, width = pattern.slice_shape(*weight.shape)
    _refuse_unusable(weight, "weight")
    whiten = _Whitening(moment, inputs)
    together = max(1, _NUMBERS // (height * width))

    def parts() -> Iterator[_Part]:
        for i in range(pattern.right_blocks):
            rows = slice(i * height, min((i + 1) * height, inputs))
            colour, white = whiten.block(rows)
            for first in range(0, pattern.left_blocks, together):
                last = min(first + together, pattern.left_blocks)
                strip = weight[rows, first * width : last * width]
                strip = strip.astype(
                    np.result_type(strip.dtype, np.float32 if moment is None else np.float64)
                )
                if strip.any():  # else it is padding
                    whitened = strip if white is None else white @ strip
                    slices = _slices(whitened, height, last - first, width)
                    yield _Part(i, first, last, len(strip), slices, colour)

    return parts()


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
    whole = float(total.sum(dtype=np.float64))
    power = gram / np.where(total > 0, total, 1)[:, None, None]
    for _ in range(2):
        power = power @ power
    # Any start that no slice is orthogonal to will do; a fixed one gives the same result every time.
    start = np.random.default_rng(0).standard_normal((slices.shape[1], rank)).astype(gram.dtype)
    basis = _orthonormal(power @ start)
    for _ in range(3):
        basis = _orthonormal(power @ basis)
    before = np.inf
    for _ in range(_ITERATIONS):
        basis = _orthonormal(slices @ _orthonormal(turned @ basis))
        rest = basis.transpose(0, 2, 1) @ slices
        left = whole - float((rest**2).sum(dtype=np.float64))
        if before - left <= _FINE * left + 8 * np.finfo(gram.dtype).eps * whole:
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
    others = np.random.default_rng(1).standard_normal(columns.shape[1:]).astype(columns.dtype)
    lost = 100 * np.finfo(columns.dtype).eps
    for column in range(1, result.shape[2]):
        vector, before = result[:, :, column : column + 1], result[:, :, :column]
        for _ in range(3):
            vector -= before @ (before.transpose(0, 2, 1) @ vector)
            left = np.linalg.norm(vector, axis=1, keepdims=True)
            vector[:] = np.where(left < lost, others[:, column : column + 1], vector)
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

    def block(self, rows: slice) -> tuple[Array, Array] | tuple[None, None]:
        """Colour C and white B, (height, height) each, with B^T B the moment and C B = 1; None: both are 1.

        What inputs never show is raised to a billionth of what they show most, so that there the plain norm
        decides and C exists.
        """
        if self.moment is None:
            return None, None
        part = self.moment[rows].astype(np.float64) if self.moment.ndim == 1 else self.moment[rows, rows]
        part = np.diag(part) if part.ndim == 1 else part.astype(np.float64)
        values, vectors = np.linalg.eigh((part + part.T) / 2)
        if not values[-1] > 0:
            return None, None
        root = np.sqrt(np.maximum(values, 1e-9 * values[-1]))
        return vectors / root, root[:, None] * vectors.T


def _refuse_unusable(values: Array, what: str) -> None:
    for part in values.T if values.flags.f_contiguous else values:
        if not np.isfinite(part).all():
            raise InputError(f"{what} holds NaN or infinite values; all must be finite")
