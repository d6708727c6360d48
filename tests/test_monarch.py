"""Monarch products, and the nearest one of a dense weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sbdopt.errors import InputError
from sbdopt.monarch import Monarch, Pattern, project


@st.composite
def shaped(draw: st.DrawFn) -> tuple[int, int, Pattern]:
    """Inputs, outputs, and a pattern that fits; they need not divide."""
    p, q = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    pattern = Pattern(p, q, draw(st.integers(1, min(height, width))))
    sizes = [
        draw(st.integers(max(count * (size - 1), (count - 1) * size) + 1, count * size))
        for count, size in ((p, height), (q, width))
    ]
    return sizes[0], sizes[1], pattern


def random_monarch(inputs: int, outputs: int, pattern: Pattern, seed: int = 0) -> Monarch:
    rng = np.random.default_rng(seed)
    height, width = pattern.slice_shape(inputs, outputs)
    p, q, k = pattern.right_blocks, pattern.left_blocks, pattern.rank
    right, left = rng.standard_normal((p, height, q, k)), rng.standard_normal((q, p, k, width))
    return Monarch(right, left, inputs, outputs)


def least_error(weight: np.ndarray, pattern: Pattern) -> float:
    """Root of the sum of the squares of the singular values that every slice has to give up."""
    height, width = pattern.slice_shape(*weight.shape)
    parts = [
        np.linalg.svd(weight[i : i + height, j : j + width], compute_uv=False)[pattern.rank :]
        for i in range(0, len(weight), height)
        for j in range(0, weight.shape[1], width)
    ]
    return float(np.linalg.norm(np.concatenate(parts)))


def as_matrices(monarch: Monarch) -> tuple[np.ndarray, np.ndarray]:
    """R and L as they stand in the definition, block by block."""
    p, height, q, k = monarch.right.shape
    width = monarch.left.shape[3]
    right, left = np.zeros((p * height, p * q * k)), np.zeros((p * q * k, q * width))
    for i in range(p):
        right[i * height : (i + 1) * height, i * q * k : (i + 1) * q * k] = monarch.right[i].reshape(
            height, -1
        )
    for j in range(q):
        left[j * p * k : (j + 1) * p * k, j * width : (j + 1) * width] = monarch.left[j].reshape(p * k, width)
    return right[: monarch.inputs], left[:, : monarch.outputs]


@settings(max_examples=50, deadline=None)
@given(shaped())
def test_a_product_is_both_factors_and_one_permutation(case):
    inputs, outputs, pattern = case
    monarch = random_monarch(inputs, outputs, pattern)
    right, left = as_matrices(monarch)
    x = np.random.default_rng(1).standard_normal((2, 3, inputs))
    wanted = (x @ right)[..., monarch.permutation()] @ left
    assert np.allclose(x @ monarch.dense(), wanted, atol=1e-12)
    assert np.allclose(monarch.apply(x), wanted, atol=1e-12)
    assert monarch.cells == (right != 0).sum() + (left != 0).sum()


@settings(max_examples=50, deadline=None)
@given(shaped())
def test_a_monarch_matrix_is_recovered(case):
    inputs, outputs, pattern = case
    weight = random_monarch(inputs, outputs, pattern).dense()
    assert np.abs(project(weight, pattern).dense() - weight).max() <= 1e-12 * max(1, np.abs(weight).max())


@settings(max_examples=50, deadline=None)
@given(shaped())
@example((5, 9, Pattern(2, 5, 2)))  # a direction that the start leaves exactly nothing of
def test_what_is_left_are_the_discarded_singular_values(case):
    inputs, outputs, pattern = case
    weight = np.random.default_rng(2).standard_normal((inputs, outputs))
    error = float(np.linalg.norm(weight - project(weight, pattern).dense()))
    assert error == pytest.approx(least_error(weight, pattern), rel=1e-3, abs=1e-12)


def test_singular_values_far_apart_are_recovered():
    rng = np.random.default_rng(3)
    u, v = (np.linalg.qr(rng.standard_normal((12, 12)))[0] for _ in range(2))
    weight = u[:, :3] * [1, 1e-4, 1e-9] @ v[:3]
    assert np.abs(project(weight, Pattern(1, 1, 3)).dense() - weight).max() < 1e-15


def test_zeros_stay_zeros():
    assert not project(np.zeros((6, 6)), Pattern(2, 3, 2)).dense().any()


@pytest.mark.parametrize("diagonal", [False, True])
def test_a_moment_makes_the_error_of_outputs_least(diagonal):
    """Among what the plain norm would choose, and among small changes of either factor."""
    rng = np.random.default_rng(4)
    pattern, scale = Pattern(2, 2, 1), np.array([1, 3, 0.1, 2, 1, 0.5, 4, 1])
    x = rng.standard_normal((500, 8)) * scale
    x[:, 1] += x[:, 0]
    weight = rng.standard_normal((8, 6))
    moment = np.zeros((8, 8))
    for rows in (slice(0, 4), slice(4, 8)):
        moment[rows, rows] = x[:, rows].T @ x[:, rows] / len(x)
    moment = np.diag(np.diag(moment)) if diagonal else moment
    found = project(weight, pattern, np.diag(moment) if diagonal else moment)

    def error(monarch: Monarch) -> float:
        off = weight - monarch.dense()
        return float(np.trace(off.T @ moment @ off))

    assert error(found) < 0.99 * error(project(weight, pattern))
    for _ in range(50):
        right = found.right + 1e-3 * rng.standard_normal(found.right.shape)
        left = found.left + 1e-3 * rng.standard_normal(found.left.shape)
        assert error(found) < error(Monarch(right, left, 8, 6))


def test_a_moment_that_is_nowhere_seen_still_gives_numbers():
    weight = np.random.default_rng(5).standard_normal((4, 4))
    moment = np.diag([1.0, 0.0, 0.0, 0.0])
    found = project(weight, Pattern(2, 2, 1), moment).dense()
    assert np.isfinite(found).all()
    assert np.allclose(found[0], weight[0])


def test_factors_have_the_type_of_the_weight():
    weight = np.random.default_rng(6).standard_normal((4, 4))
    for given_type, wanted in (("f2", "f4"), ("f4", "f4"), ("f8", "f8")):
        assert project(weight.astype(given_type), Pattern(2, 2)).right.dtype == np.dtype(wanted)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Pattern(0, 1), "right_blocks is 0; it must be at least 1"),
        (lambda: Pattern(4, 1).slice_shape(5, 5), "5 inputs in 4 blocks of 2 leave a block empty"),
        (lambda: Pattern(2, 2, 3).slice_shape(4, 8), "slices of 2 x 4 have no rank above 2"),
        (lambda: project(np.zeros(4), Pattern(1, 1)), "shape [4]; it must be (inputs, outputs)"),
        (
            lambda: project(np.full((2, 2), np.nan), Pattern(1, 1)),
            "weight holds NaN or infinite values",
        ),
        (lambda: project(np.ones((2, 2)), Pattern(1, 1), np.ones((3, 3))), "moment has shape [3, 3]"),
        (lambda: project(np.ones((2, 2)), Pattern(1, 1), np.full(2, np.inf)), "moment holds NaN or infinite"),
    ],
)
def test_what_cannot_be_projected(make, said):
    with pytest.raises(InputError) as error:
        make()
    assert said in str(error.value)
