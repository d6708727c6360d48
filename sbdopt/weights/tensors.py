"""Tensors of safetensors files: mapped into memory, and read as float64 a part at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors

from sbdopt.errors import InputError

FloatArray = npt.NDArray[np.float64]

_CHUNK = 1 << 20
_LARGEST_WHOLE = 2.0**53

# safetensors' numpy has no bfloat16: it is the upper half of a float32, so its bits are read as uint16.
STORED = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
}
"""The types that can be used, as safetensors calls them, and as numpy holds them."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """Numbers in the type in which they are stored; only the part that is read becomes float64."""

    stored: npt.NDArray[Any]
    """Flat; bfloat16 as the uint16 of its bits."""
    shape: tuple[int, ...]
    dtype: str
    """As safetensors calls it: F64, F32, F16, BF16, I64 .. U8."""

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> Tensor:
        """A tensor in memory, of any type that numpy and safetensors share."""
        code = values.dtype.str[1:]
        dtype = next(name for name, stored in STORED.items() if stored[1:] == code and name != "BF16")
        return cls(values.reshape(-1), values.shape, dtype)

    def __len__(self) -> int:
        return len(self.stored)

    def read(self, begin: int, end: int) -> FloatArray:
        """Numbers `begin` .. `end - 1` of the flat tensor, exactly, as float64."""
        part = self.stored[begin:end]
        if self.dtype == "BF16":
            part = (part.astype(np.uint32) << 16).view(np.float32)
        with np.errstate(invalid="ignore"):  # numpy warns of a signalling NaN; the file names its place
            return part.astype(np.float64)

    def array(self) -> FloatArray:
        """All numbers, as float64, in the tensor's shape."""
        return self.read(0, len(self)).reshape(self.shape)

    @cached_property
    def largest(self) -> float:
        """The largest magnitude; 0 if there are no numbers."""
        return max((float(np.abs(part).max()) for _, part in self._chunks()), default=0.0)

    @cached_property
    def whole(self) -> bool:
        """Whether all are whole numbers up to 2**53, with which float64 counts exactly."""
        if self.largest > _LARGEST_WHOLE:
            return False
        return self.dtype[0] in "IU" or all((part == np.trunc(part)).all() for _, part in self._chunks())

    def first_unusable(self) -> tuple[int, str] | None:
        """Place and text of the first number that is NaN, infinite, or an integer not below 2**53."""
        if self.dtype in ("I32", "I16", "I8", "U32", "U16", "U8"):
            return None
        for begin, part in self._chunks():
            usable = np.isfinite(part) if "F" in self.dtype else np.abs(part) < _LARGEST_WHOLE
            if not usable.all():
                place = int(np.argmin(usable))
                return begin + place, str(part[place] if "F" in self.dtype else self.stored[begin + place])
        return None

    def _chunks(self) -> Iterator[tuple[int, FloatArray]]:
        for begin in range(0, len(self), _CHUNK):
            yield begin, self.read(begin, begin + _CHUNK)


class TensorFile:
    """A safetensors file; its tensors are looked up by name and checked one by one."""

    def __init__(self, path: Path) -> None:
        """Map the file into memory, and read nothing but its header.

        InputError: it cannot be read, or is not a whole safetensors file.
        """
        self.path = path
        check: Any = safetensors.safe_open
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                length = int.from_bytes(file.read(8), "little")
                content = file.read(min(length, size))
                _refuse_cut_short(path, content, size - 8 - length)
                with check(path, framework="numpy"):
                    # The library has now checked the header: every tensor lies inside the file.
                    header: dict[str, Any] = json.loads(content)
            self._data = np.memmap(path, dtype=np.uint8, mode="r")[8 + length :].view(np.ndarray)
        except safetensors.SafetensorError as error:
            raise InputError(f"{path}: not a safetensors file, or only a part of one: {error}") from error
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from error
        self.metadata: dict[str, str] = header.pop("__metadata__", None) or {}
        self._entries = header

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, which must be in the file; nothing is read."""
        return tuple(self._entries[name]["shape"])

    def dtype(self, name: str) -> str:
        """The type of a tensor as safetensors calls it; nothing is read."""
        return str(self._entries[name]["dtype"])

    def content(self, name: str) -> npt.NDArray[np.uint8]:
        """The bytes of a tensor, mapped."""
        begin, end = self._entries[name]["data_offsets"]
        return self._data[begin:end]

    def tensor(self, name: str) -> Tensor:
        """The tensor called `name`, which must be in the file.

        InputError: its type is none of those above, or a number is NaN, infinite, or of an integer type and
        so large that float64 may not hold it.
        """
        dtype = self.dtype(name)
        if dtype not in STORED:
            raise InputError(
                f"{self.path}: tensor {name!r} is of type {dtype}; it must be one of {', '.join(STORED)}"
            )
        tensor = Tensor(self.content(name).view(STORED[dtype]), self.shape(name), dtype)
        refuse_unusable(tensor, self.path, name)
        return tensor


def refuse_unusable(tensor: Tensor, path: Path, name: str) -> None:
    """Refuse, with InputError, a tensor with a number that is NaN, infinite, or too large an integer."""
    unusable = tensor.first_unusable()
    if unusable is not None:
        place = ", ".join(str(i) for i in np.unravel_index(unusable[0], tensor.shape))
        raise InputError(
            f"{path}: tensor {name!r} holds {unusable[1]} at [{place}]; "
            "it must hold finite numbers, or integers below 2**53"
        )


def _refuse_cut_short(path: Path, header: bytes, size: int) -> None:
    """Refuse a file that ends inside a tensor, by the tensor's name; what else is wrong the library finds."""
    try:
        entries = json.loads(header)
        ends = {name: entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"}
        short = [name for name, end in sorted(ends.items(), key=lambda item: item[1]) if end > size]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return
    if short:
        raise InputError(
            f"{path}: not a safetensors file, or only a part of one: tensor {short[0]!r} is cut short, "
            f"{ends[short[0]] - size} bytes of it are missing"
        )
