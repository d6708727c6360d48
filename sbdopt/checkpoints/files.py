"""The tensors of a checkpoint, by name; each is read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sbdopt.documents import read_json
from sbdopt.errors import InputError
from sbdopt.monarch.pattern import Array
from sbdopt.weights.checkpoint import Checkpoint as Tensors
from sbdopt.weights.checkpoint import open_checkpoint as open_tensors

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_INDEX = "model.safetensors.index.json"
_FLOATING = ("F64", "F32", "F16", "BF16")


class Checkpoint:
    """Tensors from one or several files, and the configuration beside them, if there is one."""

    def __init__(self, path: Path, files: dict[str, Tensors], config: dict[str, Any]) -> None:
        self.path, self.config, self._files = path, config, files

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    @property
    def name(self) -> str:
        """The name of the file or folder."""
        whole = self.path.resolve()
        return whole.stem if whole.is_file() else whole.name

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, which must be there; nothing is read."""
        return self._files[name].shape(name)

    def dtype(self, name: str) -> str:
        """The type of a tensor as safetensors calls it; nothing is read."""
        return self._files[name].dtype(name)

    def read(self, name: str) -> Array:
        """A tensor of float32 or float64; mapped, not copied, if it is stored as such.

        InputError: it is not of a floating type, or holds NaN or infinite numbers.
        """
        tensor = self._files[name].tensor(name)
        if tensor.dtype not in _FLOATING:
            raise InputError(
                f"{self.path}: tensor {name!r} is of type {tensor.dtype}; weights must be one of "
                + ", ".join(_FLOATING)
            )
        if tensor.dtype == "BF16":
            return (tensor.stored.astype(np.uint32) << 16).view(np.float32).reshape(tensor.shape)
        kept = tensor.stored.astype(np.float32) if tensor.dtype == "F16" else tensor.stored
        return kept.reshape(tensor.shape)


def open_checkpoint(path: Path, *, unsafe_pickle: bool = False) -> Checkpoint:
    """A safetensors file, or a folder of them (with an index if several) and perhaps a config.json.

    With `unsafe_pickle` a PyTorch pickle as well, of which only weights are loaded; without, it is refused,
    since loading one may run code. InputError for that, and for whatever cannot be read.
    """
    if not path.is_dir():
        return Checkpoint(path, _tensors_of([path], unsafe_pickle), {})
    config = read_json(path / "config.json")[0] if (path / "config.json").exists() else {}
    if not isinstance(config, dict):
        raise InputError(f"{path / 'config.json'}: is not a JSON object")
    if (path / _INDEX).exists():
        return Checkpoint(path, _tensors_of([path / _INDEX], unsafe_pickle), config)
    for suffixes in ((".safetensors",), _PICKLES):
        found = sorted(file for file in path.iterdir() if file.suffix in suffixes)
        if found:
            return Checkpoint(path, _tensors_of(found, unsafe_pickle), config)
    raise InputError(f"{path}: holds no safetensors file; name a checkpoint or the folder that it is in")


def _tensors_of(paths: list[Path], unsafe_pickle: bool) -> dict[str, Tensors]:
    files: dict[str, Tensors] = {}
    for path in paths:
        file = open_tensors(path, unsafe_pickle=unsafe_pickle)
        for name in file:
            if name in files:
                raise InputError(f"{path}: tensor {name!r} is in another file of the folder as well")
            files[name] = file
    return files
