"""Presets: which models a chip is made of, as JSON documents beside this file or of one's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sbdopt.cost.adc import ADC_MODELS
from sbdopt.cost.components import CROSSBAR_MODELS, DIGITAL_MODELS, DRIVER_MODELS, NETWORK_MODELS
from sbdopt.cost.ranges import MOST_BITS, find_model
from sbdopt.documents import Document, parse, read_json
from sbdopt.errors import InputError

_FOLDER = Path(str(files("sbdopt.cost") / "presets"))
PRESETS = tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))
"""Names of the presets that are part of the package."""


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"is {value!r}; it should be a number")
    return value


Number = Annotated[float, BeforeValidator(_number), Field(ge=0, strict=False)]
Above = Annotated[float, BeforeValidator(_number), Field(gt=0, strict=False)]
Bits = Annotated[int, Field(ge=1, le=MOST_BITS)]


class Adc(Document):
    """Which converters the arrays have."""

    model: str
    bits: Bits
    megasamples: Above = Field(100.0, description="Millions of conversions a second, where the model asks.")


class Timing(Document):
    """How long a step takes, but for its conversions, in ns.

    A step makes reads, one for each input slice and phase. A read has a front, `driver_ns` + `crossbar_ns`,
    and a back, conversions, one group of columns after another, and `output_ns`. If `pipelined`, the front
    of a read runs beside the back of the one before.
    """

    driver_ns: Number
    crossbar_ns: Number = Field(description="Settling, with sample and hold.")
    output_ns: Number = Field(description="Shift-and-add and output after the last conversion.")
    step_ns: Number = Field(0.0, description="Once a step: instruction, loading of inputs.")
    pipelined: bool = False


class Preset(Document):
    """The models of a chip; see docs/cost.md."""

    format: Literal["sbdopt/preset@1"] = "sbdopt/preset@1"
    name: Annotated[str, Field(min_length=1)]
    about: str
    technology_nm: Above
    adc: Adc | None = Field(None, description="None: conversions are counted in the crossbar's read.")
    driver: str
    crossbar: str
    digital: str
    network: str
    dac_bits: Bits = Field(description="Bits of one input slice.")
    output_bits: Annotated[int, Field(ge=1, le=64)] = Field(description="Of an output that is moved.")
    arrays_per_mesh_tile: Annotated[int, Field(ge=1)]
    timing: Timing

    @model_validator(mode="after")
    def _models_are_known(self) -> Self:
        try:
            if self.adc is not None:
                find_model(ADC_MODELS, self.adc.model, "ADCs")
            find_model(DRIVER_MODELS, self.driver, "row drivers")
            find_model(CROSSBAR_MODELS, self.crossbar, "crossbars")
            find_model(DIGITAL_MODELS, self.digital, "digital units")
            find_model(NETWORK_MODELS, self.network, "networks")
        except InputError as error:
            raise ValueError(str(error)) from None
        return self


def load_preset(name: str) -> Preset:
    """The preset of that name, or that of a JSON file. Raises InputError for what is neither or not valid."""
    path = _FOLDER / f"{name}.json" if name in PRESETS else Path(name)
    if name not in PRESETS and path.suffix != ".json":
        raise InputError(
            f"{name!r} is not a preset; the known ones are {', '.join(PRESETS)}, or name a .json file"
        )
    return parse(Preset, read_json(path)[0], str(path) if name not in PRESETS else name)
