"""Row drivers, crossbars, digital units and networks: published figures of one event and one piece."""

from __future__ import annotations

from dataclasses import dataclass

from sbdopt.cost.ranges import Model, Setting


@dataclass(frozen=True)
class Driver:
    """A row driver (DAC)."""

    pj: float
    """One row, one input slice."""
    um2: float


@dataclass(frozen=True)
class Crossbar:
    """An array of cells."""

    pj_per_cell: float
    """A cell on a driven row and a read column, one input slice."""
    pj_per_read: float
    """One read of an array, however much of it is read."""
    um2_per_cell: float | None
    """None where the source does not say."""


@dataclass(frozen=True)
class Digital:
    """What adds up slices and partial sums, and computes digital operators."""

    pj_per_shift_add: float
    """For each conversion."""
    pj_per_addition: float
    """Of two partial sums of one output."""
    operator_mw: float
    """While a digital operator runs."""
    um2_per_adc: float
    um2_per_mesh_tile: float


@dataclass(frozen=True)
class Network:
    """What moves values between arrays; tiles stand on a mesh."""

    pj_per_bit: float
    """Into an array, or out of it: buffer and bus of its tile."""
    pj_per_bit_hop: float
    """From a tile to the next."""
    ns_per_hop: float
    bits_per_ns: float | None
    """Into a tile, or out of it; None: as many as wanted."""
    um2_per_mesh_tile: float


_ISAAC = "Shafiee et al., ISCA 2016 (ISAAC), table 6"
_PUMA = "Ankit et al., ASPLOS 2019, and puma-simulator"
_IBM = "IBM 3D-CiM LLM simulator: Buechel et al., Nature Computational Science 2025"
_SMALL = (("rows", 1, 128), ("columns", 1, 128))


def _isaac_driver(_: Setting) -> Driver:
    # 8 x 128 drivers take 4 mW over a read of 100 ns, and 0.00017 mm2.
    return Driver(pj=4.0 * 100 / 1024, um2=170 / 1024)


def _zigzag_driver(setting: Setting) -> Driver:
    # 50 fF a bit if there is more than one, and a word line of 0.35 fF a cell; 0.9 V; areas are neglected.
    converter = 0.05 * setting.dac_bits if setting.dac_bits > 1 else 0.0
    return Driver(pj=(converter + 0.35e-3 * setting.columns) * 0.9**2, um2=0.0)


def _no_driver(_: Setting) -> Driver:
    return Driver(0.0, 0.0)


DRIVER_MODELS: dict[str, Model[Driver]] = {
    model.name: model
    for model in (
        Model("isaac-driver", _ISAAC, "32 nm", (("dac_bits", 1, 1), *_SMALL), _isaac_driver),
        Model(
            "zigzag-driver",
            "ZigZag-IMC: Houshmand et al., DATE 2023",
            "28 nm",
            (("dac_bits", 1, 8), ("columns", 1, 1024)),
            _zigzag_driver,
        ),
        Model("none", "counted in the crossbar's read", "-", (), _no_driver),
    )
}


def _isaac_crossbar(_: Setting) -> Crossbar:
    # 8 arrays of 128 x 128 cells take 2.4 mW over a read of 100 ns, and 0.0002 mm2.
    cells = 8 * 128 * 128
    return Crossbar(pj_per_cell=2.4 * 100 / cells, pj_per_read=0.0, um2_per_cell=200 / cells)


def _puma_crossbar(_: Setting) -> Crossbar:
    # 0.3 mW for 128 x 128 cells, and as much for each cell of the other sizes; a read takes 100 ns.
    return Crossbar(pj_per_cell=0.3 * 100 / 128**2, pj_per_read=0.0, um2_per_cell=25 / 128**2)


def _zigzag_crossbar(_: Setting) -> Crossbar:
    # A cell charges 0.35 fF of its bit line to 0.9 V; a 6T cell of 0.127 um2 (28 nm).
    return Crossbar(pj_per_cell=0.35e-3 * 0.9**2, pj_per_read=0.0, um2_per_cell=0.127)


def _pcm_crossbar(_: Setting) -> Crossbar:
    # V^2 G t with 0.2 V, 5 uS and 100 ns: 0.02 pJ. All three, and the area, are assumed.
    return Crossbar(pj_per_cell=0.2**2 * 5e-6 * 100e3, pj_per_read=0.0, um2_per_cell=0.25)


def _ibm_3d_crossbar(_: Setting) -> Crossbar:
    return Crossbar(pj_per_cell=0.0, pj_per_read=10_000.0, um2_per_cell=None)


def _ibm_64_crossbar(_: Setting) -> Crossbar:
    return Crossbar(pj_per_cell=0.0, pj_per_read=13_400.0, um2_per_cell=None)


CROSSBAR_MODELS: dict[str, Model[Crossbar]] = {
    model.name: model
    for model in (
        Model("isaac-crossbar", _ISAAC, "32 nm", _SMALL, _isaac_crossbar),
        Model("puma-crossbar", _PUMA, "32 nm", (("rows", 32, 256), ("columns", 32, 256)), _puma_crossbar),
        Model(
            "zigzag-crossbar",
            "ZigZag-IMC: Houshmand et al., DATE 2023; cell of Wu et al., IEDM 2009",
            "28 nm",
            (("rows", 1, 1024), ("columns", 1, 1024)),
            _zigzag_crossbar,
        ),
        Model(
            "pcm-crossbar",
            "assumed: 0.2 V, 5 uS, 100 ns and 0.25 um2 a cell; the arrays of HERMES (256 x 256) are so large",
            "14 nm",
            (("rows", 1, 512), ("columns", 1, 512)),
            _pcm_crossbar,
        ),
        Model("ibm-3d-crossbar", _IBM, "-", (("rows", 1, 512), ("columns", 1, 512)), _ibm_3d_crossbar),
        Model(
            "ibm-64-crossbar",
            "Le Gallo et al., Nature Electronics 2023: from its TOPS and TOPS/W, converters included",
            "14 nm",
            (("rows", 1, 256), ("columns", 1, 256)),
            _ibm_64_crossbar,
        ),
    )
}


def _isaac_digital(_: Setting) -> Digital:
    # 4 shift-and-adds of 0.2 mW and 240 um2 serve 8 converters of 1.28 GS/s; a tile has one of 0.05 mW at
    # 1.2 GHz for partial sums, and two sigmoid units of 0.52 mW and 600 um2.
    return Digital(0.2 / (8 * 1.28), 0.05 / 1.2, 0.52, 240 / 8, 600.0 + 60.0)


def _puma_digital(_: Setting) -> Digital:
    # Shift-and-add 0.05 mW, addition 0.373 mW x 32/45, unit 2.4 mW x 32/45, all at 1 GHz.
    return Digital(0.05, 0.373 * 32 / 45, 2.4 * 32 / 45, 60.0, 5670.0 * 32 / 45)


DIGITAL_MODELS: dict[str, Model[Digital]] = {
    model.name: model
    for model in (
        Model("isaac-digital", _ISAAC, "32 nm", (), _isaac_digital),
        Model("puma-digital", _PUMA, "32 nm", (), _puma_digital),
    )
}


def _isaac_network(_: Setting) -> Network:
    # Router: 42 mW and 0.151 mm2 for four tiles, links of 32 bits at 1 GHz: 20.7 pJ for 256 bits. Buffer
    # (eDRAM) 20.5 pJ for 256 bits, bus 0.054 pJ a bit, as Accelergy's library derives them. A hop of 1 ns is
    # assumed.
    return Network(20.45 / 256 + 0.054, 20.74 / 256, 1.0, 32.0, 151_000 / 4 + 83_000 + 90_000)


def _ibm_network(_: Setting) -> Network:
    # 10 ns and 10 fJ a bit for a communication, here for every hop.
    return Network(0.0, 0.01, 10.0, None, 0.0)


NETWORK_MODELS: dict[str, Model[Network]] = {
    model.name: model
    for model in (
        Model("isaac-network", _ISAAC, "32 nm", (), _isaac_network),
        Model("ibm-network", _IBM, "-", (), _ibm_network),
    )
}
