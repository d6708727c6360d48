"""One line of addresses for the elements of all vectors, and one for the slices of all outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.program.line import Line


@dataclass(frozen=True, eq=False)
class Addresses:
    """Where the vectors and outputs of a problem lie."""

    vector_of: IntArray
    """For each operator its vector, or -1."""
    names: tuple[str | None, ...]
    """Of the vectors; None where only one operator reads it, and it has no name."""
    lengths: IntArray
    """Of the vectors."""
    elements: Line
    slices: Line
    """Outputs of operators, `columns_per_weight` slices each."""

    @classmethod
    def of(cls, blocks: Blocks) -> Addresses:
        """The vectors of all crossbar operators, in the order in which the problem first names them."""
        numbers: dict[str | int, int] = {}
        names: list[str | None] = []
        lengths: list[int] = []
        vector_of, outputs = [], []
        for place, operator in enumerate(blocks.problem.operators):
            if operator.shape is None:
                vector_of.append(-1)
                outputs.append(0)
                continue
            key = place if operator.input is None else operator.input
            vector = numbers.setdefault(key, len(numbers))
            if vector == len(names):
                names.append(operator.input)
                lengths.append(0)
            lengths[vector] = max(lengths[vector], operator.shape[0])
            vector_of.append(vector)
            outputs.append(operator.shape[1] * blocks.hardware.columns_per_weight)
        return cls(
            vector_of=np.array(vector_of, dtype=np.int64),
            names=tuple(names),
            lengths=np.array(lengths, dtype=np.int64),
            elements=Line.of(lengths),
            slices=Line.of(outputs),
        )
