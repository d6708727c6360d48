"""The decision: kind, array, row, column and start of every block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.solution import OperatorPlacement, Solution


@dataclass(frozen=True, eq=False)
class Placement:
    """One row a block, in the order of `Blocks`; whether it is legal, only the judge says."""

    kind: IntArray
    array: IntArray
    row: IntArray
    column: IntArray
    start: IntArray

    @classmethod
    def read(cls, blocks: Blocks, solution: Solution) -> Placement:
        """The placement that a solution document describes; it must be complete."""
        entries = [
            solution.operators[operator.name]
            for operator in blocks.problem.operators
            if operator.blocks is not None
        ]

        def column(name: str) -> IntArray:
            pieces = [getattr(entry, name) for entry in entries]
            return np.concatenate([np.zeros(0, dtype=np.int64), *pieces])

        kinds = [
            np.zeros(len(entry), dtype=np.int64) if entry.kind is None else entry.kind for entry in entries
        ]
        return cls(
            kind=np.concatenate([np.zeros(0, dtype=np.int64), *kinds]),
            array=column("array"),
            row=column("row"),
            column=column("column"),
            start=column("start"),
        )

    def to_operators(self, blocks: Blocks) -> dict[str, OperatorPlacement]:
        """The `operators` of a solution document."""
        result = {}
        one_kind = not self.kind.any()
        for number, operator in enumerate(blocks.problem.operators):
            if operator.blocks is None:
                continue
            rows = slice(int(blocks.first[number]), int(blocks.first[number + 1]))
            result[operator.name] = OperatorPlacement(
                array=self.array[rows],
                row=self.row[rows],
                column=self.column[rows],
                start=self.start[rows],
                kind=None if one_kind else self.kind[rows],
            )
        return result
