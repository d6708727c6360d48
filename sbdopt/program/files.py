"""A program and its cell images as files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sbdopt.documents import write_atomically
from sbdopt.errors import InputError
from sbdopt.program.checking import refuse_impossible
from sbdopt.program.compiling import Compiled
from sbdopt.program.document import Program
from sbdopt.weights.tensors import Tensor, TensorFile


@dataclass(frozen=True, eq=False)
class LoadedProgram:
    """A program and the images of its arrays."""

    program: Program
    cells: Mapping[str, Tensor]


def cells_path(program: Path) -> Path:
    """Where the images lie: `X.safetensors` beside `X.json`."""
    return program.with_suffix(".safetensors")


def save_program(compiled: Compiled, path: Path) -> int:
    """Write the images, then the program, both atomically. Returns the size of the program in bytes.

    The program holds the digest of its images: one file of another compilation is noticed.
    """
    content = compiled.program.to_bytes()
    write_atomically(path.parent / compiled.program.cells, compiled.cells)
    write_atomically(path, content)
    return len(content)


def load_program(path: Path) -> LoadedProgram:
    """Read and check a program, and map its images into memory; anything wrong is one InputError."""
    program = Program.load(path)
    if Path(program.cells).name != program.cells:
        raise InputError(
            f"{path}: cells is {program.cells!r}; it must be the name of a file beside the program"
        )
    images = path.parent / program.cells
    file = TensorFile(images)
    with images.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != program.cells_sha256:
        raise InputError(
            f"{images}: not the cells of {path}: their SHA-256 is {digest[:12]}..., but the program's "
            f"{program.cells_sha256[:12]}...; compile again"
        )
    cells = {name: file.tensor(name) for name in file}
    refuse_impossible(program, cells, str(path))
    return LoadedProgram(program, cells)
