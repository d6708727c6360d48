"""The parts of a picture: an array with its blocks, and a timeline of tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sbdopt.plot.scene import Colours, Scene, percent, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EMPTY, FAULTY, DIGITAL, INK = "#ececec", "#555555", "#9a9a9a", "#333333"
MOST_LANES, MOST_BARS = 24, 2000
"""Larger timelines are drawn as an image."""
MOST_SHAPES = 4000
"""So many blocks of an array become an image inside the picture, so that files stay small."""


def _rectangles(axes: Axes, left: Any, top: Any, width: Any, height: Any, colours: Any, **style: Any) -> None:
    """Add many rectangles at once; as an image inside the picture if they are very many."""
    from matplotlib.collections import PolyCollection

    right, bottom = left + width, top + height
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1).reshape(-1, 4, 2)
    shapes = PolyCollection(list(corners), facecolors=colours, **style)
    shapes.set_rasterized(len(corners) > MOST_SHAPES)
    axes.add_collection(shapes, autolim=False)


def draw_array(
    axes: Axes, scene: Scene, site: int, colours: Colours, inches: float, *, labelled: bool = False
) -> None:
    """One array, its blocks and its faults, on axes about `inches` wide."""
    blocks, placement = scene.blocks, scene.placement
    number, array = scene.arrays[site]
    kind = blocks.hardware.arrays[number]
    here = np.flatnonzero(scene.site == site)
    column, row, width, height = (
        values[here] for values in (placement.column, placement.row, blocks.columns, blocks.height)
    )
    across, down = inches / kind.columns, inches / kind.rows
    if 1 / 4 <= across / down <= 4:
        across = down = min(across, down)
        axes.set_aspect("equal")
    else:
        axes.set_box_aspect(1)
    thin = min(width.min() * across, height.min() * down)
    edge = 0.6 if thin > 0.1 else 0.15 if thin > 0.03 else 0.0
    axes.set(xlim=(0, kind.columns), ylim=(kind.rows, 0), facecolor=EMPTY)
    _rectangles(axes, column, row, width, height, colours[here], edgecolors="white", linewidths=edge)
    faults = np.array([fault for fault in kind.faults if fault[0] == array], dtype=np.int64).reshape(-1, 5)
    _, top, left, high, wide = faults.T
    _rectangles(axes, left, top, wide, high, FAULTY, edgecolors="white", hatch="xxxx", linewidths=0)
    if labelled and len(here) <= 100:
        for k, block in enumerate(here.tolist()):
            box = (column[k], row[k], width[k], height[k])
            operator, index = int(blocks.operator[block]), f"[{int(blocks.index[block])}]"
            names = plain(blocks.problem.operators[operator].name) + index, index
            _write_inside(axes, box, names, colours[block], across, down)
    axes.set_title(
        f"{plain(kind.name, int(inches / 0.07) - 10)} {array}: {percent(scene.used[site])}",
        color=INK,
        fontsize=8,
        pad=3,
    )
    axes.set_xticks([0, kind.columns] if inches > 2.5 else [])
    axes.set_yticks([0, kind.rows] if inches > 2.5 else [])
    tidy(axes)


def _write_inside(
    axes: Axes, box: tuple[float, ...], names: tuple[str, ...], colour: Any, across: float, down: float
) -> None:
    """Write the first of the names that fits into a box (left, top, width, height) of a colour.

    `across` and `down` are about how many inches a unit of the axes is.
    """
    left, top, width, height = box
    ink = INK if float(np.dot(colour[:3], (0.299, 0.587, 0.114))) > 0.6 else "white"
    for name in names:
        if len(name) * 0.062 < width * across and height * down > 0.14:
            at = left + width / 2, top + height / 2
            axes.text(*at, name, ha="center", va="center", fontsize=7, color=ink)
            return


def tidy(axes: Axes) -> None:
    """Small ticks, no frame."""
    axes.tick_params(labelsize=7, length=2, colors=INK)
    axes.spines[:].set_visible(False)


def draw_timeline(axes: Axes, scene: Scene, colours: Colours, inches: float) -> None:
    """Tiles from top to bottom, cycles from left to right, and the digital operators below.

    The axes are about `inches` high.
    """
    names, last = scene.tiles, max(scene.makespan, 1)
    tiles = len(names)
    begin, end = scene.digital.T
    lane = max(1.0, tiles / 14) if len(begin) else 0.0
    # A few lanes do not fill the height: they would be thick as bricks.
    margin = max(0.0, inches / 0.5 - tiles - lane) / 2
    high = inches / (tiles + lane + 2 * margin)
    labelled = np.arange(tiles)
    if tiles <= MOST_LANES and len(scene.steps.cycles) <= MOST_BARS:
        _draw_bars(axes, scene, colours, high)
    else:
        image = _busy_image(scene, colours, last, rows=min(tiles, 500), columns=min(last, 1200))
        axes.imshow(image, extent=(0, last, tiles, 0), aspect="auto", interpolation="nearest")
        labelled = np.linspace(0, tiles - 1, min(tiles, 7)).round().astype(np.int64)
    ticks = {number + 0.5: names[number] for number in labelled.tolist()}
    if len(begin):
        top = np.full(len(begin), tiles + 0.2 * lane)
        _rectangles(axes, begin, top, end - begin, 0.6 * lane, DIGITAL, edgecolors="white", linewidths=0.2)
        ticks[tiles + lane / 2] = "digital"
    axes.set(xlim=(0, last), ylim=(tiles + lane + margin, -margin))
    axes.set_yticks([*ticks], [*ticks.values()])
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("cycle", color=INK, fontsize=9)
    axes.grid(axis="x", color=EMPTY, linewidth=0.6)
    axes.set_axisbelow(True)
    tidy(axes)


def _draw_bars(axes: Axes, scene: Scene, colours: Colours, inches: float) -> None:
    """A bar for each step on its tile's lane, `inches` high, divided among the operators of the step."""
    blocks, steps = scene.blocks, scene.steps
    parts = np.stack([steps.of_block, blocks.operator], axis=1)
    pairs, first = np.unique(parts, axis=0, return_index=True)
    step = pairs[:, 0]
    height = 0.8 / np.bincount(step)[step]
    top = steps.tile[step] + 0.1 + (np.arange(len(step)) - np.searchsorted(step, step)) * height
    begin, width = scene.placement.start[first], scene.ends[first] - scene.placement.start[first]
    across = 6 / max(scene.makespan, 1)
    edges = np.where(width * across > 0.1, 0.5, 0.1)
    _rectangles(axes, begin, top, width, height, colours[first], edgecolors="white", linewidths=edges)
    for k, block in enumerate(first.tolist()):
        box = (begin[k], top[k], width[k], height[k])
        name = plain(blocks.problem.operators[int(blocks.operator[block])].name)
        _write_inside(axes, box, (name,), colours[block], across, inches)


def _busy_image(scene: Scene, colours: Colours, last: int, *, rows: int, columns: int) -> Colours:
    """The timeline up to cycle `last` as an image: rows x columns x 3.

    Each pixel is the mean colour of what is read in a few cycles on a few tiles, where idle tiles are white.
    """
    steps, tiles = scene.steps, int(scene.steps.tile.max()) + 1
    begin = np.zeros(len(steps.cycles), dtype=np.int64)
    begin[steps.of_block] = scene.placement.start
    darkness = np.zeros((len(steps.cycles), 3))
    darkness[steps.of_block] = 1 - colours[:, :3]
    row = steps.tile * rows // tiles
    cycles = last / columns
    part = np.zeros((rows, columns + 1, 3))
    full = np.zeros((rows, columns + 2, 3))
    for time, change in ((begin, darkness), (begin + steps.cycles, -darkness)):
        # From `time` on the tile is darker or lighter: in a part of one bin, in all of those that follow.
        pixel = (time / cycles).astype(np.int64)
        np.add.at(part, (row, pixel), change * (pixel + 1 - time / cycles)[:, None])
        np.add.at(full, (row, pixel + 1), change)
    dark = (part + np.cumsum(full, axis=1)[:, :-1])[:, :-1]
    image: Colours = 1 - dark / np.bincount(np.arange(tiles) * rows // tiles)[:, None, None]
    return image.clip(0, 1)
