"""A placement with all that is needed to draw it, and the colours of its blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement
from sbdopt.search.schedule import Steps, make_steps

Colours = npt.NDArray[np.float64]
"""One colour a row: red, green, blue, opacity, from 0 to 1."""

PALETTE = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377",
    "#ee8866", "#44bb99", "#99ddff", "#bbcc33", "#997700", "#666699",
)  # fmt: skip
"""Colours of operators, if there are so few."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A placement with all that is needed to draw it."""

    blocks: Blocks
    placement: Placement
    steps: Steps
    ends: IntArray
    """Cycle in which each block's step ends."""
    digital: IntArray
    """Begin and end of each digital operator, a row each."""
    makespan: int
    site: IntArray
    """Number of each block's array, over all kinds; arrays are numbered in order, without gaps."""
    arrays: list[tuple[int, int]]
    """Kind and number of each array."""
    used: npt.NDArray[np.float64]
    """Share of each array's cells that hold a weight."""

    @classmethod
    def of(cls, blocks: Blocks, placement: Placement) -> Scene:
        """The scene of a legal placement."""
        place = np.stack([placement.kind, placement.array, placement.start], axis=1)
        group = np.unique(place, axis=0, return_inverse=True)[1].reshape(-1)
        steps = make_steps(blocks, placement.kind, placement.array, placement.column, group)
        ends = placement.start + steps.cycles[steps.of_block]
        finish = np.zeros(len(blocks.problem.operators), dtype=np.int64)
        np.maximum.at(finish, blocks.operator, ends)
        digital = []
        for number in blocks.order:
            cycles = blocks.problem.operators[number].cycles
            if cycles is not None:
                begin = max((int(finish[before]) for before in blocks.predecessors[number]), default=0)
                finish[number] = begin + cycles
                digital.append((begin, begin + cycles))
        arrays, site = np.unique(place[:, :2], axis=0, return_inverse=True)
        cells = np.array([kind.cells for kind in blocks.hardware.arrays])[arrays[:, 0]]
        filled = np.bincount(site.reshape(-1), weights=blocks.height * blocks.columns)
        return cls(
            blocks=blocks,
            placement=placement,
            steps=steps,
            ends=ends,
            digital=np.array(digital, dtype=np.int64).reshape(-1, 2),
            makespan=int(finish.max()),
            site=site.reshape(-1),
            arrays=[(kind, array) for kind, array in arrays.tolist()],
            used=filled / cells,
        )

    @property
    def summary(self) -> str:
        """How many arrays, how full they are, and how long it takes."""
        kinds = self.blocks.hardware.arrays
        cells = sum(kinds[kind].rows * kinds[kind].columns for kind, _ in self.arrays)
        share = f", {percent(self.blocks.cells / cells, 1)} of the cells used" if cells else ""
        many = f"{len(self.arrays):,} array{'' if len(self.arrays) == 1 else 's'}"
        return f"{many}{share}, {self.makespan:,} cycles"

    @property
    def tiles(self) -> list[str]:
        """A name for each tile: its kind, and the number of its array or arrays."""
        _, blocks = np.unique(self.steps.tile[self.steps.of_block], return_index=True)
        names = []
        for block in blocks.tolist():
            kind = self.blocks.hardware.arrays[self.placement.kind[block]]
            first = int(self.placement.array[block]) // kind.tiers * kind.tiers
            names.append(
                f"{plain(kind.name)} {first}" + (f"-{first + kind.tiers - 1}" if kind.tiers > 1 else "")
            )
        return names


def plain(name: str, longest: int = 24) -> str:
    """A name as it can stand in a picture: not too long, and never taken for a formula."""
    return (name if len(name) <= longest else f"{name[: longest - 3]}...").replace("$", r"\$")


def percent(share: float, digits: int = 0) -> str:
    """A share as a percentage, rounded down, so that only what is full is 100 %."""
    scale = 10.0**digits
    return f"{np.floor(share * 100 * scale + 1e-9) / scale:.{digits}f}%"


def colour_map() -> Any:
    """The scale from the first cycle to the last."""
    from matplotlib import colormaps

    return colormaps["viridis"]


def by_cycle(scene: Scene, first: int, last: int) -> Colours:
    """The colour of each block by the cycle it is read in, on a scale from `first` to `last`."""
    colours: Colours = colour_map()((scene.placement.start - first) / max(last - first, 1))
    return colours


def by_operator(blocks: Blocks, few: IntArray) -> Colours:
    """The colour of each block by its operator; only that of the operators `few` has a meaning."""
    from matplotlib.colors import to_rgba_array

    place = np.searchsorted(few, blocks.operator) % len(PALETTE)
    colours: Colours = to_rgba_array(PALETTE)[place]
    return colours
