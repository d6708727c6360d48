"""The unknowns of the CP-SAT model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ortools.sat.python.cp_model import BoolVarT, CpModel, Domain, IntVar, LinearExprT

from sbdopt.blocks import Blocks
from sbdopt.search.exact.relations import Relations


@dataclass(eq=False)
class Variables:
    """Where every block stands and what is read with what; literals of pairs are made on first use.

    Rows and columns are counted in the units of `relations`. Where a docstring says "only if", the literal
    implies what it says but may be false all the same: use it to allow something, never its negation.
    """

    relations: Relations
    model: CpModel = field(default_factory=CpModel)
    on: list[list[BoolVarT]] = field(init=False)
    """on[i][s]: block i stands on slot s."""
    row: list[IntVar] = field(init=False)
    column: list[IntVar] = field(init=False)
    used: list[BoolVarT] = field(init=False)
    """used[s]: slot s holds a block (or counts as if it did)."""
    together: dict[tuple[int, int], BoolVarT] = field(init=False)
    """together[i, j], i < j: the two are read in one step - if and only if."""
    _same: dict[tuple[int, int], BoolVarT] = field(default_factory=dict)
    _apart: dict[tuple[str, int, int], BoolVarT] = field(default_factory=dict)
    _clear: dict[tuple[str, int, int, int], list[BoolVarT]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        blocks, relations, model = self.blocks, self.relations, self.model
        self.height = [int(height) // relations.row_unit for height in blocks.height]
        self.width = [int(columns) // relations.column_unit for columns in blocks.columns]
        self.row = [
            model.new_int_var_from_domain(Domain.from_values(places), f"row{i}")
            for i, places in enumerate(relations.row_places)
        ]
        self.column = [
            model.new_int_var_from_domain(Domain.from_values(places), f"column{i}")
            for i, places in enumerate(relations.column_places)
        ]
        self.on = [
            [model.new_bool_var(f"on{i}.{s}") for s in range(len(relations.slots))]
            for i in range(len(blocks))
        ]
        self.used = [model.new_bool_var(f"used{s}") for s in range(len(relations.slots))]
        self.together = {(i, j): model.new_bool_var(f"together{i}.{j}") for i, j in relations.pairs}

    @property
    def blocks(self) -> Blocks:
        """The blocks that are placed."""
        return self.relations.blocks

    def read_together(self, i: int, j: int) -> BoolVarT | None:
        """The literal that i and j are read in one step, or None if they never are."""
        return self.together.get((min(i, j), max(i, j)))

    def same_slot(self, i: int, j: int) -> BoolVarT:
        """Whether i and j stand on the same slot - if and only if."""
        key = (min(i, j), max(i, j))
        if key not in self._same:
            literal = self.model.new_bool_var(f"same{key[0]}.{key[1]}")
            for one, two in zip(self.on[i], self.on[j], strict=True):
                self.model.add_bool_or(~one, ~two, literal)
                self.model.add_bool_or(~literal, ~one, two)
                self.model.add_bool_or(~literal, one, ~two)
            self._same[key] = literal
        return self._same[key]

    def rows_apart(self, i: int, j: int) -> list[BoolVarT]:
        """Two literals: i ends above j, j ends above i. Each only if it does."""
        return [self._before("above", i, j), self._before("above", j, i)]

    def columns_apart(self, i: int, j: int) -> list[BoolVarT]:
        """Two literals: i ends left of j, j ends left of i. Each only if it does."""
        return [self._before("left", i, j), self._before("left", j, i)]

    def _before(self, what: str, i: int, j: int) -> BoolVarT:
        if (what, i, j) not in self._apart:
            begin, size = (self.row, self.height) if what == "above" else (self.column, self.width)
            literal = self.model.new_bool_var(f"{what}{i}.{j}")
            self.model.add(begin[i] + size[i] <= begin[j]).only_enforce_if(literal)
            self._apart[what, i, j] = literal
        return self._apart[what, i, j]

    def rows_clear(self, i: int, slot: int, fault: int) -> list[BoolVarT]:
        """Two literals: block i ends above a fault of a slot, begins below it. Each only if it does."""
        row, _, height, _ = self.relations.slots[slot].faults[fault]
        unit = self.relations.row_unit
        return self._beside("rows", i, slot, fault, self.row[i], self.height[i], row // unit, height // unit)

    def columns_clear(self, i: int, slot: int, fault: int) -> list[BoolVarT]:
        """Two literals: block i ends left of a fault of a slot, begins right of it. Each only if it does."""
        _, column, _, width = self.relations.slots[slot].faults[fault]
        unit = self.relations.column_unit
        return self._beside(
            "columns", i, slot, fault, self.column[i], self.width[i], column // unit, width // unit
        )

    def _beside(
        self, what: str, i: int, slot: int, fault: int, begin: IntVar, size: int, low: int, length: int
    ) -> list[BoolVarT]:
        key = (what, i, slot, fault)
        if key not in self._clear:
            ends, begins = (self.model.new_bool_var(f"{what}{i}.{slot}.{fault}{end}") for end in "ab")
            self.model.add(begin + size <= low).only_enforce_if(ends)
            self.model.add(begin >= low + length).only_enforce_if(begins)
            self._clear[key] = [ends, begins]
        return self._clear[key]

    def both(self, name: str, literals: Sequence[BoolVarT]) -> BoolVarT:
        """A literal that must be true where all of these are."""
        literal = self.model.new_bool_var(name)
        self.model.add_bool_or(*(~other for other in literals), literal)
        return literal

    def at_least(self, name: str, most: int, terms: Sequence[LinearExprT]) -> IntVar:
        """An integer of 0 .. most that is not below any of the terms."""
        variable = self.model.new_int_var(0, most, name)
        for term in terms:
            self.model.add(variable >= term)
        return variable
