"""Whole pictures, and how they are written to files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray, write_atomically
from sbdopt.errors import InputError
from sbdopt.placement import Placement
from sbdopt.plot.panels import INK, draw_array, draw_timeline, tidy
from sbdopt.plot.scene import PALETTE, Scene, by_cycle, by_operator, colour_map, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_solution(blocks: Blocks, placement: Placement, *, arrays: int = 16) -> Figure:
    """The arrays of a legal placement, filled, and its timeline: which tile is read in which cycles.

    At most `arrays` arrays are shown, spread evenly over all; each says its number and how full it is. Blocks
    have the colour of their operator if there are few operators, else that of the cycle they are read in.
    """
    from matplotlib.figure import Figure

    scene = Scene.of(blocks, placement)
    operators = np.unique(blocks.operator)
    few = len(operators) <= len(PALETTE)
    colours = by_operator(blocks, operators) if few else by_cycle(scene, 0, scene.makespan)
    shown = np.linspace(0, len(scene.arrays) - 1, min(arrays, len(scene.arrays))).round().astype(np.int64)
    figure = Figure(layout="constrained")
    figure.suptitle(
        f"{plain(blocks.problem.name)}: {scene.summary}", color=INK, fontsize=12, fontweight="bold"
    )
    above, below, across, high = _parts(figure, len(shown), len(scene.tiles))
    if len(shown):
        places = above.subplots(-(-len(shown) // across), across, squeeze=False).ravel()
        for place, site in zip(places, shown.tolist(), strict=False):
            draw_array(place, scene, site, colours, (4.4 if len(shown) <= 4 else 11) / across, labelled=few)
        for place in places[len(shown) :]:
            place.set_axis_off()
    if len(shown) < len(scene.arrays):
        above.suptitle(f"{len(shown)} of the {len(scene.arrays):,} arrays", color=INK, fontsize=9)
    timeline = below.subplots()
    draw_timeline(timeline, scene, colours, high)
    if not few:
        timeline.set_xlabel("cycle, and colour of what is read in it", color=INK, fontsize=9)
    elif len(operators) > 1:
        _add_legend(below, blocks, operators)
    return figure


def _parts(figure: Figure, arrays: int, tiles: int) -> tuple[Any, Any, int, float]:
    """Divide a figure; few arrays stand left of the timeline, many above it.

    Returns the part for the arrays and that for the timeline, how many arrays stand side by side, and about
    how many inches high the axes of the timeline are.
    """
    high = min(1.4 + 0.26 * tiles, 5.2)
    if arrays <= 4:
        high = max(4.4, high)
        figure.set_size_inches(11, high)
        left, right = figure.subfigures(1, 2, width_ratios=[4, 7], squeeze=False).ravel()
        return left, right, 2 if arrays > 1 else 1, high - 1
    down = -(-arrays // 8)
    across = -(-arrays // down)
    sizes = [down * (min(11 / across, 2.2) + 0.3), high]
    figure.set_size_inches(11, sum(sizes) + 0.5)
    above, below = figure.subfigures(2, 1, height_ratios=sizes, squeeze=False).ravel()
    return above, below, across, high - 1


def draw_comparison(blocks: Blocks, placements: Mapping[str, Placement], *, block: int = 0) -> Figure:
    """One array of each of several legal placements, side by side: the one that holds `block`.

    Blocks have the colour of their operator if these are few, else that of the cycle they are read in.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    scenes = {name: Scene.of(blocks, placement) for name, placement in placements.items()}
    shown = [np.flatnonzero(scene.site == scene.site[block]) for scene in scenes.values()]
    starts = [scene.placement.start[here] for here, scene in zip(shown, scenes.values(), strict=True)]
    first, last = int(np.concatenate(starts).min()), int(np.concatenate(starts).max())
    operators = np.unique(blocks.operator[np.concatenate(shown)])
    few = len(operators) <= len(PALETTE)
    figure = Figure(
        figsize=(3.9 * len(scenes) + (0.2 if few else 1), 5.0 if few else 4.4), layout="constrained"
    )
    axes = figure.subplots(1, len(scenes), squeeze=False).ravel()
    for place, (name, scene) in zip(axes, scenes.items(), strict=True):
        colours = by_operator(blocks, operators) if few else by_cycle(scene, first, last)
        draw_array(place, scene, int(scene.site[block]), colours, 3.6)
        place.set_title(plain(name), color=INK, fontsize=12, fontweight="bold", pad=8)
        place.set_xlabel(scene.summary, color=INK, fontsize=9)
    if few:
        _add_legend(figure, blocks, operators)
    else:
        bar = figure.colorbar(
            ScalarMappable(Normalize(first, last), colour_map()), ax=axes, aspect=26, shrink=0.8
        )
        bar.set_label("read in cycle", color=INK, fontsize=9)
        tidy(bar.ax)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure to a file, atomically; the suffix says whether as PNG or SVG.

    The same figure always gives the same bytes. Raises InputError for any other suffix.
    """
    from matplotlib import rc_context

    form = check_suffix(path)
    content = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    with rc_context({"svg.hashsalt": "sbdopt"}):
        figure.savefig(content, format=form, dpi=160, metadata=metadata)
    write_atomically(path, content.getvalue())


def check_suffix(path: Path) -> str:
    """The form in which a picture is written to `path`, `png` or `svg`; InputError for any other suffix."""
    form = path.suffix.lower().removeprefix(".")
    if form not in ("png", "svg"):
        raise InputError(
            f"{path}: pictures are written as .png or .svg, not as {path.suffix or 'no suffix'!r}"
        )
    return form


def _add_legend(figure: Any, blocks: Blocks, operators: IntArray) -> None:
    from matplotlib.patches import Patch

    names = [plain(blocks.problem.operators[number].name) for number in operators.tolist()]
    handles = [Patch(facecolor=colour) for colour in PALETTE[: len(names)]]
    columns = max(1, min(len(names), 6, 120 // (max(map(len, names)) + 6)))
    style = {"frameon": False, "fontsize": 8, "labelcolor": INK, "ncols": columns}
    figure.legend(handles, names, loc="outside lower center", **style)
