"""The tensors of a checkpoint, by name; each is read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sbdopt.documents import read_json
from sbdopt.errors import InputError
from sbdopt.monarch.pattern import Array
from sbdopt.weights.tensors import Tensor, TensorFile, refuse_unusable

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_INDEX = "model.safetensors.index.json"
_FLOATING = ("F64", "F32", "F16", "BF16")


class _Tensors(Protocol):
    """What a file of tensors can do, safetensors or not."""

    def __iter__(self) -> Iterator[str]: ...
    def shape(self, name: str) -> tuple[int, ...]: ...
    def dtype(self, name: str) -> str: ...
    def tensor(self, name: str) -> Tensor: ...


class Checkpoint:
    """Tensors from one or several files, and the configuration beside them, if there is one."""

    def __init__(self, path: Path, files: dict[str, _Tensors], config: dict[str, Any]) -> None:
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


def open_checkpoint(path: Path, *, unpickle: bool = False) -> Checkpoint:
    """A safetensors file, or a folder of them (with an index if several) and perhaps a config.json.

    With `unpickle` a PyTorch pickle as well, of which only weights are loaded; without, it is refused, since
    loading one may run code. InputError for that, and for whatever cannot be read.
    """
    if not path.is_dir():
        return Checkpoint(path, _tensors_of([path], unpickle), {})
    config = read_json(path / "config.json")[0] if (path / "config.json").exists() else {}
    if not isinstance(config, dict):
        raise InputError(f"{path / 'config.json'}: is not a JSON object")
    if (path / _INDEX).exists():
        return Checkpoint(path, _sharded(path), config)
    for suffixes in ((".safetensors",), _PICKLES):
        found = sorted(file for file in path.iterdir() if file.suffix in suffixes)
        if found:
            return Checkpoint(path, _tensors_of(found, unpickle), config)
    raise InputError(f"{path}: holds no safetensors file; name a checkpoint or the folder that it is in")


def _tensors_of(paths: list[Path], unpickle: bool) -> dict[str, _Tensors]:
    files: dict[str, _Tensors] = {}
    for path in paths:
        file = _open(path, unpickle)
        for name in file:
            if name in files:
                raise InputError(f"{path}: tensor {name!r} is in another file of the folder as well")
            files[name] = file
    return files


def _open(path: Path, unpickle: bool) -> _Tensors:
    if path.suffix not in _PICKLES:
        return TensorFile(path)
    if not unpickle:
        raise InputError(
            f"{path}: is a pickle, and to load one may run code that is in it; convert it to safetensors, or "
            "trust it with --unpickle, which loads weights only"
        )
    return _Pickled(path)


def _sharded(folder: Path) -> dict[str, _Tensors]:
    path = folder / _INDEX
    data = read_json(path)[0]
    places = data.get("weight_map") if isinstance(data, dict) else None
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        raise InputError(f"{path}: has no 'weight_map' from names of tensors to files")
    for file in places.values():
        if Path(file).name != file:
            raise InputError(f"{path}: names {file!r}; shards must be files of the same folder")
    shards = {file: TensorFile(folder / file) for file in sorted(set(places.values()))}
    for name, file in places.items():
        if name not in shards[file]:
            raise InputError(f"{folder / file}: there is no tensor {name!r}, which {_INDEX} says is there")
    return {name: shards[file] for name, file in places.items()}


class _Pickled:
    """A PyTorch pickle, weights only; its tensors are mapped where PyTorch can."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            import torch
        except ImportError as error:
            raise InputError(
                f"{path}: to load a pickle takes PyTorch; install it with pip install 'sbdopt[torch]'"
            ) from error
        try:
            loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # whatever a broken or hostile pickle raises
            raise InputError(f"{path}: PyTorch cannot load weights from it: {error}") from error
        loaded = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
        self._tensors = {name: value for name, value in loaded.items() if isinstance(value, torch.Tensor)}

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return tuple(self._tensors[name].shape)

    def dtype(self, name: str) -> str:
        """The type in which a tensor is read, as safetensors calls it."""
        return "F64" if str(self._tensors[name].dtype) == "torch.float64" else "F32"

    def tensor(self, name: str) -> Tensor:
        """A tensor, refused like one of a `TensorFile`."""
        value = self._tensors[name].detach()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
        tensor = Tensor.of(value.contiguous().numpy())
        refuse_unusable(tensor, self.path, name)
        return tensor
