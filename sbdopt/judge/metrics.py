"""What a legal solution uses: arrays, cells, cycles, conversions, drives."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.judge.steps import Steps, finishes
from sbdopt.solution import Metrics


@dataclass(frozen=True)
class Measures:
    """All metrics of the format, and how many blocks and cells that hold a weight there are."""

    arrays: int
    """Arrays that hold at least one block."""
    blocks: int
    cells: int
    """Cells that hold a weight."""
    unused_cells: int
    """All other cells of the arrays that hold a block, faulty ones too."""
    utilization: float
    """Part of the cells of these arrays that hold a weight; 1 if there is no array."""
    makespan: int
    """Cycle in which the last operator finishes."""
    interval: int
    """Largest sum of step durations on one tile, in cycles."""
    steps: int
    conversions: int
    drives: int

    def to_document(self) -> Metrics:
        """The metrics that a solution document has room for."""
        return Metrics(
            **{name: value for name, value in asdict(self).items() if name in Metrics.model_fields}
        )


def measure(blocks: Blocks, steps: Steps) -> Measures:
    """The metrics of a legal placement. Sums are taken over Python's integers where 64 bits may not do."""
    kinds = blocks.hardware.arrays
    fresh = np.ones(len(steps), dtype=bool)
    fresh[1:] = (np.diff(steps.kind) != 0) | (np.diff(steps.array) != 0)
    arrays = np.bincount(steps.kind[fresh], minlength=len(kinds)).tolist()
    cells = sum((blocks.height * blocks.columns).tolist())
    all_cells = sum(count * kind.cells for count, kind in zip(arrays, kinds, strict=True))
    busy = np.zeros(len(steps), dtype=np.int64)
    np.add.at(busy, steps.tile, steps.duration)
    slices = blocks.hardware.input_slices
    return Measures(
        arrays=sum(arrays),
        blocks=len(blocks),
        cells=cells,
        unused_cells=all_cells - cells,
        utilization=cells / all_cells if all_cells else 1.0,
        makespan=max(finishes(blocks, steps)),
        interval=int(busy.max(initial=0)),
        steps=len(steps),
        conversions=slices * sum((steps.phases * steps.columns).tolist()),
        drives=slices * sum(steps.rows.tolist()),
    )
