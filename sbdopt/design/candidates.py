"""What each weight may be made of, and what each of these costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sbdopt.checkpoints import Model
from sbdopt.errors import InputError
from sbdopt.monarch import Pattern, errors_by_rank
from sbdopt.problem import Hardware
from sbdopt.projection import Choice, Moments, factors_of
from sbdopt.timing import step_cycles


@dataclass(frozen=True)
class Candidate:
    """A choice for a weight, and what it costs."""

    choice: Choice
    """With its error, |x W - x M| / |x W|."""
    cells: int
    """Cells of arrays."""
    cycles: int
    """Cycles if each block stands on an array of its own: of the slowest block of R and then of L."""

    @property
    def error(self) -> float:
        """The relative error."""
        return self.choice.error or 0.0


Candidates = Mapping[str, Sequence[Candidate]]
"""By the name of the weight."""


def candidates_of(
    model: Model,
    hardware: Hardware,
    *,
    sides: Sequence[int] = (8, 16, 32, 64),
    ranks: Sequence[int] = (1, 2, 4, 8),
    moments: Moments | None = None,
    told: Callable[[str], None] = lambda name: None,
) -> Candidates:
    """For every weight: dense, and c + c blocks of each rank, c of `sides`, that fit it and are smaller.

    Those with more cells and no less error than another are left out. `told` hears the name of each weight.
    InputError: a weight or a moment cannot be used.
    """
    result = {}
    for name, weight in model.weights.items():
        whole, moment = weight.read(), None if moments is None else moments(name)
        choices = [Choice(shape=list(weight.shape), error=0.0)]
        for side in sides:
            fitting = [rank for rank in ranks if _is_smaller(weight.shape, side, rank)]
            if not fitting:
                continue
            errors = errors_by_rank(whole, Pattern(side, side), fitting, moment)
            choices += [
                Choice(shape=list(weight.shape), blocks=[side, side], rank=rank, error=error)
                for rank, error in zip(fitting, errors, strict=True)
            ]
        result[name] = _unbeaten([costed(choice, hardware) for choice in choices])
        told(name)
    return result


def costed(choice: Choice, hardware: Hardware) -> Candidate:
    """A choice with what it costs on the kind of array with the most cells."""
    kind = hardware.largest
    cycles = 0
    for _, blocks in factors_of(choice, hardware).values():
        columns = blocks.width * hardware.columns_per_weight
        cycles += int(step_cycles(hardware, kind.adcs, columns, blocks.height).max())
    return Candidate(choice, choice.cells * hardware.columns_per_weight, cycles)


def _is_smaller(shape: tuple[int, int], side: int, rank: int) -> bool:
    """Whether the pattern fits a weight, and takes fewer cells than it."""
    try:
        return Pattern(side, side, rank).cells(*shape) < shape[0] * shape[1]
    except InputError:
        return False


def _unbeaten(candidates: Sequence[Candidate]) -> list[Candidate]:
    """By cells; each has a smaller error than all that have no more cells."""
    result: list[Candidate] = []
    for one in sorted(candidates, key=lambda one: (one.cells, one.error)):
        if not result or one.error < result[-1].error:
            result.append(one)
    return result
