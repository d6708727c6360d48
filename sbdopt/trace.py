"""A schedule as Chrome trace events, which Perfetto and chrome://tracing show.

The format is Google's "Trace Event Format". Tiles are processes, arrays are threads, steps are complete
events ("X") named for their operators, and a cycle is a microsecond. Digital operators have a process of
their own, with as many threads as run at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.judge.steps import Steps, finishes, group
from sbdopt.placement import Placement

Event = dict[str, Any]
_DIGITAL = 0
"""Number of the process of digital operators; tiles follow."""


def trace(blocks: Blocks, placement: Placement) -> bytes:
    """The trace of a legal placement as JSON bytes, an event a line."""
    steps = group(blocks, placement)
    events = [*_digital(blocks, finishes(blocks, steps)), *_names(blocks, steps), *_steps(blocks, steps)]
    about = {"problem": blocks.problem.name, "cycle_ns": blocks.hardware.cycle_ns, "unit": "1 us is 1 cycle"}
    lines = ",\n".join(json.dumps(event) for event in events)
    return f'{{"otherData": {json.dumps(about)},\n"traceEvents": [\n{lines}\n]}}\n'.encode()


def _named(what: str, process: int, thread: int, name: str) -> Event:
    return {"ph": "M", "name": f"{what}_name", "pid": process, "tid": thread, "args": {"name": name}}


def _names(blocks: Blocks, steps: Steps) -> Iterator[Event]:
    """The names of tiles and arrays."""
    kinds = blocks.hardware.arrays
    columns = np.stack([steps.tile, steps.kind, steps.array], axis=1)
    named = -1
    for tile, kind, array in np.unique(columns, axis=0).tolist():
        one = kinds[kind]
        if tile != named:
            yield _named("process", tile + 1, 0, f"{one.name} tile {array // one.tiers}")
            yield _sorted_at(tile + 1)
            named = tile
        yield _named("thread", tile + 1, array, f"{one.name} {array}")


def _sorted_at(process: int) -> Event:
    return {"ph": "M", "name": "process_sort_index", "pid": process, "args": {"sort_index": process}}


def _steps(blocks: Blocks, steps: Steps) -> Iterator[Event]:
    operators = blocks.problem.operators
    members_of = np.split(np.argsort(steps.of, kind="stable"), np.cumsum(steps.blocks))
    for step, members in enumerate(members_of[: len(steps)]):
        names = [operators[number].name for number in sorted(set(blocks.operator[members].tolist()))]
        yield {
            "ph": "X",
            "name": ", ".join(names),
            "cat": "step",
            "pid": int(steps.tile[step]) + 1,
            "tid": int(steps.array[step]),
            "ts": int(steps.start[step]),
            "dur": int(steps.duration[step]),
            "args": {
                "blocks": int(steps.blocks[step]),
                "rows": int(steps.rows[step]),
                "columns": int(steps.columns[step]),
                "phases": int(steps.phases[step]),
            },
        }


def _digital(blocks: Blocks, finish: list[int]) -> Iterator[Event]:
    """Digital operators, each on the first thread that is free."""
    spans = sorted(
        (finish[number] - operator.cycles, finish[number], operator.name)
        for number, operator in enumerate(blocks.problem.operators)
        if operator.cycles is not None
    )
    if spans:
        yield _named("process", _DIGITAL, 0, "digital operators")
        yield _sorted_at(_DIGITAL)
    free: list[int] = []
    for begin, end, name in spans:
        thread = next((number for number, since in enumerate(free) if since <= begin), len(free))
        if thread == len(free):
            free.append(end)
            yield _named("thread", _DIGITAL, thread, f"digital {thread}")
        free[thread] = end
        event = {"ph": "X", "name": name, "cat": "digital", "pid": _DIGITAL, "tid": thread}
        yield {**event, "ts": begin, "dur": end - begin}
