"""The tensors of a pickled PyTorch checkpoint, for those who ask for it: nothing but tensors is unpickled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sbdopt.errors import InputError
from sbdopt.weights.tensors import STORED, Tensor, refuse_unusable

_TYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
}


class PickleFile:
    """A pickled dictionary of tensors (`torch.save(model.state_dict(), path)`)."""

    def __init__(self, path: Path) -> None:
        """Unpickle the weights only. InputError: no PyTorch, or the file holds anything but tensors."""
        try:
            import torch
        except ImportError as error:
            raise InputError(
                f"{path}: reading a pickle takes PyTorch, which is not installed: pip install sbdopt[torch]"
            ) from error
        self.path = path
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from error
        except Exception as error:  # whatever a damaged pickle makes of itself
            said = str(error).split("\n")[0][:200]
            raise InputError(f"{path}: not a PyTorch checkpoint of tensors only: {said}") from error
        tensors = content if isinstance(content, dict) else {}
        self._tensors: dict[str, Any] = {
            name: tensor for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)
        }
        if not self._tensors:
            found = ", ".join(map(str, tensors)) or type(content).__name__
            raise InputError(
                f"{path}: must hold a dictionary of tensors by name, but it holds: {found[:200]}"
            )

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, which must be in the file."""
        return tuple(self._tensors[name].shape)

    def dtype(self, name: str) -> str:
        """The type of a tensor as safetensors calls it; PyTorch's own name if it has none there."""
        own = str(self._tensors[name].dtype).removeprefix("torch.")
        return _TYPES.get(own, own)

    def tensor(self, name: str) -> Tensor:
        """The tensor called `name`, which must be in the file. InputError: it holds what cannot be used."""
        import torch

        dtype, values = self.dtype(name), self._tensors[name].detach().contiguous().reshape(-1)
        if dtype not in STORED:
            raise InputError(
                f"{self.path}: tensor {name!r} is of type {dtype}; it must be one of {', '.join(STORED)}"
            )
        stored = values.view(torch.int16).numpy().view("<u2") if dtype == "BF16" else values.numpy()
        tensor = Tensor(stored, self.shape(name), dtype)
        refuse_unusable(tensor, self.path, name)
        return tensor
