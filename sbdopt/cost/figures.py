"""The figures of a mapping, each broken down by part."""

from __future__ import annotations

from dataclasses import dataclass

from sbdopt.cost.adc import Conversion

PARTS = ("adc", "drivers", "crossbar", "digital", "movement")
"""What every figure is broken down by."""


@dataclass(frozen=True)
class Cost:
    """What a placement costs. A token is one pass through all operators."""

    preset: str
    adc_model: str | None
    """None where conversions are part of the crossbar's read."""
    adc_bits: int | None
    latency_ns: float
    """From the first step to the last result, nothing spent on movement between arrays."""
    latency_parts: dict[str, float]
    """Of the steps and digital operators on a critical path; they add up to the latency."""
    latency_with_movement_ns: float
    interval_ns: float
    """Between tokens, when tokens are pipelined: the busiest tile."""
    interval_parts: dict[str, float]
    energy_pj: float
    """Of one token, the movement included."""
    energy_parts: dict[str, float]
    area_mm2: float | None
    """Of all arrays that hold a block, and their tiles; None where a model gives no area."""
    area_parts: dict[str, float | None]
    bits_in: float
    """Moved into arrays, for one token."""
    bits_out: float
    bit_hops: float
    """Bits times the tiles of the mesh that they pass."""

    @property
    def power_mw(self) -> float:
        """Energy over interval: in steady state, with as many tokens as the arrays can take."""
        return self.energy_pj / self.interval_ns if self.interval_ns else 0.0

    @property
    def tokens_per_second(self) -> float | None:
        """In steady state; None if no array is used."""
        return 1e9 / self.interval_ns if self.interval_ns else None


@dataclass(frozen=True)
class Rival:
    """The cost under one ADC model; `refusal` says why there is none."""

    model: str
    node: str
    """Technology of its figures."""
    cost: Cost | None
    conversion: Conversion | None
    """On the first kind of array that is used."""
    refusal: str = ""

    @property
    def largest(self) -> str:
        """The part that takes most of the energy, movement between arrays aside; empty without a cost."""
        if self.cost is None:
            return ""
        return max(PARTS[:4], key=self.cost.energy_parts.__getitem__)
