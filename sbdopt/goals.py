"""Goals, and what is proven about how small they can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GOALS: Final = ("unused_cells", "makespan", "interval")
DEFAULT_GOALS: Final = ("unused_cells", "makespan")

Goals = tuple[str, ...]
"""Names of goals in order of importance: a later one counts only where the earlier ones are equal."""


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

    def holds_at(self, values: dict[str, int]) -> bool:
        """Whether it applies to solutions with these values of the goals."""
        return all(name in values and values[name] <= value for name, value in self.given)


def gap(value: int, bound: int | None) -> float | None:
    """By what share of the value its lower bound is smaller: 0 if it is proven, None without a bound."""
    if bound is None:
        return None
    return (value - bound) / value if value else 0.0
