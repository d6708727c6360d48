"""The commands of all steps and operators, in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.program.addresses import Addresses
from sbdopt.program.document import Add, Barrier, Command, Digital, Drive, Read
from sbdopt.program.line import Line, runs
from sbdopt.program.steps import Step


class Stream:
    """Commands in order of time; what begins in the same cycle, in an order in which operators can run."""

    def __init__(
        self, blocks: Blocks, addresses: Addresses, steps: Sequence[Step], element: IntArray, piece: IntArray
    ) -> None:
        """`element` and `piece` say for each address of elements, and of slices, where it is kept."""
        self._blocks, self._addresses, self._steps = blocks, addresses, steps
        self._element, self._piece = element, piece
        self._written = np.zeros(len(piece), dtype=bool)
        self._begun: set[int] = set()

    def commands(self) -> Iterator[Command]:
        """The commands after those that write cells."""
        rank = {operator: place for place, operator in enumerate(self._blocks.order)}
        events: list[tuple[int, int, int, int, tuple[Step, int] | int]] = [
            (at, max(rank[operator] for operator in step.operators), step.kind, step.array, (step, phase))
            for step in self._steps
            for phase, at in enumerate(range(step.start, step.end, step.cycles))
        ]
        events += [(begin, rank[operator], 0, 0, operator) for operator, begin in self._digital_begins()]
        for at, *_, event in sorted(events, key=lambda event: event[:4]):
            yield from self._barriers(at, (event,) if isinstance(event, int) else event[0].operators)
            if isinstance(event, int):
                yield Digital(at=at, operator=event)
            else:
                yield from self._phase(at, *event)

    def _digital_begins(self) -> Iterator[tuple[int, int]]:
        """Each digital operator, and when it begins: as soon as those before it have finished."""
        finish = [0] * len(self._blocks.predecessors)
        crossbar: dict[int, int] = {}
        for step in self._steps:
            for operator in step.operators:
                crossbar[operator] = max(step.end, crossbar.get(operator, step.end))
        for operator in self._blocks.order:
            ready = max((finish[before] for before in self._blocks.predecessors[operator]), default=0)
            cycles = self._blocks.problem.operators[operator].cycles
            finish[operator] = crossbar.get(operator, ready + (cycles or 0))
            if cycles is not None:
                yield operator, ready

    def _barriers(self, at: int, operators: Sequence[int]) -> Iterator[Barrier]:
        """Before an operator's first command: wait for those that it is after."""
        for operator in operators:
            after = self._blocks.predecessors[operator]
            if operator not in self._begun and after:
                yield Barrier(at=at, operator=operator, after=list(after))
            self._begun.add(operator)

    def _phase(self, at: int, step: Step, phase: int) -> Iterator[Command]:
        """Drive the rows of a phase, and read. What is read first replaces, what is read later is added."""
        array, kind, now = step.array, step.kind or None, step.phase == phase
        rows = self._ranges(self._addresses.elements, step.row[now], self._element[step.element[now]])
        yield Drive(at=at, array=array, kind=kind, rows=rows)
        kept = self._piece[step.slice]
        fresh = np.zeros(len(kept), dtype=bool)
        fresh[np.unique(kept, return_index=True)[1]] = True  # two columns may yield the same slice
        fresh &= ~self._written[kept]
        self._written[kept] = True
        for op, of in ((Read, fresh), (Add, ~fresh)):
            if of.any():
                columns = self._ranges(self._addresses.slices, step.column[of], kept[of])
                yield op(at=at, array=array, kind=kind, columns=columns)

    @staticmethod
    def _ranges(line: Line, place: IntArray, address: IntArray) -> list[list[int]]:
        """[place, count, sequence, place in the sequence]."""
        found = runs(place, address)
        owner = line.owner(np.array([first for *_, first in found], dtype=np.int64)).tolist()
        return [
            [begin, count, own, first - int(line.first[own])]
            for (begin, count, first), own in zip(found, owner, strict=True)
        ]
