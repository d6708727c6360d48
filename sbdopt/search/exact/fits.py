"""Whether some blocks and steps can stand on one array; an answer is remembered by sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from ortools.sat.python.cp_model import (
    FEASIBLE,
    INFEASIBLE,
    OPTIMAL,
    BoolVarT,
    CpModel,
    CpSolver,
    Domain,
    IntVar,
)

from sbdopt.search.budget import Budget
from sbdopt.search.exact.answers import Answers, Steps
from sbdopt.search.exact.crossings import least_empty
from sbdopt.search.exact.runner import Halt
from sbdopt.search.exact.scales import Scales, Size

Places = list[tuple[int, int]]
"""Row and column, in units: of the free blocks, then of the members of the steps, in the order asked for."""

_Question = tuple[tuple[Size, ...], Steps]

PATIENCE = 10.0
"""Units of work, about seconds, that CP-SAT may take for one question, and as many for each of two scans."""
_TURNS = (0.05, 0.25, 1.25, 6.25)
"""Units of work of each of the first scans."""
_CP_SAT = 0.1
"""Part of that for CP-SAT, which goes first: mostly scans answer sooner."""
_BRANCHES = 2_000_000
"""Branches of a scan that count as a unit of work."""


@dataclass(eq=False)
class Fits:
    """Answers for arrays of one kind without faults: blocks that share neither rows nor columns in a step."""

    scales: Scales
    answers: Answers
    budget: Budget
    seed: int
    halt: Halt
    _known: dict[_Question, Places | bool] = field(default_factory=dict)
    _undecided: dict[_Question, float] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether no more questions are answered."""
        return self.halt.halted or self.budget.used_up

    def places(
        self, free: tuple[Size, ...], steps: Steps, patience: float = PATIENCE
    ) -> Places | bool | None:
        """Places of free blocks (read alone) and of steps; False if there are none; None if not decided.

        The less `patience` (see `PATIENCE`) the likelier is None; with none CP-SAT is not asked. All sizes
        are sorted, in the steps as well, so that equal questions are the same. True is never returned. The
        rules of one array in the format: disjoint; members of a step share no row and no column; and where
        rows of a step meet its columns no other block stands.
        """
        key = (free, steps)
        if key not in self._known:
            if self._undecided.get(key, -1) >= patience:
                return None
            answer = self._find(free, steps, patience)
            if answer is None:
                self._undecided[key] = patience
                return None
            self._known[key] = answer
        return self._known[key]

    def _find(self, free: tuple[Size, ...], steps: Steps, patience: float) -> Places | bool | None:
        if self._overfull(free, steps) or self.scales.exclude(free, steps):
            return False
        if self.answers.impossible(free, steps):
            return False
        sizes = [*free, *(size for step in steps for size in step)]
        of_step = [-1] * len(free) + [number for number, step in enumerate(steps) for _ in step]
        if not sizes:
            return []
        answer: Places | bool | None = None
        if self._needs_too_many_lines(sizes, of_step):
            answer = False
        elif patience > 0:
            answer = self._search(sizes, of_step, patience)
        if answer is False:
            self.answers.add_impossible(free, steps)
        return answer

    def _needs_too_many_lines(self, sizes: Sequence[Size], of_step: Sequence[int]) -> bool:
        if self.budget.is_short:
            return False
        from sbdopt.search.exact.bars import (  # loads Numba
            can_count_lines,
            need_too_many_lines,
            seconds_to_count_lines,
        )

        if self.budget.remaining < seconds_to_count_lines() or not can_count_lines(len(sizes)):
            return False
        return need_too_many_lines(sizes, of_step, (self.scales.rows, self.scales.columns))

    def _search(self, sizes: Sequence[Size], of_step: Sequence[int], patience: float) -> Places | bool | None:
        """CP-SAT and scans in turn, each for longer every time: some questions only one answers soon."""
        answer: Places | bool | None = None
        turns = [(_CP_SAT * units, units) for units in _TURNS if units < patience]
        for units_of_cp_sat, units in (*turns, (patience, patience)):
            answer = self._prove(sizes, of_step, units_of_cp_sat)
            for axis in (0, 1):
                if answer is None and not self.ended:
                    answer = self._scan(sizes, of_step, axis, units)
            if answer is not None or self.ended:
                break
        return answer

    def _scan(
        self, sizes: Sequence[Size], of_step: Sequence[int], axis: int, units: float
    ) -> Places | bool | None:
        """The answer of a scan of columns and then rows, or the other way round."""
        if self.budget.is_short:
            return None
        from sbdopt.search.exact.scanning import can_scan, scan, seconds_to_scan  # loads Numba

        room = (self.scales.rows, self.scales.columns)
        if self.budget.remaining < seconds_to_scan() or not can_scan(len(sizes), room):
            return None
        turned = [(size[axis], size[1 - axis]) for size in sizes]
        left = self.budget.remaining_work
        units = min(units, self.budget.remaining, units if left is None else left)
        answer, branches = scan(
            turned,
            of_step,
            _normal_places([size[0] for size in turned], room[axis]),
            _normal_places([size[1] for size in turned], room[1 - axis]),
            (room[axis], room[1 - axis]),
            int(units * _BRANCHES),
            self.halt.flag,
        )
        self.budget.spent += branches / _BRANCHES
        return [(place[axis], place[1 - axis]) for place in answer] if isinstance(answer, list) else answer

    def _overfull(self, free: tuple[Size, ...], steps: Steps) -> bool:
        """Whether blocks and cells that must be empty for the steps are more than the array has."""
        filled = sum(height * width for height, width in (*free, *(size for step in steps for size in step)))
        return filled + least_empty(steps)[0] > self.scales.rows * self.scales.columns

    def _prove(self, sizes: Sequence[Size], of_step: Sequence[int], patience: float) -> Places | bool | None:
        packing = _Packing(self.scales, sizes, of_step)
        solver = CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self.seed
        solver.parameters.symmetry_level = 0
        solver.parameters.linearization_level = 0
        solver.parameters.cp_model_presolve = False
        left = self.budget.remaining_work
        solver.parameters.max_deterministic_time = patience if left is None else min(patience, left)
        solver.parameters.max_time_in_seconds = min(self.budget.remaining, 1e6)
        status = self.halt.solve(solver, packing.model)
        if not self.halt.halted:
            self.budget.spent += solver.response_proto.deterministic_time
        if status == INFEASIBLE:
            return False
        if status not in (FEASIBLE, OPTIMAL):
            return None
        return [
            (solver.value(row), solver.value(column))
            for row, column in zip(packing.row, packing.column, strict=True)
        ]


class _Packing:
    """The question as a CP-SAT model.

    A block that is not in a step is apart from all its members in rows, or from all of them in columns: one
    literal for a block and a step says which. Crossings are rectangles like others to the blocks.
    """

    def __init__(self, scales: Scales, sizes: Sequence[Size], of_step: Sequence[int]) -> None:
        self.model = model = CpModel()
        self.sizes, self.of_step = sizes, of_step
        self._before: dict[tuple[int, int, int], BoolVarT] = {}
        room = (scales.rows, scales.columns)
        self.row, self.column = (
            [
                model.new_int_var_from_domain(Domain.from_values(places), "")
                for places in _normal_places([size[axis] for size in sizes], room[axis])
            ]
            for axis in (0, 1)
        )
        self._keep_apart()
        self._pack(room)
        self._break_symmetries(room)

    def _apart(self, axis: int, one: int, two: int) -> list[BoolVarT]:
        return [self._ends_before(axis, one, two), self._ends_before(axis, two, one)]

    def _ends_before(self, axis: int, one: int, two: int) -> BoolVarT:
        if (axis, one, two) not in self._before:
            begin: list[IntVar] = (self.row, self.column)[axis]
            literal = self.model.new_bool_var("")
            self.model.add(begin[one] + self.sizes[one][axis] <= begin[two]).only_enforce_if(literal)
            self._before[axis, one, two] = literal
        return self._before[axis, one, two]

    def _keep_apart(self) -> None:
        model, of_step = self.model, self.of_step
        for one, two in combinations(range(len(self.sizes)), 2):
            rows, columns = self._apart(0, one, two), self._apart(1, one, two)
            if of_step[one] == of_step[two] >= 0:
                model.add_bool_or(rows)
                model.add_bool_or(columns)
            else:
                model.add_bool_or(*rows, *columns)
        for step in range(max(of_step, default=-1) + 1):
            for other in range(len(self.sizes)):
                if of_step[other] != step:
                    by_rows = model.new_bool_var("")
                    for member in self._members(step):
                        model.add_bool_or(~by_rows, *self._apart(0, member, other))
                        model.add_bool_or(by_rows, *self._apart(1, member, other))

    def _members(self, step: int) -> list[int]:
        return [i for i, number in enumerate(self.of_step) if number == step]

    def _pack(self, room: tuple[int, int]) -> None:
        """Blocks and the crossings of one step fit side by side along each axis (redundant, but strong)."""
        model = self.model
        down = [
            model.new_fixed_size_interval_var(row, size[0], "")
            for row, size in zip(self.row, self.sizes, strict=True)
        ]
        across = [
            model.new_fixed_size_interval_var(column, size[1], "")
            for column, size in zip(self.column, self.sizes, strict=True)
        ]
        for step in range(max(1, max(self.of_step, default=-1) + 1)):
            members = self._members(step)
            rectangles = [(i, i) for i in range(len(self.sizes))]
            rectangles += [(i, j) for i in members for j in members if i != j]
            rows, columns = [down[i] for i, _ in rectangles], [across[j] for _, j in rectangles]
            model.add_cumulative(rows, [self.sizes[j][1] for _, j in rectangles], room[1])
            model.add_cumulative(columns, [self.sizes[i][0] for i, _ in rectangles], room[0])

    def _break_symmetries(self, room: tuple[int, int]) -> None:
        """Blocks that are alike are ordered; the largest stands in the upper half, and if single left."""
        kinds = list(zip(self.sizes, self.of_step, strict=True))
        for one, two in pairwise(range(len(kinds))):
            if kinds[one] == kinds[two]:
                key = [self.row[i] * (room[1] + 1) + self.column[i] for i in (one, two)]
                self.model.add(key[0] < key[1])
        largest = max(range(len(kinds)), key=lambda i: self.sizes[i][0] * self.sizes[i][1])
        self.model.add(2 * self.row[largest] <= room[0] - self.sizes[largest][0])
        if kinds.count(kinds[largest]) == 1:
            self.model.add(2 * self.column[largest] <= room[1] - self.sizes[largest][1])


def _normal_places(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Where each of some lengths may begin: at sums of others; all can be pushed there (normal patterns)."""
    result = []
    for number, size in enumerate(sizes):
        sums = {0}
        for other, length in enumerate(sizes):
            if other != number:
                sums |= {begin + length for begin in sums}
                sums = {begin for begin in sums if begin <= room - size}
        result.append(sorted(sums))
    return result
