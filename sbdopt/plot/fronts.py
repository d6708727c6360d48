"""The trade-offs of arrays and makespan as a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbdopt.front import Front
from sbdopt.plot.panels import INK, tidy
from sbdopt.plot.scene import PALETTE, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_front(front: Front) -> Figure:
    """The makespan by arrays: what was found as a stair, and below it what is proven to be out of reach.

    Full points are proven to be beaten by nothing, empty ones are the best that was found.
    """
    from matplotlib.figure import Figure

    points, colour = front.unbeaten, PALETTE[0]
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots()
    arrays = [point.arrays for point in points]
    right = max(arrays) + max(1, round(0.06 * (max(arrays) - min(arrays))))
    stair = [*(point.makespan for point in points), points[-1].makespan]
    axes.step([*arrays, right], stair, where="post", color=colour, linewidth=1.6, label="found")
    bounds = sorted(
        {(p.arrays, p.makespan_bound) for p in points} | {(p.limit, p.limit_bound) for p in front.points}
    )
    axes.fill_between(
        [min(arrays), *(one for one, _ in bounds), right],
        [bounds[0][1], *(bound for _, bound in bounds), bounds[-1][1]],
        step="pre",
        color=INK,
        alpha=0.12,
        linewidth=0,
        label="proven to be out of reach",
    )
    for proven, face, label in ((True, colour, "not beaten, proven"), (False, "white", "not beaten so far")):
        some = [point for point in points if point.proven == proven]
        where = [point.arrays for point in some], [point.makespan for point in some]
        if some:
            axes.scatter(*where, s=36, facecolor=face, edgecolor=colour, zorder=3, label=label)
    axes.set_xlabel("arrays", color=INK, fontsize=9)
    axes.set_ylabel("makespan, cycles", color=INK, fontsize=9)
    axes.set_ylim(bottom=0)
    axes.set_title(plain(front.problem, 60), color=INK, fontsize=12, fontweight="bold", loc="left")
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    tidy(axes)
    return figure
