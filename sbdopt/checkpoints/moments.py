"""Second moments of the inputs of weights, from calibration."""

from __future__ import annotations

from pathlib import Path

from sbdopt.checkpoints.files import Checkpoint, open_checkpoint
from sbdopt.checkpoints.model import DenseWeight, Model
from sbdopt.errors import InputError
from sbdopt.monarch.pattern import Array


class Moments:
    """E[x^T x] of what each weight reads, (inputs, inputs), or only its diagonal, (inputs,)."""

    def __init__(self, model: Model, path: Path) -> None:
        """Open a safetensors file of moments, read one by one.

        A tensor is called as the weight (`layer0.q`), as its tensor in the checkpoint, or as that without
        `.weight`: the name of the module. InputError: the file has none for a weight, or of another shape.
        """
        self._file = open_checkpoint(path)
        self._names = {name: _name(self._file, name, weight) for name, weight in model.weights.items()}

    def __call__(self, weight: str) -> Array:
        """The moment of the inputs of a weight."""
        return self._file.read(self._names[weight])


def _name(file: Checkpoint, name: str, weight: DenseWeight) -> str:
    for known in weight.called(name):
        if known in file:
            size = weight.shape[0]
            if file.shape(known) not in ((size,), (size, size)):
                raise InputError(
                    f"{file.path}: tensor {known!r} has shape {list(file.shape(known))}; the moment of what "
                    f"{name!r} reads must be [{size}, {size}] or [{size}]"
                )
            return known
    raise InputError(
        f"{file.path}: there is no tensor {name!r} or {weight.source.tensor!r}, the moment of what it reads"
    )
