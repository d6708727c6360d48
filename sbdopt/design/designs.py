"""The best choice within arrays or within an error, and the trade-off of the two.

Arrays are counted twice. Cells / cells of an array, rounded up, is a lower estimate that holds for any
placement; CP-SAT chooses by it. Then the blocks of the choice are packed. Where both agree, as they do if
blocks tile arrays (sizes that divide the array's), the choice is optimal over all candidates; where packing
needs more, the choice is good, and the estimate says how much better another may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sbdopt.design.choose import Chooser, Picked
from sbdopt.problem import Hardware, Operator, Problem
from sbdopt.projection import Plan, factors_of
from sbdopt.search.budget import Budget
from sbdopt.solve import solve

Pack = Callable[[Plan], int]
"""Arrays on which the blocks of a plan stand."""

_ATTEMPTS = 8
"""Times that cells are lowered until a choice packs."""


@dataclass(frozen=True)
class Design:
    """A plan, what it costs, and what no other plan of these candidates can beat."""

    plan: Plan
    error: float
    """The total error, as `Chooser` counts it."""
    error_bound: float
    """No choice within as many arrays as were allowed has less."""
    arrays: int
    """On which its blocks stand."""
    arrays_bound: int
    """By cells: its own, or, where the fewest were asked for, those of any choice with no more error."""
    cycles: int
    """Sum over the weights, each block on an array of its own."""

    @property
    def optimal(self) -> bool:
        """Whether nothing is left between the choice and its bounds."""
        return self.error <= self.error_bound and self.arrays <= self.arrays_bound


def design_for_arrays(
    chooser: Chooser, name: str, hardware: Hardware, arrays: int, pack: Pack
) -> Design | None:
    """The least error on at most `arrays` arrays; None if no choice was found that stands on them.

    If the best choice by cells does not pack into them, cells are lowered by what is too much, and again.
    """
    size = hardware.largest.cells
    cells = min(arrays * size, chooser.most_cells)
    best = None
    for _ in range(_ATTEMPTS):
        picked = chooser.least_error(cells)
        if picked is None:
            return None
        best = picked if best is None else best
        design = _design(name, picked, best.error_bound, size, pack)
        if design.arrays <= arrays:
            return design
        cells = picked.cells - (design.arrays - arrays) * size
    return None


def design_for_error(
    chooser: Chooser, name: str, hardware: Hardware, error: float, pack: Pack
) -> Design | None:
    """The fewest arrays with at most that error; None if no choice has so little."""
    picked = chooser.fewest_cells(error)
    if picked is None:
        return None
    return _design(name, picked, picked.error_bound, hardware.largest.cells, pack)


def design_front(
    chooser: Chooser, name: str, hardware: Hardware, pack: Pack, *, points: int = 10
) -> Iterator[Design]:
    """Least errors for `points` numbers of cells, from the smallest choice to the largest by equal ratios."""
    size = hardware.largest.cells
    least, most = chooser.least_cells, chooser.most_cells
    seen = set()
    for point in range(points):
        share = point / max(1, points - 1)
        cells = most if share == 1 else max(least, round(least ** (1 - share) * most**share))
        picked = chooser.least_error(cells)
        if picked is None:
            continue
        design = _design(name, picked, picked.error_bound, size, pack)
        if design.error not in seen:
            seen.add(design.error)
            yield design


def _design(name: str, picked: Picked, bound: float, size: int, pack: Pack) -> Design:
    plan = Plan(model=name, weights={weight: one.choice for weight, one in picked.candidates.items()})
    arrays, least = pack(plan), -(-(picked.cells_bound or picked.cells) // size)
    error = picked.error
    summary = {"error": error, "error_bound": bound, "arrays": arrays, "arrays_bound": least}
    return Design(
        plan=plan.model_copy(update={"design": summary}),
        error=error,
        error_bound=bound,
        arrays=arrays,
        arrays_bound=least,
        cycles=sum(one.cycles for one in picked.candidates.values()),
    )


def pack(hardware: Hardware, budget: Callable[[], Budget]) -> Pack:
    """Packs the blocks of a plan as `sbdopt solve --goal arrays --method pack` does, within a budget."""

    def packed(plan: Plan) -> int:
        operators = [
            Operator(name=name + suffix, shape=shape, blocks=blocks)
            for name, choice in plan.weights.items()
            for suffix, (shape, blocks) in factors_of(choice, hardware).items()
        ]
        problem = Problem(name=plan.model, hardware=hardware, operators=operators)
        metrics = solve(problem, goals=("arrays",), method="pack", budget=budget()).metrics
        return (
            sum(len(operator.blocks or ()) for operator in operators)
            if metrics is None
            else metrics.arrays or 0
        )

    return packed
