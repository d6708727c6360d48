"""Whether what a program says of itself can be carried out: every number names something that exists."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import NoReturn

import numpy as np

from sbdopt.errors import InputError
from sbdopt.program.document import Add, Barrier, Command, Digital, Drive, Program, ProgramCells, Read
from sbdopt.program.machine import kept_elements
from sbdopt.weights.tensors import Tensor


def refuse_impossible(program: Program, cells: Mapping[str, Tensor], source: str) -> None:
    """Raise InputError for the first thing that cannot be carried out; `source` is the program's file."""
    _Checks(program, cells, source).all()


class _Checks:
    def __init__(self, program: Program, cells: Mapping[str, Tensor], source: str) -> None:
        self._program, self._cells, self._source = program, cells, source
        self._lengths = [vector.length for vector in program.vectors]
        slices = program.hardware.columns_per_weight
        self._slices = [0 if one.shape is None else one.shape[1] * slices for one in program.operators]
        self._driven: set[tuple[int, int]] = set()

    def all(self) -> None:
        """Tables first, since commands refer to them."""
        for number, vector in enumerate(self._program.vectors):
            self._order(f"vectors[{number}]", vector.order, vector.length)
        names: set[str] = set()
        for number, operator in enumerate(self._program.operators):
            where = f"operators[{number}] ({operator.name!r})"
            if operator.name in names:
                self._refuse(where, "another operator has the same name; names must be unique")
            names.add(operator.name)
            if operator.vector is None or operator.shape is None:
                continue
            self._below(where, "vector", operator.vector, len(self._lengths))
            inputs, outputs = operator.shape
            if inputs != min(inputs, self._lengths[operator.vector]) or inputs < 1 or outputs < 1:
                length = self._lengths[operator.vector]
                self._refuse(where, f"shape is {operator.shape}, and its vector has {length} elements")
            self._order(where, operator.order, outputs)
        for number, command in enumerate(self._program.commands):
            self._command(f"commands[{number}] ({command.op!r})", command)

    def _refuse(self, where: str, said: str) -> NoReturn:
        raise InputError(f"{self._source}: {where}: {said}")

    def _below(self, where: str, what: str, value: int, count: int) -> None:
        if value >= count:
            self._refuse(where, f"{what} is {value}, but there are only {count}")

    def _order(self, where: str, order: list[list[int]] | None, length: int) -> None:
        if order is None:
            return
        counts = [count for _, count, _ in order]
        begins = [0, *accumulate(counts)]
        gapless = sum(counts) == length and [position for position, *_ in order] == begins[:-1]
        if not gapless or not np.array_equal(np.sort(kept_elements(order, length)), np.arange(length)):
            self._refuse(where, f"order must keep each of {length} elements at one position")

    def _command(self, where: str, command: Command) -> None:
        if isinstance(command, Barrier | Digital):
            after = command.after if isinstance(command, Barrier) else []
            for operator in (command.operator, *after):
                self._below(where, "operator", operator, len(self._program.operators))
            if isinstance(command, Digital) and self._program.operators[command.operator].cycles is None:
                self._refuse(where, f"operator {command.operator} is not digital")
            return
        kinds = self._program.hardware.arrays
        self._below(where, "kind", command.place[0], len(kinds))
        kind = kinds[command.place[0]]
        if kind.count is not None:
            self._below(where, "array", command.array, kind.count)
        if isinstance(command, ProgramCells):
            self._image(where, command)
        elif isinstance(command, Drive):
            self._ranges(where, command.rows, kind.rows, self._lengths, ("row", "vector"))
            self._driven.add(command.place)
        else:
            self._read(where, command, kind.columns)

    def _read(self, where: str, command: Read | Add, columns: int) -> None:
        if command.place not in self._driven:
            self._refuse(where, f"array {command.array} is read before any of its rows is driven")
        self._ranges(where, command.columns, columns, self._slices, ("column", "operator"))

    def _ranges(
        self, where: str, found: list[list[int]], places: int, lengths: list[int], called: tuple[str, str]
    ) -> None:
        """[place, count, sequence, place in the sequence]."""
        for begin, count, sequence, first in found:
            if begin + count > places:
                self._refuse(where, f"{called[0]}s {begin} to {begin + count - 1}: there are only {places}")
            self._below(where, called[1], sequence, len(lengths))
            if first + count > lengths[sequence]:
                self._refuse(
                    where,
                    f"positions {first} to {first + count - 1} of {called[1]} {sequence}, "
                    f"which has only {lengths[sequence]}",
                )

    def _image(self, where: str, command: ProgramCells) -> None:
        kind = self._program.hardware.arrays[command.place[0]]
        shape = []
        for spans, places, what in (
            (command.rows, kind.rows, "row"),
            (command.columns, kind.columns, "column"),
        ):
            end = 0
            for begin, count in spans:
                if begin < end or begin + count > places:
                    self._refuse(
                        where, f"{what}s must ascend and be below {places}, but there is {[begin, count]}"
                    )
                end = begin + count
            shape.append(sum(count for _, count in spans))
        name = self._program.image_name(command.place)
        if name not in self._cells:
            self._refuse(where, f"{self._program.cells} holds no tensor {name!r}, the image of that array")
        if self._cells[name].shape != tuple(shape):
            has = list(self._cells[name].shape)
            self._refuse(
                where, f"tensor {name!r} of {self._program.cells} has shape {has}; it must be {shape}"
            )
