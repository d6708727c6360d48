"""Models of components: a function each, with its source and the range in which it holds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from sbdopt.errors import InputError

Result = TypeVar("Result")

MOST_BITS = 16
"""More bits has no converter of any source."""


class OutOfRangeError(InputError):
    """A model is asked for something outside the range in which it holds."""


@dataclass(frozen=True)
class Setting:
    """What models depend on."""

    technology_nm: float
    rows: int
    """Of an array."""
    columns: int
    adc_bits: int
    megasamples: float
    """Conversions of one converter, in millions a second, where the model does not say how fast it is."""
    dac_bits: int
    """Of an input slice."""

    def __post_init__(self) -> None:
        if not 1 <= self.adc_bits <= MOST_BITS:
            raise InputError(f"an ADC of {self.adc_bits} bits: it must have 1 to {MOST_BITS}")


@dataclass(frozen=True)
class Model(Generic[Result]):
    """A component's figures as a function of the setting."""

    name: str
    source: str
    node: str
    """Technology of its figures; they are not scaled to another."""
    ranges: tuple[tuple[str, float, float], ...]
    """Names of parts of the setting, and the least and largest value of each for which it holds."""
    function: Callable[[Setting], Result]

    def __call__(self, setting: Setting, extrapolate: Collection[str] = ()) -> Result:
        """The figures. Raises OutOfRangeError outside the range, unless `extrapolate` names the model."""
        if self.name not in extrapolate:
            for part, least, largest in self.ranges:
                value = getattr(setting, part)
                if not least <= value <= largest:
                    span = f"{least:g}" if least == largest else f"{least:g} to {largest:g}"
                    raise OutOfRangeError(
                        f"model {self.name!r} holds for {part} {span}, but it is {value:g}; take another "
                        f"model, or --extrapolate {self.name}"
                    )
        return self.function(setting)


def find_model(models: dict[str, Model[Result]], name: str, what: str) -> Model[Result]:
    """The model of that name; raises InputError with the known ones."""
    if name not in models:
        raise InputError(f"{name!r} is not a model of {what}; the known ones are {', '.join(models)}")
    return models[name]
