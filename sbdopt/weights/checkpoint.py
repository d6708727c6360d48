"""The tensors of a trained model: a safetensors file, the index of several, or, if asked for, a pickle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from sbdopt.documents import read_json
from sbdopt.errors import InputError
from sbdopt.weights.tensors import Tensor, TensorFile

_PICKLES: Final = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_PICKLED: Final = (b"PK\x03\x04", b"\x80")
"""How the files that `torch.save` writes begin, those of today and older ones."""


class Checkpoint(Protocol):
    """Tensors by name, each read when it is asked for."""

    path: Path

    def __contains__(self, name: object) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, which must be there."""
        ...

    def dtype(self, name: str) -> str:
        """The type of a tensor as safetensors calls it."""
        ...

    def tensor(self, name: str) -> Tensor:
        """The tensor called `name`, which must be there. InputError: it holds what cannot be used."""
        ...


def open_checkpoint(path: Path, *, unsafe_pickle: bool = False) -> Checkpoint:
    """A safetensors file, or the index (`*.index.json`) of several, mapped into memory; nothing is read yet.

    A pickle can run whatever its maker liked; it is read only with `unsafe_pickle`, and then only tensors are
    unpickled. InputError: the file cannot be used, or is a pickle.
    """
    if path.name.endswith(".index.json"):
        return _ShardedFile(path)
    if not _is_pickle(path):
        return TensorFile(path)
    if not unsafe_pickle:
        raise InputError(
            f"{path}: is a pickle, which may run any code when it is read; save the model as safetensors, or "
            "ask for its weights only with --unsafe-pickle"
        )
    from sbdopt.weights.pickles import PickleFile

    return PickleFile(path)


def _is_pickle(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            begin = file.read(10)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    # A safetensors file may begin with any bytes, its length; but then the header follows.
    return path.suffix in _PICKLES or (begin.startswith(_PICKLED) and begin[8:9] != b"{")


class _ShardedFile:
    """Several safetensors files, and an index that says in which one a tensor is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        index, _ = read_json(path)
        names = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(names, dict) or not all(isinstance(file, str) for file in names.values()):
            raise InputError(f"{path}: weight_map is missing; it must name the file of every tensor")
        files = {name: TensorFile(path.parent / name) for name in sorted(set(names.values()))}
        self._files = {name: files[file] for name, file in names.items()}
        for name, file in self._files.items():
            if name not in file:
                raise InputError(
                    f"{path}: tensor {name!r} is said to be in {file.path.name}, but is not there"
                )

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def shape(self, name: str) -> tuple[int, ...]:
        return self._files[name].shape(name)

    def dtype(self, name: str) -> str:
        return self._files[name].dtype(name)

    def tensor(self, name: str) -> Tensor:
        return self._files[name].tensor(name)
