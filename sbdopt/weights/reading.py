"""Read a block store, or any file of flat tensors."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbdopt.documents import IntArray, parse
from sbdopt.errors import InputError
from sbdopt.problem import BlockColumns
from sbdopt.weights.origin import Origin
from sbdopt.weights.tensors import FloatArray, Tensor, TensorFile
from sbdopt.weights.writing import CHECKSUMS, FORMAT, TABLE_COLUMNS


class BlockStore:
    """A file of weights, mapped into memory: opened, only its header is read; a tensor, when it is asked for.

    For each operator there is a flat tensor with its name. A file that `write_store` made also says where the
    blocks lie, what the matrix was cut out of, and what outputs are multiplied by; other files do not.
    """

    def __init__(self, path: Path) -> None:
        """Open a file. InputError: it cannot be used (see `TensorFile`), or is of another version."""
        self._file = TensorFile(path)
        self.path = path
        self._checksums: dict[str, int] = {}
        said = self._file.metadata.get("format", "")
        if not said.startswith("sbdopt/"):
            return
        if said != FORMAT:
            raise InputError(f"{path}: its format is {said!r}; this version of sbdopt reads {FORMAT!r}")
        names = sorted(name for name in self._file if name != CHECKSUMS)
        if CHECKSUMS not in self._file or self._file.shape(CHECKSUMS) != (len(names), 4):
            raise InputError(
                f"{path}: tensor {CHECKSUMS!r} must hold 4 bytes for each of {len(names)} tensors"
            )
        values = self._file.content(CHECKSUMS).view("<u4").tolist()
        self._checksums = dict(zip(names, values, strict=True))

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators whose blocks the file knows; none in a file with nothing but flat tensors."""
        return tuple(name.removeprefix("blocks:") for name in self._checksums if name.startswith("blocks:"))

    def values(self, operator: str) -> Tensor:
        """The weights of an operator, block after block. InputError: missing, unusable, damaged."""
        if operator not in self._file:
            raise InputError(f"{self.path}: there is no tensor {operator!r}, the weights of that operator")
        return self._tensor(operator)

    def blocks(self, operator: str) -> BlockColumns:
        """Where an operator's blocks lie in its matrix. InputError: missing, or not those of its values."""
        name = f"blocks:{operator}"
        if name not in self._checksums:
            raise InputError(f"{self.path}: there is no tensor {name!r}, the blocks of that operator")
        table = self._integers(name, (None, len(TABLE_COLUMNS)))
        columns = dict(zip(TABLE_COLUMNS, table.T.tolist(), strict=True))
        offset = columns.pop("offset")
        blocks = parse(BlockColumns, columns, f"{self.path}: tensor {name!r}")
        size = blocks.height * blocks.width
        length = self._file.shape(operator) if operator in self._file else None
        if offset != (np.cumsum(size) - size).tolist() or length != (int(size.sum()),):
            raise InputError(
                f"{self.path}: tensor {name!r} does not say where the blocks lie in tensor {operator!r}, "
                "one after the other"
            )
        self._refuse_outside(operator, blocks)
        return blocks

    def origin(self, operator: str) -> Origin:
        """The matrix that an operator's was cut out of, or is. InputError: not known, damaged."""
        name = f"shape:{operator}"
        if name not in self._checksums:
            raise InputError(f"{self.path}: there is no tensor {name!r}, the shape of that operator's matrix")
        inputs, outputs = self._integers(name, (2,)).tolist()
        places = [self._places(f"inputs:{operator}", inputs), self._places(f"outputs:{operator}", outputs)]
        return Origin((inputs, outputs), *places)

    def scales(self, operator: str) -> npt.NDArray[np.float32] | None:
        """What each output is multiplied by after the arrays have yielded it; None if by nothing."""
        name = f"scales:{operator}"
        if name not in self._checksums:
            return None
        outputs = len(self.origin(operator).outputs)
        if self._file.dtype(name) != "F32" or self._file.shape(name) != (outputs,):
            raise InputError(
                f"{self.path}: tensor {name!r} is {self._file.dtype(name)} {list(self._file.shape(name))}; "
                f"it must be F32 [{outputs}], a number for each output"
            )
        scales: npt.NDArray[np.float32] = self._tensor(name).stored
        return scales

    def matrix(self, operator: str) -> FloatArray:
        """The whole matrix (inputs, outputs) that an operator's was cut out of, with its scales."""
        origin, scales, tensor = self.origin(operator), self.scales(operator), self.values(operator)
        blocks, matrix, begin = self.blocks(operator), np.zeros(origin.shape), 0
        for row, column, height, width in zip(
            blocks.input, blocks.output, blocks.height, blocks.width, strict=True
        ):
            block = tensor.read(begin, begin + height * width).reshape(height, width)
            columns = slice(column, column + width)
            places = np.ix_(origin.inputs[row : row + height], origin.outputs[columns])
            matrix[places] = block if scales is None else block * scales[columns]
            begin += height * width
        return matrix

    def _refuse_outside(self, operator: str, blocks: BlockColumns) -> None:
        origin = self.origin(operator)
        for ends, places, axis in (
            (blocks.input + blocks.height, origin.inputs, "inputs"),
            (blocks.output + blocks.width, origin.outputs, "outputs"),
        ):
            if ends.max(initial=0) > len(places):
                raise InputError(
                    f"{self.path}: tensor 'blocks:{operator}' names {axis} up to {ends.max() - 1}, "
                    f"but the operator has {len(places)}"
                )

    def _places(self, name: str, size: int) -> IntArray:
        """Different numbers below `size`; all of them, in their order, if the file does not name any."""
        if name not in self._checksums:
            return np.arange(size)
        places = self._integers(name, (None,))
        if (
            places.min(initial=0) < 0
            or places.max(initial=-1) >= size
            or len(np.unique(places)) < len(places)
        ):
            raise InputError(f"{self.path}: tensor {name!r} must hold different numbers from 0 to {size - 1}")
        return places

    def _integers(self, name: str, shape: tuple[int | None, ...]) -> IntArray:
        has = self._file.shape(name)
        fits = len(has) == len(shape) and all(b in (None, a) for a, b in zip(has, shape, strict=True))
        if self._file.dtype(name) != "I64" or not fits:
            wanted = ["any" if size is None else size for size in shape]
            raise InputError(
                f"{self.path}: tensor {name!r} is {self._file.dtype(name)} {list(has)}; "
                f"it must be I64 {wanted}".replace("'", "")
            )
        values: IntArray = self._tensor(name).stored.reshape(has)
        return values

    def _tensor(self, name: str) -> Tensor:
        """A tensor that is as it was written."""
        if name in self._checksums and zlib.crc32(self._file.content(name).data) != self._checksums[name]:
            raise InputError(
                f"{self.path}: tensor {name!r} is damaged: its bytes are not those that were written"
            )
        return self._file.tensor(name)
