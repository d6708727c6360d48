"""Read JSON documents strictly, check them against a model, and write files atomically."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn, Self, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from sbdopt.errors import InputError

IntArray = npt.NDArray[np.int64]
SmallIntArray = npt.NDArray[np.int16]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

LARGEST_SIZE = 2**31 - 1
"""Largest number that may describe geometry: sums and products of two still fit in 64 bits."""
LARGEST_TIME = 2**40 - 1
"""Largest number of cycles of one operator or start."""


class Document(BaseModel):
    """Base of all parts of the documents: unknown keys are refused, types are strict, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class FileDocument(Document):
    """Base of the documents that are files of their own."""

    long: ClassVar[str] = ""
    """The collection whose entries take a line each."""

    def to_bytes(self) -> bytes:
        """The document as it is written to a file: JSON, a line for each key and for each entry of `long`."""
        data = self.model_dump(mode="json", exclude_unset=False, exclude_none=True, by_alias=True)
        lines = []
        for key, value in data.items():
            if key == self.long and value:
                pieces = (
                    [f"    {json.dumps(name)}: {json.dumps(entry)}" for name, entry in value.items()]
                    if isinstance(value, dict)
                    else [f"    {json.dumps(entry)}" for entry in value]
                )
                opening, closing = "{}" if isinstance(value, dict) else "[]"
                text = opening + "\n" + ",\n".join(pieces) + "\n  " + closing
            else:
                text = json.dumps(value)
            lines.append(f"  {json.dumps(key)}: {text}")
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()

    def save(self, path: Path | str) -> None:
        """Write the document to `path`, atomically."""
        write_atomically(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read and check a document; anything wrong with its form is one InputError."""
        data, _ = read_json(Path(path))
        return parse(cls, data, str(path))


class _Integers:
    """A list of integers in JSON, a read-only int64 column inside."""

    def __init__(self, smallest: int, largest: int) -> None:
        self.smallest, self.largest = smallest, largest

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        integers = core_schema.list_schema(
            core_schema.int_schema(strict=True, ge=self.smallest, le=self.largest), strict=True
        )
        return core_schema.chain_schema(
            [
                core_schema.no_info_before_validator_function(_as_list, integers),
                core_schema.no_info_plain_validator_function(_as_column),
            ],
            serialization=core_schema.plain_serializer_function_ser_schema(_as_list),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        item: dict[str, Any] = {"type": "integer", "minimum": self.smallest, "maximum": self.largest}
        return {"type": "array", "items": item}


def _as_list(values: Any) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _as_column(values: list[int]) -> IntArray:
    column = np.array(values, dtype=np.int64)
    column.setflags(write=False)
    return column


Offsets = Annotated[IntArray, _Integers(0, LARGEST_SIZE)]
Sizes = Annotated[IntArray, _Integers(1, LARGEST_SIZE)]
Positions = Annotated[IntArray, _Integers(-LARGEST_SIZE, LARGEST_SIZE)]
Times = Annotated[IntArray, _Integers(-LARGEST_TIME, LARGEST_TIME)]

Model = TypeVar("Model", bound=BaseModel)


def read_json(path: Path) -> tuple[Any, str]:
    """The content of a JSON file and the SHA-256 of its bytes.

    Refused with InputError: what cannot be read, is not UTF-8, not JSON (NaN and Infinity are not), or names
    the same key twice in one object.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    return parse_json(content, str(path))


def parse_json(content: bytes, source: str) -> tuple[Any, str]:
    """What the bytes of a JSON file say, and their SHA-256; refused as by `read_json`."""
    try:
        data = json.loads(content, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{source}: not a JSON document: {reason}") from error
    return data, hashlib.sha256(content).hexdigest()


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def parse(model: type[Model], data: Any, source: str) -> Model:
    """`data` as a `model`; the first thing wrong with it becomes one InputError that names `source`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = _where(data, first["loc"])
        if first["type"] == "value_error":
            said = str(first["ctx"]["error"])
        elif first["type"] in ("missing", "extra_forbidden"):
            said = {"missing": "is missing", "extra_forbidden": "is not a known key"}[first["type"]]
        else:
            said = f"is {_shortened(first['input'])}; {first['msg'].replace('Input should', 'it should', 1)}"
        raise InputError(f"{source}: {where + ': ' if where else ''}{said}") from error


def _where(data: Any, location: tuple[int | str, ...]) -> str:
    """A readable path to a value, with the names of the things it passes."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(step, int) and isinstance(data, dict) and isinstance(data.get("name"), str):
            path += f" ({data['name']!r})"
    return path


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def write_atomically(path: Path, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Replace the file at `path` by `content`, all or nothing; parts are written as they are made.

    The bytes go to a temporary file in the same folder, which then takes the place of the old one. What is
    no regular file (a device, a pipe) is written to directly. Failures raise InputError.
    """
    parts = [content] if isinstance(content, bytes) else content
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.writelines(parts)
            return
        target = path.resolve()
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            Path(temporary).chmod(0o666 & ~mask)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
