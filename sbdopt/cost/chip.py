"""The models of a preset, evaluated for the arrays that are used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sbdopt.cost.adc import ADC_MODELS, Conversion
from sbdopt.cost.components import (
    CROSSBAR_MODELS,
    DIGITAL_MODELS,
    DRIVER_MODELS,
    NETWORK_MODELS,
    Crossbar,
    Digital,
    Driver,
    Network,
)
from sbdopt.cost.preset import Preset
from sbdopt.cost.ranges import Setting, find_model
from sbdopt.errors import InputError
from sbdopt.problem import Hardware


@dataclass(frozen=True)
class Chip:
    """Figures of a preset on the hardware of a problem; dictionaries by the number of the kind of array."""

    preset: Preset
    hardware: Hardware
    kinds: Sequence[int]
    """The kinds of array that are used."""
    extrapolate: Collection[str]
    drivers: dict[int, Driver]
    crossbars: dict[int, Crossbar]
    digital: Digital
    network: Network

    @classmethod
    def of(
        cls, preset: Preset, hardware: Hardware, kinds: Sequence[int], extrapolate: Collection[str]
    ) -> Chip:
        """Evaluate all models but the ADC's. Raises OutOfRangeError for one outside its range."""
        settings = {kind: make_setting(preset, hardware, kind) for kind in kinds}
        driver, crossbar = DRIVER_MODELS[preset.driver], CROSSBAR_MODELS[preset.crossbar]
        anywhere = make_setting(preset, hardware, 0)
        return cls(
            preset=preset,
            hardware=hardware,
            kinds=kinds,
            extrapolate=extrapolate,
            drivers={kind: driver(setting, extrapolate) for kind, setting in settings.items()},
            crossbars={kind: crossbar(setting, extrapolate) for kind, setting in settings.items()},
            digital=DIGITAL_MODELS[preset.digital](anywhere, extrapolate),
            network=NETWORK_MODELS[preset.network](anywhere, extrapolate),
        )

    def conversions(self, adc: str | None, bits: int | None) -> dict[int, Conversion]:
        """A conversion by the ADC model and bits that are named, or else by the preset's.

        Raises OutOfRangeError, and InputError for an unknown model or where the preset has no ADC of its own.
        """
        if self.preset.adc is None:
            if adc is not None or bits is not None:
                raise InputError(
                    f"preset {self.preset.name!r} counts conversions in the crossbar's read and has no ADC "
                    "model or bits to set; take another preset"
                )
            return dict.fromkeys(self.kinds, Conversion(0.0, 0.0, 0.0))
        model = find_model(ADC_MODELS, adc or self.preset.adc.model, "ADCs")
        return {
            kind: model(make_setting(self.preset, self.hardware, kind, bits), self.extrapolate)
            for kind in self.kinds
        }


def make_setting(preset: Preset, hardware: Hardware, kind: int, bits: int | None = None) -> Setting:
    """What models depend on, for arrays of a kind; raises InputError for bits that no ADC has."""
    adc, array = preset.adc, hardware.arrays[kind]
    return Setting(
        technology_nm=preset.technology_nm,
        rows=array.rows,
        columns=array.columns,
        adc_bits=bits if bits is not None else 1 if adc is None else adc.bits,
        megasamples=1.0 if adc is None else adc.megasamples,
        dac_bits=preset.dac_bits,
    )
