"""What stands in the arrays, and which of it a step may come across."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.judge.steps import Steps, numbered
from sbdopt.placement import Placement
from sbdopt.rectangles import overlapping_intervals


@dataclass(frozen=True, eq=False)
class Things:
    """A rectangle each: all blocks, in their order, and then all faults."""

    site: IntArray
    """Equal numbers stand in the same array."""
    row: IntArray
    column: IntArray
    height: IntArray
    columns: IntArray

    @classmethod
    def of(cls, blocks: Blocks, placement: Placement) -> Things:
        """All that stands in the arrays, used or not."""
        faults = [
            np.array([[number, *fault] for fault in kind.faults], dtype=np.int64).reshape(-1, 6)
            for number, kind in enumerate(blocks.hardware.arrays)
        ]
        kind, array, row, column, height, columns = np.concatenate(faults).T
        return cls(
            site=numbered(np.concatenate([placement.kind, kind]), np.concatenate([placement.array, array])),
            row=np.concatenate([placement.row, row]),
            column=np.concatenate([placement.column, column]),
            height=np.concatenate([blocks.height, height]),
            columns=np.concatenate([blocks.columns, columns]),
        )


def meetings(steps: Steps, things: Things) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs of a step of several blocks and a thing that is not of the step, in two columns, in chunks.

    These are all things on the rows that the step drives, or all on the columns that it reads, whichever are
    fewer pairs. Some come more than once.
    """
    site = np.empty(len(steps), dtype=np.int64)
    site[steps.of] = things.site[: len(steps.of)]
    own = np.concatenate([steps.of, np.full(len(things.site) - len(steps.of), -1)])
    ways = []
    for lines, begin, size in (
        (steps.driven, things.row, things.height),
        (steps.read, things.column, things.columns),
    ):
        several = steps.blocks[lines.step] > 1
        step = lines.step[several]
        # From the line of all steps to a line of all arrays.
        shift = (site[step] - step) * lines.span
        thing = things.site * lines.span + begin
        count, pairs = overlapping_intervals(
            lines.begin[several] + shift, lines.end[several] + shift, thing, thing + size
        )
        ways.append((count, step, pairs))
    _, step_of_line, pairs = min(ways, key=itemgetter(0))
    for line, thing in pairs:
        foreign = own[thing] != step_of_line[line]
        yield step_of_line[line[foreign]], thing[foreign]
