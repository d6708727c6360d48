"""A trace holds every step and every digital operator where and when it runs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import placements, problems
from test_cases import EXPECTED, load

from sbdopt.blocks import Blocks
from sbdopt.judge import judge_placement
from sbdopt.placement import Placement
from sbdopt.trace import trace


def events_of(blocks: Blocks, placement: Placement) -> list[dict[str, Any]]:
    document = json.loads(trace(blocks, placement))
    assert document["otherData"]["problem"] == blocks.problem.name
    events: list[dict[str, Any]] = document["traceEvents"]
    return events


def read(name: str) -> tuple[Blocks, Placement]:
    problem, solution = load(name)
    blocks = Blocks.of(problem)
    return blocks, Placement.read(blocks, solution)


LEGAL = [name for name, case in EXPECTED.items() if case["legal"]]


def assert_holds_the_schedule(blocks: Blocks, placement: Placement) -> None:
    events = events_of(blocks, placement)
    metrics = judge_placement(blocks, placement).metrics
    assert metrics is not None
    steps = [event for event in events if event.get("cat") == "step"]
    digital = [event for event in events if event.get("cat") == "digital"]
    assert len(steps) == metrics.steps
    assert max((event["ts"] + event["dur"] for event in (*steps, *digital)), default=0) == metrics.makespan
    cycles = {one.name: one.cycles for one in blocks.problem.operators if one.cycles is not None}
    assert {event["name"]: event["dur"] for event in digital} == cycles
    for events_there in (steps, digital):
        by_thread: dict[tuple[int, int], int] = {}
        for event in sorted(events_there, key=lambda event: (event["ts"], event["dur"])):
            thread = event["pid"], event["tid"]
            assert event["ts"] >= by_thread.get(thread, 0), "two at a time on one thread"
            by_thread[thread] = event["ts"] + event["dur"]
    starts = {(event["tid"], event["ts"]) for event in steps}
    assert starts == set(zip(placement.array.tolist(), placement.start.tolist(), strict=True))


@pytest.mark.parametrize("name", LEGAL)
def test_the_cases_of_the_format(name: str) -> None:
    assert_holds_the_schedule(*read(name))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_schedule(data: st.DataObject) -> None:
    problem = data.draw(problems())
    blocks, placement = Blocks.of(problem), data.draw(placements(problem))
    if judge_placement(blocks, placement).legal:
        assert_holds_the_schedule(blocks, placement)


def test_tiles_are_processes_and_arrays_threads() -> None:
    blocks, placement = read("tiers-apart")
    events = events_of(blocks, placement)
    named = {
        (event["name"], event["pid"], event.get("tid")): event["args"]["name"]
        for event in events
        if event["ph"] == "M" and "name" in event["args"]
    }
    tiers, name = blocks.hardware.arrays[0].tiers, blocks.hardware.arrays[0].name
    for event in (event for event in events if event.get("cat") == "step"):
        array = event["tid"]
        assert named["thread_name", event["pid"], array] == f"{name} {array}"
        assert named["process_name", event["pid"], 0] == f"{name} tile {array // tiers}"


def test_operators_of_one_step_are_named_together() -> None:
    blocks, placement = read("shared-input")
    names = {event["name"] for event in events_of(blocks, placement) if event["ph"] == "X"}
    together = np.unique(placement.start).size < len(blocks)
    assert together
    assert any(", " in name for name in names)
