"""How many bits weights, cells, inputs and converters have, and how cells deviate."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sbdopt.documents import FileDocument

Bits = Annotated[int, Field(ge=2, le=16)]
Share = Annotated[float, Field(ge=0, le=1, strict=False)]
Deviation = Annotated[float, Field(ge=0, strict=False)]


class Precision(FileDocument):
    """What is finite about the hardware; what is left out is ideal, and the default is ideal in all.

    A weight w of an operator is held as the whole number w / u, rounded, where u is the operator's largest
    weight / (2**(weight_bits - 1) - 1), or 1 if all weights are whole numbers that fit; likewise the elements
    of a vector. `encoding` says what cells hold, leading slices of `cell_bits` first: 'offset' the number
    + 2**(weight_bits - 1), which is taken off digitally again; 'differential' its magnitude, on one of two
    adjacent columns a slice, of which the second counts negative. Inputs are driven in two's complement,
    leading slices of `dac_bits` first; the first slice carries the sign.
    """

    weight_bits: Bits | None = Field(None, description="Bits of a weight, with its sign; null: no rounding.")
    cell_bits: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Bits of a cell; null: a whole weight (differential: magnitude)."
    )
    encoding: Literal["offset", "differential"] = "offset"
    input_bits: Bits | None = Field(None, description="Bits of an input, with its sign; null: no rounding.")
    dac_bits: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Bits driven at a time; null: a whole input."
    )
    adc_bits: Annotated[int, Field(ge=1, le=32)] | None = Field(
        None, description="Bits of a converter; null: every sum is read as it is."
    )
    adc_range: Annotated[float, Field(gt=0, le=1, strict=False)] = Field(
        1.0, description="Share of the largest possible sum of a step up to which converters read."
    )
    device: Literal["gaussian", "pcm"] = Field(
        "gaussian",
        description="gaussian: noise is a share of the largest level; pcm: a factor on what was measured.",
    )
    programming_noise: Deviation = 0.0
    read_noise: Deviation = 0.0
    drift_seconds: Deviation | None = Field(None, description="Time since programming; pcm only.")
    stuck_off: Share = Field(0.0, description="Share of cells that never conduct.")
    stuck_on: Share = Field(0.0, description="Share of cells that always conduct as much as a cell can.")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(0, description="Of noise and stuck cells.")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        for part, whole in (("cell_bits", "weight_bits"), ("dac_bits", "input_bits")):
            bits, most = getattr(self, part), getattr(self, whole)
            if bits is not None and most is None:
                raise ValueError(f"{part} is {bits}, but {whole} is missing; give both")
            if bits is not None and bits > most:
                raise ValueError(f"{part} is {bits}, but {whole} only {most}; it must be at most {most}")
        if self.adc_bits is not None and (self.weight_bits is None or self.input_bits is None):
            raise ValueError(
                "adc_bits needs weight_bits and input_bits, from which the range of sums follows"
            )
        if self.adc_range < 1 and self.adc_bits is None:
            raise ValueError(f"adc_range is {self.adc_range:g}, but adc_bits is missing; give both")
        if self.disturbed and self.weight_bits is None:
            raise ValueError("noise and stuck cells need weight_bits: levels of cells follow from them")
        if self.drift_seconds is not None and self.device != "pcm":
            raise ValueError(f"drift_seconds needs device 'pcm', but device is {self.device!r}")
        if self.stuck_off + self.stuck_on > 1:
            raise ValueError(
                f"stuck_off and stuck_on add up to {self.stuck_off + self.stuck_on:g}; "
                "they must be at most 1 together"
            )
        return self

    @property
    def disturbed(self) -> bool:
        """Whether cells differ from what they should hold."""
        noisy = self.programming_noise > 0 or self.read_noise > 0 or self.drift_seconds is not None
        return noisy or self.stuck

    @property
    def stuck(self) -> bool:
        """Whether cells are stuck."""
        return self.stuck_off + self.stuck_on > 0
