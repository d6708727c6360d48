"""Analog-to-digital converters: five published models, which do not agree."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from sbdopt.cost.ranges import Model, Setting


@dataclass(frozen=True)
class Conversion:
    """What one conversion takes, and how large the converter is."""

    ns: float
    pj: float
    um2: float | None
    """None where the source does not say."""


def _accelergy(setting: Setting) -> Conversion:
    bits, ln_rate = setting.adc_bits, log(setting.megasamples * 1e6)
    ln_node = log(setting.technology_nm)
    # Figure of merit (Schreier) in dB: limited by the rate, or by the resolution.
    merit = min(213.7806687 - 2.8719030 * ln_rate, 128.3068287 + 3.2205114 * bits)
    snr = 6.0206 * bits + 1.7609
    scale = exp(26.0496216 + 1.8800369 * ln_node - 2.8291256 * log(bits) - 1.4702022)
    pj = 0.5 * 10 ** ((snr - merit) / 10) * scale
    um2 = exp(1.3461916 + 0.9932795 * ln_node + 0.1807154 * ln_rate + 0.2991243 * log(pj))
    return Conversion(ns=1e3 / setting.megasamples, pj=pj, um2=um2)


_ZIGZAG_VOLTS = 0.9


def _zigzag(setting: Setting) -> Conversion:
    bits = setting.adc_bits
    return Conversion(
        ns=bits * (0.00653 * setting.rows + 0.640),
        pj=(100 * bits + 0.001 * 4**bits) * _ZIGZAG_VOLTS**2 / 1000,
        um2=10 ** (1.206 - 0.0369 * bits) * 2**bits,
    )


_NEUROSIM_UW = {
    # Node in nm: microwatts a bit, and microwatts at no bit (low-power devices).
    7: (0.1061, 0.8847),
    10: (0.1823, 1.5073),
    14: (0.3132, 2.5681),
    22: (0.538, 4.3753),
    32: (1.1294, 8.8998),
    45: (2.1691, 16.693),
    65: (3.7506, 25.844),
    90: (5.9869, 37.462),
    130: (8.4483, 65.243),
}


def _neurosim(setting: Setting) -> Conversion:
    """Power at the nearest node. The current of the column itself is the crossbar's, and not counted here."""
    node = min(_NEUROSIM_UW, key=lambda node: abs(log(node / setting.technology_nm)))
    each, least = _NEUROSIM_UW[node]
    ns = setting.adc_bits + 1.0
    return Conversion(ns=ns, pj=(each * setting.adc_bits + least) * ns / 1000, um2=None)


def _puma(setting: Setting) -> Conversion:
    ns, mw = 12.5 * setting.adc_bits, 0.225 * setting.adc_bits
    return Conversion(ns=ns, pj=ns * mw, um2=1200.0)


_MNSIM = {6: (1.26, 1.0, 580.0), 8: (2.0, 1.28, 1200.0)}
"""Bits: mW, GS/s, um2."""


def _mnsim(setting: Setting) -> Conversion:
    part = (setting.adc_bits - 6) / 2
    mw, rate, um2 = (low + part * (high - low) for low, high in zip(_MNSIM[6], _MNSIM[8], strict=True))
    return Conversion(ns=1 / rate, pj=mw / rate, um2=um2)


ADC_MODELS: dict[str, Model[Conversion]] = {
    model.name: model
    for model in (
        Model(
            "accelergy",
            "Andrulis et al., arXiv 2404.06553: the best of 215 converters of Murmann's survey",
            "as set",
            (("adc_bits", 4, 16), ("technology_nm", 7, 180), ("megasamples", 1e-3, 1e4)),
            _accelergy,
        ),
        Model(
            "zigzag",
            "ZigZag-IMC: Houshmand et al., DATE 2023; area and delay from three 28 nm macros; 0.9 V",
            "28 nm",
            (("adc_bits", 2, 12),),
            _zigzag,
        ),
        Model(
            "neurosim",
            "DNN+NeuroSim V1.4, successive approximation, low-power devices",
            "as set",
            (("adc_bits", 1, 10), ("technology_nm", 7, 130)),
            _neurosim,
        ),
        Model(
            "puma",
            "Ankit et al., ASPLOS 2019, and puma-simulator: 12.5 ns and 0.225 mW a bit; area of 8 bits",
            "32 nm",
            (("adc_bits", 1, 16),),
            _puma,
        ),
        Model(
            "mnsim",
            "MNSIM 2.0 with ISAAC's converters, of 6 and of 8 bits; 7 lies on the line between",
            "32 nm",
            (("adc_bits", 6, 8),),
            _mnsim,
        ),
    )
}
