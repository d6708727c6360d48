"""A block store is read as it was written, and what is damaged is refused by the name of the tensor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from sbdopt import ArrayKind, BlockColumns, BlockStore, Hardware, InputError, Operator, Problem
from sbdopt.weights.origin import Origin
from sbdopt.weights.store import read_weights
from sbdopt.weights.writing import StoredOperator, write_store

BLOCKS = BlockColumns(input=[0, 2], output=[0, 3], height=[2, 1], width=[3, 2])
ORIGIN = Origin((6, 7), np.array([5, 1, 0]), np.array([0, 1, 2, 4, 3]))
VALUES = np.arange(1, 9, dtype=np.int8)


def operators() -> list[StoredOperator]:
    scales = np.array([1, 2, 3, 4, 0.5], dtype=np.float32)
    bits = (VALUES.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    whole = Origin.whole((3, 5))
    return [
        StoredOperator("a", BLOCKS, "I8", ORIGIN, [VALUES[:3], VALUES[3:]], scales),
        StoredOperator("b", BLOCKS, "F32", whole, [VALUES.astype(np.float32)]),
        StoredOperator("c", BLOCKS, "F16", whole, [VALUES.astype(np.float16)]),
        StoredOperator("d", BLOCKS, "BF16", whole, [bits]),
    ]


def problem(blocks: BlockColumns = BLOCKS, shape: tuple[int, int] = (3, 5)) -> Problem:
    return Problem(
        name="p",
        hardware=Hardware(arrays=[ArrayKind(name="x", rows=8, columns=8, adcs=1)]),
        operators=[Operator(name="a", shape=list(shape), blocks=blocks)],
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_store(tmp_path / "w.safetensors", operators())
    return tmp_path / "w.safetensors"


def own() -> np.ndarray:
    return np.array([[1, 2, 3, 0, 0], [4, 5, 6, 0, 0], [0, 0, 0, 7, 8]])


def test_all_types_come_back(path):
    store = BlockStore(path)
    assert store.operators == ("a", "b", "c", "d")
    for name, dtype in (("b", "F32"), ("c", "F16"), ("d", "BF16")):
        assert np.array_equal(store.matrix(name), own())
        assert (store.values(name).dtype, store.scales(name)) == (dtype, None)
        assert np.array_equal(store.origin(name).inputs, np.arange(3))
    assert store.blocks("a").width.tolist() == [3, 2]
    wanted = np.zeros((6, 7))
    wanted[np.ix_(ORIGIN.inputs, ORIGIN.outputs)] = own() * [1, 2, 3, 4, 0.5]
    assert np.array_equal(store.matrix("a"), wanted)


def tensors_of(path: Path) -> dict[str, np.ndarray]:
    """As the library reads them; its numpy knows no bfloat16."""
    with safe_open(path, framework="numpy") as file:
        names = file.keys()
        return {name: file.get_tensor(name) for name in names if name != "d"}


def test_it_is_a_safetensors_file_for_others(path):
    tensors = tensors_of(path)
    assert all(tensors[name].tolist() == VALUES.tolist() for name in "abc")
    assert tensors["blocks:a"].tolist() == [[0, 0, 2, 3, 0], [2, 3, 1, 2, 6]]


def test_a_problem_reads_it_and_files_of_flat_tensors_alike(path, tmp_path):
    weights = read_weights(problem(), path)["a"]
    assert weights.block(1).tolist() == [[7, 8]]
    assert weights.origin.shape == (6, 7)
    save_file({"a": VALUES, "blocks:a": np.ones(3)}, tmp_path / "plain.safetensors", {"format": "pt"})
    plain = read_weights(problem(), tmp_path / "plain.safetensors")["a"]
    assert plain.block(1).tolist() == [[7, 8]]
    assert plain.origin is None
    assert BlockStore(tmp_path / "plain.safetensors").operators == ()
    with pytest.raises(InputError, match="no tensor 'blocks:a'"):
        BlockStore(tmp_path / "plain.safetensors").blocks("a")


def test_weights_of_another_problem_are_refused(path):
    other = BlockColumns(input=[0, 2], output=[0, 2], height=[2, 1], width=[3, 2])
    for one in (problem(other), problem(shape=(4, 5))):
        with pytest.raises(InputError, match=r"'blocks:a' holds other blocks.* belong to another problem"):
            read_weights(one, path)


def test_opening_reads_no_tensor(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] + bytes(40))
    assert BlockStore(path).operators == ("a", "b", "c", "d")


def test_every_damaged_byte_is_refused_by_the_name_of_its_tensor(path):
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    assert header["__metadata__"] == {"format": "sbdopt/blocks@1"}
    for name, entry in header.items():
        if name in ("__metadata__", "crc32"):
            continue
        for place in (entry["data_offsets"][0], entry["data_offsets"][1] - 1):
            content = bytearray(whole)
            content[8 + length + place] ^= 1
            path.write_bytes(content)
            with pytest.raises(InputError, match=f"tensor '{name}' is damaged"):
                [BlockStore(path).matrix(operator) for operator in "abcd"]


def test_a_file_cut_short_is_refused_by_the_name_of_the_tensor(path):
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    for name, entry in header.items():
        if name != "__metadata__":
            path.write_bytes(whole[: 8 + length + entry["data_offsets"][1] - 1])
            with pytest.raises(InputError, match=f"tensor '{name}' is cut short, 1 bytes"):
                BlockStore(path)
    for end in (0, 4, 8, 8 + length // 2, 8 + length - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match="not a safetensors file"):
            BlockStore(path)


def rewritten(path: Path, **changes: np.ndarray | None) -> BlockStore:
    """The store with other tensors, and checksums that fit."""
    from zlib import crc32

    tensors = tensors_of(path)
    del tensors["blocks:d"], tensors["shape:d"], tensors["crc32"]
    tensors |= {name.replace("_", ":"): tensor for name, tensor in changes.items()}
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items() if tensor is not None}
    sums = [crc32(tensors[name].tobytes()).to_bytes(4, "little") for name in sorted(tensors)]
    tensors["crc32"] = np.frombuffer(b"".join(sums), dtype=np.uint8).reshape(-1, 4)
    save_file(tensors, path, {"format": "sbdopt/blocks@1"})
    return BlockStore(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"blocks_a": np.ones((2, 4), dtype=np.int64)},
            r"'blocks:a' is I64 \[2, 4\]; it must be I64 \[any, 5\]",
        ),
        ({"blocks_a": np.ones((2, 5))}, r"'blocks:a' is F64 \[2, 5\]"),
        ({"blocks_a": np.array([[0, 0, 2, 3, 0], [2, 3, 1, 2, 5]])}, "does not say where the blocks lie"),
        ({"blocks_a": np.array([[0, 0, 2, 3, 0]])}, "does not say where the blocks lie"),
        ({"blocks_a": np.array([[0, 0, -2, -4, 0]])}, r"tensor 'blocks:a': height\[0\]: is -2"),
        (
            {"blocks_a": np.array([[0, 3, 4, 2, 0]])},
            "'blocks:a' names inputs up to 3, but the operator has 3",
        ),
        ({"shape_a": None}, "there is no tensor 'shape:a'"),
        ({"shape_a": np.array([5, 7])}, "'inputs:a' must hold different numbers from 0 to 4"),
        ({"outputs_a": np.array([0, 1, 2, 4, 4])}, "'outputs:a' must hold different numbers from 0 to 6"),
        ({"outputs_a": np.array([0, 1, 2, 4])}, "names outputs up to 4, but the operator has 4"),
        ({"scales_a": np.ones(4, dtype=np.float32)}, r"'scales:a' is F32 \[4\]; it must be F32 \[5\]"),
        ({"scales_a": np.full(5, np.nan, dtype=np.float32)}, "'scales:a' holds nan"),
        ({"a": None}, "does not say where the blocks lie in tensor 'a'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(path, changes, said):
    store = rewritten(path, **changes)
    with pytest.raises(InputError, match=said):
        store.blocks("a"), store.matrix("a")


def test_another_version_is_refused(path):
    save_file({"a": VALUES}, path, {"format": "sbdopt/blocks@2"})
    with pytest.raises(InputError, match="its format is 'sbdopt/blocks@2'; this version of sbdopt reads"):
        BlockStore(path)
    save_file({"a": VALUES}, path, {"format": "sbdopt/blocks@1"})
    with pytest.raises(InputError, match="tensor 'crc32' must hold 4 bytes for each of 1 tensors"):
        BlockStore(path)


def test_what_cannot_be_stored_leaves_nothing_behind(tmp_path):
    def stored(name="a", values=VALUES, dtype="I8"):
        return StoredOperator(name, BLOCKS, dtype, Origin.whole((3, 5)), [values])

    for bad, said in (
        ([stored(values=VALUES[:7])], "tensor 'a' is to hold 8 numbers, not 7"),
        ([stored(dtype="F32")], "tensor 'a' is to be F32, but is given as int8"),
        ([stored(), stored()], "two tensors would be called 'blocks:a'"),
        ([stored(), stored("blocks:a")], "two tensors would be called 'blocks:a'"),
        ([stored("crc32")], "two tensors would be called 'crc32'"),
    ):
        with pytest.raises(InputError, match=said):
            write_store(tmp_path / "w.safetensors", bad)
        assert list(tmp_path.iterdir()) == []
