"""Goals, and what is proven about how small they can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, overload

GOALS: Final = ("unused_cells", "arrays", "makespan", "interval")
"""What can be a goal or be limited; metrics of the format, all."""
MOVED: Final = "moved_cells"
"""A goal where an earlier solution is kept: cells that must be written. No metric of the format."""
DEFAULT_GOALS: Final = ("unused_cells", "makespan")


@dataclass(frozen=True)
class Goals(Sequence[str]):
    """Names of goals in order of importance: a later one counts only where the earlier ones are equal.

    Only solutions within the limits count: those with no more than `limits[name]` of each name in it.
    """

    order: tuple[str, ...] = DEFAULT_GOALS
    limits: Mapping[str, int] = field(default_factory=dict)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        return self.order[place]

    def __len__(self) -> int:
        return len(self.order)

    @property
    def cells_first(self) -> bool:
        """Whether few cells or few arrays come before everything else."""
        return self[0] in ("unused_cells", "arrays")

    def allow(self, values: Mapping[str, int]) -> bool:
        """Whether a solution with these values is within the limits."""
        return all(values[name] <= most for name, most in self.limits.items())

    def given(self, reached: Mapping[str, int]) -> dict[str, int]:
        """The limits, made as small as what is reached of other goals."""
        result = dict(self.limits)
        for name, value in reached.items():
            result[name] = min(value, result.get(name, value))
        return result


@dataclass(frozen=True)
class Bound:
    """No legal solution has less than `value` of `goal` - among those that reach `given`.

    `given` names other goals with a value each; the bound holds for all solutions that have no more than
    that of each. Empty: for all solutions.
    """

    goal: str
    value: int
    reason: str
    given: tuple[tuple[str, int], ...] = ()

    def holds_at(self, values: Mapping[str, int]) -> bool:
        """Whether it applies to solutions with these values of the goals."""
        return all(name in values and values[name] <= value for name, value in self.given)


def gap(value: int | None, bound: int | None) -> float | None:
    """By what share of the value its lower bound is smaller: 0 if it is proven, None without either."""
    if value is None or bound is None:
        return None
    return (value - bound) / value if value else 0.0
