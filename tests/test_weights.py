"""Weights and references are read exactly as they are stored, and what cannot be used is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import TensorSpec, serialize_file
from safetensors.numpy import save_file

from sbdopt.errors import InputError
from sbdopt.problem import Problem
from sbdopt.weights.references import make_inputs, read_references
from sbdopt.weights.store import make_weights, random_whole, read_weights
from sbdopt.weights.tensors import Tensor, TensorFile


def problem_of(**weights: str) -> Problem:
    """Two operators on the same vector, one of them shorter, one on its own, and a digital one."""
    both = {"input": [0, 2], "output": [0, 3], "height": [2, 1], "width": [3, 2]}
    one = {"input": [0], "output": [0], "height": [2], "width": [1]}
    return Problem.model_validate(
        {
            "name": "two",
            "hardware": {"arrays": [{"name": "xbar", "rows": 8, "columns": 8, "adcs": 1}]},
            "operators": [
                {"name": "a", "input": "v", "shape": [4, 5], "after": [], "blocks": both},
                {"name": "b", "input": "v", "shape": [2, 1], "after": [], "blocks": one},
                {"name": "c", "shape": [4, 5], "after": ["a"], "blocks": both},
                {"name": "softmax", "cycles": 3, "after": ["a"]},
            ],
            **weights,
        }
    )


def good_weights() -> dict[str, Any]:
    a = np.arange(1, 9, dtype=np.float32)
    return {"a": a, "b": a[:2].copy(), "c": -a, "other": np.array([[np.nan]])}


def good_references() -> dict[str, Any]:
    x, y = np.arange(12.0).reshape(3, 4), np.ones((3, 5))
    return {"x:a": x, "y:a": y, "x:b": x[:, :2].copy(), "y:b": y[:, :1].copy(), "mask": np.ones(2)}


def stored(tmp_path: Path, tensors: dict[str, Any]) -> Path:
    path = tmp_path / "some.safetensors"
    save_file(tensors, path)
    return path


def bfloat16(tmp_path: Path, name: str, values: Any, shape: tuple[int, ...]) -> Path:
    path = tmp_path / "bfloat16.safetensors"
    bits = (np.array(values, dtype=np.float32).view(np.uint32) >> 16).astype(np.uint16)
    spec = TensorSpec(dtype="bfloat16", shape=shape, data_ptr=bits.ctypes.data, data_len=bits.nbytes)
    serialize_file({name: spec}, path)
    return path


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float64", [0.1, -1e300, 5e-324]),
        ("float32", [0.1, -3e38, 1e-45]),
        ("float16", [0.1, -65504, 6e-8]),
        ("int64", [-(2**53) + 1, 0, 2**53 - 1]),
        ("uint64", [0, 1, 2**53 - 1]),
        ("int32", [-(2**31), 0, 2**31 - 1]),
        ("uint32", [0, 1, 2**32 - 1]),
        ("int16", [-(2**15), 0, 2**15 - 1]),
        ("uint16", [0, 1, 2**16 - 1]),
        ("int8", [-128, 0, 127]),
        ("uint8", [0, 1, 255]),
    ],
)
def test_every_type_is_read_exactly(tmp_path: Path, dtype: str, values: list[float]) -> None:
    written = np.array(values, dtype=dtype)
    tensor = TensorFile(stored(tmp_path, {"t": written})).tensor("t")
    assert tensor.array().dtype == np.float64
    assert [int(v) if "int" in dtype else v for v in tensor.array()] == written.tolist()
    assert tensor.dtype == Tensor.of(written).dtype
    assert tensor.read(1, 2).tolist() == [float(written[1])]


def test_bfloat16_is_read_exactly(tmp_path: Path) -> None:
    values = [1.0, -2.5, 2.0**-133, 3.3895313892515355e38]
    tensor = TensorFile(bfloat16(tmp_path, "t", values, (2, 2))).tensor("t")
    assert tensor.array().tolist() == [values[:2], values[2:]]


def test_what_is_whole_and_what_is_largest() -> None:
    assert Tensor.of(np.array([3, -7], dtype=np.int8)).whole
    assert Tensor.of(np.array([3.0, -7.0])).whole
    assert not Tensor.of(np.array([3.0, 0.5])).whole
    assert not Tensor.of(np.array([1e300])).whole
    assert Tensor.of(np.array([3.0, -7.0])).largest == 7
    assert Tensor.of(np.zeros(0)).largest == 0


def test_weights_are_blocks_one_after_the_other(tmp_path: Path) -> None:
    weights = read_weights(problem_of(), stored(tmp_path, good_weights()))
    assert list(weights) == ["a", "b", "c"]
    assert weights["a"].block(0).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert weights["a"].block(1).tolist() == [[7, 8]]
    assert weights["b"].block(0).tolist() == [[1], [2]]


def refused(tmp_path: Path, name: str, values: Any) -> str:
    tensors = good_weights()
    if values is None:
        del tensors[name]
    else:
        tensors[name] = values
    with pytest.raises(InputError) as caught:
        read_weights(problem_of(), stored(tmp_path, tensors))
    return str(caught.value)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    assert "there is no tensor 'c'" in refused(tmp_path, "c", None)
    assert "operator 'a' has 8 weights in its blocks, but tensor 'a' holds 7" in refused(
        tmp_path, "a", np.ones(7)
    )
    assert "tensor 'b' has shape [2, 1]; it must be flat, [2]" in refused(tmp_path, "b", np.ones((2, 1)))
    assert "is of type C64; it must be one of F64" in refused(tmp_path, "b", np.ones(2, dtype=np.complex64))


def test_numbers_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    for bad, said in ((np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")):
        values = np.ones(8)
        values[[5, 7]] = bad
        assert f"tensor 'a' holds {said} at [5]" in refused(tmp_path, "a", values)
    assert "tensor 'a' holds nan at [3]" in refused(
        tmp_path, "a", np.array([1, 1, 1, np.nan] * 2, np.float16)
    )
    assert "tensor 'b' holds 9007199254740993 at [1]" in refused(tmp_path, "b", np.array([1, 2**53 + 1]))
    signalling = np.array([0x3F800000, 0x7FA00000], np.uint32).view(np.float32)
    assert "tensor 'b' holds nan at [1]" in refused(tmp_path, "b", signalling)
    for values in (signalling, [1.0, np.nan]):
        with pytest.raises(InputError, match=r"tensor 'b' holds nan at \[1\]"):
            read_weights(problem_of_b(), bfloat16(tmp_path, "b", values, (2,)))


def problem_of_b() -> Problem:
    problem = problem_of()
    return problem.model_copy(update={"operators": problem.operators[1:2]})


def test_files_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    path = stored(tmp_path, good_weights())
    whole = path.read_bytes()
    with pytest.raises(InputError, match=r"missing\.safetensors: No such file"):
        read_weights(problem_of(), tmp_path / "missing.safetensors")
    with pytest.raises(InputError, match="directory"):
        read_weights(problem_of(), tmp_path)
    for content in (
        b"",
        b"{}",
        b"\xff" * 100,
        whole[:-1],
        whole + b"x",
        whole[:40],
        json.dumps({}).encode() * 9,
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a safetensors file"):
            read_weights(problem_of(), path)
    path.write_bytes(whole)
    assert read_weights(problem_of(), path)


def test_weights_that_are_made_are_whole_and_never_zero() -> None:
    problem = problem_of()
    weights = make_weights(problem, np.random.default_rng(3))
    again = make_weights(problem, np.random.default_rng(3))
    for name, size in (("a", 8), ("b", 2), ("c", 8)):
        values = weights[name].tensor.array()
        assert values.shape == (size,)
        assert values.all()
        assert weights[name].tensor.whole
        assert np.array_equal(values, again[name].tensor.array())
    assert not np.array_equal(weights["a"].tensor.array(), weights["c"].tensor.array())


def test_random_numbers_are_never_zero() -> None:
    values = random_whole(np.random.default_rng(0), (1000, 1000))
    assert (values.min(), values.max()) == (-(2**15) + 1, 2**15 - 1)
    assert values.all()


def test_references_are_read(tmp_path: Path) -> None:
    problem = problem_of(weights="w.safetensors")
    references = read_references(problem, stored(tmp_path, good_references()))
    assert sorted(references) == ["a", "b"]
    assert references["b"].x.array().tolist() == [[0, 1], [4, 5], [8, 9]]
    assert references["a"].y.shape == (3, 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x:b": None}, "holds 'y:b', but no 'x:b'"),
        ({"y:b": None}, "holds 'x:b', but no 'y:b'"),
        ({"x:q": np.ones((3, 1))}, "a reference for 'q', but the problem has no such operator"),
        ({"x:softmax": np.ones((3, 1))}, "a reference for 'softmax', which is digital"),
        (
            {"x:a": np.ones((3, 5))},
            r"'x:a' has shape \[3, 5\]; it must be \(batch, inputs\) = \[1 or more, 4\]",
        ),
        (
            {"y:a": np.ones((3, 4))},
            r"'y:a' has shape \[3, 4\]; it must be \(batch, outputs\) = \[1 or more, 5\]",
        ),
        ({"y:a": np.ones(5)}, r"'y:a' has shape \[5\]"),
        ({"x:a": np.ones((0, 4)), "y:a": np.ones((0, 5))}, r"'x:a' has shape \[0, 4\]"),
        ({"y:a": np.ones((2, 5))}, "'x:a' is a batch of 3, but 'y:a' one of 2"),
        ({"y:a": np.full((3, 5), np.nan)}, r"tensor 'y:a' holds nan at \[0, 0\]"),
        ({"x:b": np.zeros((3, 2))}, "'a' and 'b' both read vector 'v', but 'x:a' and 'x:b' differ"),
        (dict.fromkeys(("x:a", "y:a", "x:b", "y:b")), "names no operator"),
    ],
)
def test_references_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    tensors = {name: values for name, values in (good_references() | change).items() if values is not None}
    with pytest.raises(InputError, match=said):
        read_references(problem_of(weights="w.safetensors"), stored(tmp_path, tensors))


def test_a_reference_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="problem 'two' names no weights, so that outputs cannot be compared"
    ):
        read_references(problem_of(), stored(tmp_path, good_references()))


def test_inputs_of_one_vector_are_shared() -> None:
    inputs = make_inputs(problem_of(), np.random.default_rng(0), batch=3)
    assert {name: x.shape for name, x in inputs.items()} == {"a": (3, 4), "b": (3, 2), "c": (3, 4)}
    assert np.array_equal(inputs["a"][:, :2], inputs["b"])
    assert not np.array_equal(inputs["a"], inputs["c"])
    assert all(x.all() and np.array_equal(x, np.trunc(x)) for x in inputs.values())


def test_inputs_come_from_references_where_there_are_any(tmp_path: Path) -> None:
    problem = problem_of(weights="w.safetensors")
    tensors = {name: values for name, values in good_references().items() if name.endswith("b")}
    tensors |= {"x:c": np.ones((2, 4)), "y:c": np.ones((2, 5))}
    references = read_references(problem, stored(tmp_path, tensors))
    inputs = make_inputs(problem, np.random.default_rng(0), references=references)
    assert np.array_equal(inputs["b"], tensors["x:b"])
    assert np.array_equal(inputs["a"][:, :2], tensors["x:b"])
    assert inputs["a"][:, 2:].all()
    assert np.array_equal(inputs["c"][:2], tensors["x:c"])
    assert inputs["c"].shape == (3, 4)
