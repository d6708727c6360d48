"""All blocks of a problem in one table, a row each."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.problem import Hardware, Problem
from sbdopt.standing import Standing


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of all crossbar operators in the problem's order, and the graph of all operators.

    Every column has one entry a block. `operator` and `vector` are numbers: of the operator in
    `problem.operators`, and of the vector that it reads (equal numbers read the same values).
    """

    problem: Problem
    operator: IntArray
    index: IntArray
    """Place of the block within its operator."""
    vector: IntArray
    input: IntArray
    output: IntArray
    height: IntArray
    width: IntArray
    columns: IntArray
    """Physical columns: width x columns_per_weight."""
    first: IntArray
    """Blocks of operator o are first[o] .. first[o + 1] - 1 (length: operators + 1)."""
    predecessors: tuple[tuple[int, ...], ...]
    """For each operator the operators that it is directly after."""
    order: tuple[int, ...]
    """The operators in an order in which they can run; independent of dictionary order."""
    standing: Standing | None = None
    """Where blocks stand already, if what is on the arrays is to be kept."""

    @classmethod
    def of(cls, problem: Problem) -> Blocks:
        """The table of a problem."""
        operators = problem.operators
        tables = [operator.blocks for operator in operators]
        counts = [0 if table is None else len(table) for table in tables]
        vectors: dict[str | int, int] = {}
        vector = [
            vectors.setdefault(number if operator.input is None else operator.input, len(vectors))
            for number, operator in enumerate(operators)
        ]
        numbers = {operator.name: number for number, operator in enumerate(operators)}
        predecessors = tuple(
            tuple(sorted({numbers[name] for name in operator.after})) for operator in operators
        )
        sorter = TopologicalSorter(dict(enumerate(predecessors)))

        def column(name: str) -> IntArray:
            pieces = [getattr(table, name) for table in tables if table is not None]
            joined: IntArray = np.concatenate([np.zeros(0, dtype=np.int64), *pieces])
            joined.setflags(write=False)
            return joined

        width = column("width")
        return cls(
            problem=problem,
            operator=np.repeat(np.arange(len(operators)), counts),
            index=np.concatenate([np.zeros(0, dtype=np.int64), *map(np.arange, counts)]),
            vector=np.repeat(np.array(vector, dtype=np.int64), counts),
            input=column("input"),
            output=column("output"),
            height=column("height"),
            width=width,
            columns=width * problem.hardware.columns_per_weight,
            first=np.concatenate([[0], np.cumsum(np.array(counts, dtype=np.int64))]),
            predecessors=predecessors,
            order=tuple(sorter.static_order()),
        )

    def __len__(self) -> int:
        return len(self.operator)

    @property
    def hardware(self) -> Hardware:
        """The hardware that the blocks are to stand on."""
        return self.problem.hardware

    @property
    def cells(self) -> int:
        """Cells that hold a weight, in any placement."""
        return int((self.height * self.columns).sum())

    def name(self, block: int) -> str:
        """A block as messages name it: `'q.R'[5]`."""
        return f"{self.problem.operators[int(self.operator[block])].name!r}[{int(self.index[block])}]"
