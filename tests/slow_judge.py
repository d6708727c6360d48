"""The format's rules and metrics once more, cell by cell and cycle by cycle, straight from the documents.

It shares nothing with sbdopt.judge and is far too slow for anything but small problems.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import product

from sbdopt.problem import Operator, Problem
from sbdopt.solution import Solution

RULES = (
    "inside",
    "disjoint",
    "row agreement",
    "column agreement",
    "isolation",
    "periphery",
    "precedence",
)
"""All but `complete`, which `stands` answers."""

Array = tuple[int, int]
Cell = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Stand:
    """One block in its place."""

    operator: Operator
    index: int
    kind: int
    array: int
    row: int
    column: int
    start: int

    @property
    def place(self) -> Array:
        return self.kind, self.array

    def rows(self) -> dict[int, tuple[str, int]]:
        """Each row, and the element of which vector it needs."""
        blocks = self.operator.blocks
        vector = self.operator.input or f"{self.operator.name} has a vector of its own"
        first = int(blocks.input[self.index])
        return {self.row + i: (vector, first + i) for i in range(int(blocks.height[self.index]))}

    def columns(self, slices: int) -> dict[int, tuple[str, int, int]]:
        """Each column, and the slice of which output it yields."""
        blocks = self.operator.blocks
        first = int(blocks.output[self.index])
        wanted = product(range(int(blocks.width[self.index])), range(slices))
        return {self.column + j * slices + part: (self.operator.name, first + j, part) for j, part in wanted}

    def cells(self, slices: int) -> set[Cell]:
        return set(product(self.rows(), self.columns(slices)))


def stands(problem: Problem, solution: Solution) -> list[Stand] | None:
    """All blocks in their places, or None if not exactly all have one."""
    crossbar = {operator.name: operator for operator in problem.operators if operator.blocks is not None}
    if set(crossbar) != set(solution.operators):
        return None
    result = []
    for name, operator in crossbar.items():
        entry = solution.operators[name]
        if len(entry) != len(operator.blocks):
            return None
        for k in range(len(entry)):
            kind = 0 if entry.kind is None else int(entry.kind[k])
            numbers = (entry.array[k], entry.row[k], entry.column[k], entry.start[k])
            result.append(Stand(operator, k, kind, *map(int, numbers)))
    return result


class SlowJudge:
    """Everything that can be said of some blocks in their places; not all blocks need to be there."""

    def __init__(self, problem: Problem, placed: list[Stand]) -> None:
        self.problem, self.placed, self.hardware = problem, placed, problem.hardware
        self.slices = self.hardware.columns_per_weight
        self.steps: dict[tuple[int, int, int], list[Stand]] = defaultdict(list)
        for stand in placed:
            self.steps[(*stand.place, stand.start)].append(stand)
        self.faulty: dict[Array, set[Cell]] = defaultdict(set)
        for number, kind in enumerate(self.hardware.arrays):
            for array, row, column, height, width in kind.faults:
                cells = product(range(row, row + height), range(column, column + width))
                self.faulty[number, array].update(cells)

    def first_broken(self, rules: tuple[str, ...] = RULES) -> str | None:
        return next((rule for rule in rules if not self.keeps(rule)), None)

    def all_broken(self) -> tuple[str, ...]:
        return tuple(rule for rule in RULES if not self.keeps(rule))

    def keeps(self, rule: str) -> bool:
        kept: bool = getattr(self, rule.replace(" ", "_"))()
        return kept

    def inside(self) -> bool:
        for stand in self.placed:
            if stand.kind not in range(len(self.hardware.arrays)):
                return False
            kind = self.hardware.arrays[stand.kind]
            if stand.array < 0 or (kind.count is not None and stand.array >= kind.count):
                return False
            if any(r not in range(kind.rows) or c not in range(kind.columns) for r, c in self.cells(stand)):
                return False
        return True

    def cells(self, stand: Stand) -> set[Cell]:
        return stand.cells(self.slices)

    def disjoint(self) -> bool:
        used: dict[Array, set[Cell]] = defaultdict(set)
        for stand in self.placed:
            cells = self.cells(stand)
            if cells & (used[stand.place] | self.faulty[stand.place]):
                return False
            used[stand.place] |= cells
        return True

    def row_agreement(self) -> bool:
        return all(_agree([stand.rows() for stand in step]) for step in self.steps.values())

    def column_agreement(self) -> bool:
        return all(_agree([stand.columns(self.slices) for stand in step]) for step in self.steps.values())

    def isolation(self) -> bool:
        for (kind, array, _), step in self.steps.items():
            crossings = set(product(self.driven(step), self.read(step)))
            if crossings & self.faulty[kind, array]:
                return False
            others = [one for one in self.placed if one.place == (kind, array) and one not in step]
            if any(crossings & self.cells(other) for other in others):
                return False
        return True

    def driven(self, step: list[Stand]) -> set[int]:
        return set().union(*(stand.rows() for stand in step))

    def read(self, step: list[Stand]) -> set[int]:
        return set().union(*(stand.columns(self.slices) for stand in step))

    def phases(self, step: list[Stand]) -> int:
        limit = self.hardware.rows_per_phase
        return 1 if limit is None else (self.height(step) + limit - 1) // limit

    def height(self, step: list[Stand]) -> int:
        cells = set().union(*(self.cells(stand) for stand in step))
        return max(Counter(column for _, column in cells).values())

    def duration(self, step: list[Stand]) -> int:
        hardware, summed = self.hardware, self.height(step)
        if hardware.rows_per_phase is not None:
            summed = min(summed, hardware.rows_per_phase)
        bits = 1
        while 2**bits < summed:
            bits += 1
        adcs = hardware.arrays[step[0].kind].adcs
        turns = (len(self.read(step)) + adcs - 1) // adcs
        conversion = hardware.conversion_cycles + hardware.conversion_cycles_per_bit * bits
        return hardware.input_slices * self.phases(step) * (hardware.settle_cycles + turns * conversion)

    def tile(self, stand: Stand) -> tuple[int, int]:
        return stand.kind, stand.array // self.hardware.arrays[stand.kind].tiers

    def periphery(self) -> bool:
        busy = set()
        for (_, _, start), step in self.steps.items():
            for cycle in range(start, start + self.duration(step)):
                if (self.tile(step[0]), cycle) in busy:
                    return False
                busy.add((self.tile(step[0]), cycle))
        return True

    def finish(self, name: str) -> int:
        """When an operator has finished, going by the blocks that are placed."""
        operator = next(one for one in self.problem.operators if one.name == name)
        ends = [
            start + self.duration(step)
            for (_, _, start), step in self.steps.items()
            if any(stand.operator.name == name for stand in step)
        ]
        return max(ends) if ends else self.ready(operator) + (operator.cycles or 0)

    def ready(self, operator: Operator) -> int:
        return max([0, *map(self.finish, operator.after)])

    def precedence(self) -> bool:
        return all(stand.start >= self.ready(stand.operator) for stand in self.placed)

    def metrics(self) -> dict[str, float]:
        arrays = {stand.place for stand in self.placed}
        kinds = [self.hardware.arrays[kind] for kind, _ in arrays]
        cells = sum(len(self.cells(stand)) for stand in self.placed)
        room = sum(kind.rows * kind.columns for kind in kinds)
        busy: Counter[tuple[int, int]] = Counter()
        for step in self.steps.values():
            busy[self.tile(step[0])] += self.duration(step)
        steps, slices = self.steps.values(), self.hardware.input_slices
        return {
            "arrays": len(arrays),
            "blocks": len(self.placed),
            "cells": cells,
            "unused_cells": room - cells,
            "utilization": cells / room if room else 1.0,
            "makespan": max(self.finish(operator.name) for operator in self.problem.operators),
            "interval": max(busy.values(), default=0),
            "steps": len(steps),
            "conversions": sum(slices * self.phases(step) * len(self.read(step)) for step in steps),
            "drives": sum(slices * len(self.driven(step)) for step in steps),
        }


def _agree(lines: list[dict[int, tuple[str, ...]]]) -> bool:
    """Whether whatever share a row or column want the same of it."""
    meaning: dict[int, tuple[str, ...]] = {}
    return all(meaning.setdefault(line, wanted) == wanted for one in lines for line, wanted in one.items())
