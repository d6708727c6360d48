"""The trade-off of arrays and error of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sbdopt.plot.panels import INK, tidy
from sbdopt.plot.scene import PALETTE, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_designs(name: str, points: Sequence[tuple[int, int, float]]) -> Figure:
    """The error by arrays; a point each of (arrays, lower estimate of the arrays, error).

    Full points stand on as few arrays as their estimate, so that nothing beats them.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(
        [least for _, least, _ in points],
        [error for *_, error in points],
        color=INK,
        linewidth=1,
        linestyle=":",
        label="lower estimate, by cells",
    )
    for proven, face, label in ((True, PALETTE[0], "packed, optimal"), (False, "white", "packed")):
        some = [point for point in points if (point[0] <= point[1]) == proven]
        if some:
            arrays, _, errors = zip(*some, strict=True)
            axes.scatter(arrays, errors, s=36, facecolor=face, edgecolor=PALETTE[0], zorder=3, label=label)
    axes.set_xlabel("arrays", color=INK, fontsize=9)
    axes.set_ylabel("error, root mean square of the weights'", color=INK, fontsize=9)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_title(plain(name, 60), color=INK, fontsize=12, fontweight="bold", loc="left")
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    tidy(axes)
    return figure
