"""Write a block store: operator after operator, so that one block at a time is in memory."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sbdopt.documents import write_atomically
from sbdopt.errors import InputError
from sbdopt.problem import BlockColumns
from sbdopt.weights.origin import Origin
from sbdopt.weights.tensors import STORED

FORMAT: Final = "sbdopt/blocks@1"
CHECKSUMS: Final = "crc32"
"""Name of the tensor with a CRC-32 of each other tensor: [tensors, 4] bytes, in the order of their names."""
TABLE_COLUMNS: Final = ("input", "output", "height", "width", "offset")

Part = tuple[str, str, list[int], Iterable[npt.NDArray[Any]]]
"""A tensor to be written: name, type, shape, and its numbers, piece by piece."""


@dataclass(frozen=True, eq=False)
class StoredOperator:
    """An operator as it is to be stored."""

    name: str
    blocks: BlockColumns
    dtype: str
    """As safetensors calls it: F64, F32, F16, BF16, I8 .."""
    origin: Origin
    """The matrix that it was cut out of, or its own (`Origin.whole`)."""
    values: Iterable[npt.NDArray[Any]]
    """The blocks one after another, each row-major, in pieces of any size and of that type (bfloat16 as the
    uint16 of its bits); taken once, while the file is written."""
    scales: npt.NDArray[np.float32] | None = None
    """What each output is multiplied by after the arrays have yielded it, for integers; None: 1."""


def write_store(path: Path, operators: Sequence[StoredOperator]) -> None:
    """Write a block store, all or nothing; the values of one block at a time are in memory.

    The weights a problem names may be this file: each operator's values are a flat tensor with its name, as
    the format asks for, and what else is known stands in tensors beside it. InputError: the file cannot be
    written, a name is taken twice, or values are not of the type and number that their blocks have.
    """
    parts = [part for operator in operators for part in _parts(operator)]
    names = [name for name, *_ in parts] + [CHECKSUMS]
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(f"{path}: two tensors would be called {name!r}; give the operator another name")
    # As the library does it: the widest numbers come first, so that all of them are aligned.
    parts.sort(key=lambda part: -np.dtype(STORED[part[1]]).itemsize)
    write_atomically(path, _contents(path, parts))


def _parts(operator: StoredOperator) -> Iterator[Part]:
    blocks = operator.blocks
    cells = blocks.height * blocks.width
    offset = np.cumsum(cells) - cells
    table = np.stack([blocks.input, blocks.output, blocks.height, blocks.width, offset], axis=1)
    yield f"blocks:{operator.name}", "I64", list(table.shape), [table]
    shape = operator.origin.shape
    yield f"shape:{operator.name}", "I64", [2], [np.array(shape, dtype=np.int64)]
    axes = (("inputs", operator.origin.inputs), ("outputs", operator.origin.outputs))
    for (axis, places), size in zip(axes, shape, strict=True):
        if not np.array_equal(places, np.arange(size)):
            yield f"{axis}:{operator.name}", "I64", [len(places)], [places]
    if operator.scales is not None:
        yield f"scales:{operator.name}", "F32", [len(operator.scales)], [operator.scales]
    yield operator.name, operator.dtype, [int(cells.sum())], operator.values


def _contents(path: Path, parts: Sequence[Part]) -> Iterator[bytes | memoryview]:
    """The bytes of the file: a header, the tensors, and last the checksums."""
    entries: dict[str, Any] = {"__metadata__": {"format": FORMAT}}
    end = 0
    for name, dtype, shape, _ in [*parts, (CHECKSUMS, "U8", [len(parts), 4], ())]:
        begin, end = end, end + int(np.prod(shape)) * np.dtype(STORED[dtype]).itemsize
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    yield len(header).to_bytes(8, "little")
    yield header
    checksums = {}
    for name, dtype, shape, pieces in parts:
        checksum, count = 0, 0
        for piece in pieces:
            if piece.dtype != np.dtype(STORED[dtype]):
                raise InputError(f"{path}: tensor {name!r} is to be {dtype}, but is given as {piece.dtype}")
            content = np.ascontiguousarray(piece).reshape(-1).view(np.uint8).data
            checksum, count = zlib.crc32(content, checksum), count + piece.size
            yield content
        if count != int(np.prod(shape)):
            raise InputError(f"{path}: tensor {name!r} is to hold {int(np.prod(shape))} numbers, not {count}")
        checksums[name] = checksum
    yield b"".join(checksums[name].to_bytes(4, "little") for name in sorted(checksums))
