"""The pictures of docs/paper.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from paper_mappings import ADCS, MAPPINGS, NAMES, energy_with_movement, holding, mapped, swept

from sbdopt.plot import save_figure
from sbdopt.plot.panels import INK, tidy
from sbdopt.plot.scene import PALETTE

Draw = Callable[[Axes], None]


def draw_pictures(folder: Path) -> None:
    """Write them all."""
    arrays = {one.name: [mapped(model, one).arrays for model in NAMES] for one in MAPPINGS}
    used = {one.name: [100 * mapped(model, one).utilization for model in NAMES] for one in MAPPINGS}
    names = [*NAMES.values()]
    _draw(folder / "paper-arrays.svg", [_bars(names, arrays, "arrays"), _bars(names, used, "utilization, %")])
    adcs = holding()
    bert = {
        one.name: [
            (energy_with_movement(mapped("bert-large", one), adc, one.bits) or 0) / 1e6 for adc in adcs
        ]
        for one in MAPPINGS
    }
    _draw(folder / "paper-energy.svg", [_bars(adcs, bert, "BERT-large, uJ a token", log=True)])
    _draw(folder / "paper-adcs.svg", map(_lines, adcs))


def _draw(path: Path, draw: Iterable[Draw]) -> None:
    drawings = [*draw]
    figure = Figure(figsize=(1.2 + 3.6 * len(drawings), 3.2), layout="constrained")
    for axes, one in zip(figure.subplots(1, len(drawings), squeeze=False)[0], drawings, strict=True):
        one(axes)
        axes.legend(frameon=False, fontsize=7, labelcolor=INK)
        tidy(axes)
    save_figure(figure, path)


def _bars(groups: list[str], series: dict[str, list[float]], label: str, log: bool = False) -> Draw:
    def draw(axes: Axes) -> None:
        for place, (name, values) in enumerate(series.items()):
            where = [group + 0.2 * place for group in range(len(groups))]
            axes.bar(where, values, 0.18, label=name, color=PALETTE[place])
        axes.set_xticks([group + 0.3 for group in range(len(groups))], groups, fontsize=8)
        axes.set_ylabel(label, color=INK, fontsize=9)
        if log:
            axes.set_yscale("log")

    return draw


def _lines(adc: str) -> Draw:
    def draw(axes: Axes) -> None:
        for place, one in enumerate(MAPPINGS):
            values = [(swept(one, adc, adcs) or 0) / 1e3 for adcs in ADCS]
            axes.plot(ADCS, values, marker="o", markersize=3, label=one.name, color=PALETTE[place])
        axes.set_xscale("log", base=2)
        axes.set_xticks(ADCS, [str(adcs) for adcs in ADCS])
        axes.set_yscale("log")
        axes.set_xlabel("ADCs an array", color=INK, fontsize=9)
        axes.set_ylabel(f"latency, us ({adc})", color=INK, fontsize=9)

    return draw
