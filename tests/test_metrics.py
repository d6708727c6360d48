"""Durations and metrics, calculated by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sbdopt.blocks import Blocks
from sbdopt.judge import Measures, judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.solution import Metrics


def measured(operators: list[dict[str, Any]], entries: list[tuple[int, ...]], **hardware: Any) -> Measures:
    """Metrics of blocks that stand at (kind, array, row, column, start)."""
    array = {"name": "x", "rows": 8, "columns": 8, "adcs": 2}
    document = {"name": "p", "hardware": {"arrays": [array], **hardware}, "operators": operators}
    placement = Placement(*np.array(entries, dtype=np.int64).reshape(-1, 5).T)
    verdict = judge_placement(Blocks.of(Problem.model_validate(document)), placement)
    assert verdict.violations == ()
    assert verdict.metrics is not None
    return verdict.metrics


def crossbar(name: str, *blocks: tuple[int, int, int, int], **more: Any) -> dict[str, Any]:
    keys = ("input", "output", "height", "width")
    table = {key: [block[place] for block in blocks] for place, key in enumerate(keys)}
    shape = [max((b[0] + b[2] for b in blocks), default=1), max((b[1] + b[3] for b in blocks), default=1)]
    return {"name": name, "shape": shape, "blocks": table, **more}


def array(**more: Any) -> dict[str, Any]:
    return {"name": "x", "rows": 8, "columns": 8, "adcs": 2, **more}


def duration(height: int, width: int, **hardware: Any) -> int:
    kinds = [array(rows=max(8, height), columns=64)]
    return measured(
        [crossbar("a", (0, 0, height, width))], [(0, 0, 0, 0, 0)], arrays=kinds, **hardware
    ).makespan


@pytest.mark.parametrize(
    ("height", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4), (2**20, 20), (2**20 + 1, 21)]
)
def test_bits_of_the_largest_sum(height, bits):
    settings = {"settle_cycles": 0, "conversion_cycles": 0, "conversion_cycles_per_bit": 1}
    assert duration(height, 2, **settings) == bits


@pytest.mark.parametrize(
    ("height", "limit", "cycles"),
    [
        (8, None, 3 + 3),
        (8, 8, 3 + 3),
        (8, 9, 3 + 3),
        (8, 4, 2 * (3 + 2)),
        (7, 3, 3 * (3 + 2)),
        (5, 1, 5 * (3 + 1)),
    ],
)
def test_phases_and_the_bits_that_each_needs(height, limit, cycles):
    settings = {"settle_cycles": 2, "conversion_cycles": 1, "conversion_cycles_per_bit": 1}
    assert duration(height, 1, rows_per_phase=limit, **settings) == cycles


@pytest.mark.parametrize(("width", "turns"), [(1, 1), (2, 1), (3, 2), (4, 2), (31, 16)])
def test_converters_take_turns(width, turns):
    assert duration(1, width, settle_cycles=5, conversion_cycles=3) == 5 + 3 * turns
    assert duration(1, width, columns_per_weight=2, input_slices=7) == 7 * (1 + width)


def test_largest_sum_counts_only_cells_on_one_column():
    """Blocks of 3 and 2 rows on columns 0-1 and 1-2 meet on column 1; a block of 4 rows stands beside."""
    parts = crossbar("a", (0, 0, 3, 2), (3, 1, 2, 2), (0, 3, 4, 1))
    entries = [(0, 0, 0, 0, 0), (0, 0, 3, 1, 0), (0, 0, 0, 3, 0)]
    found = measured([parts], entries, rows_per_phase=1)
    assert found.conversions == 5 * 4
    assert found.drives == 5
    assert found.makespan == 5 * (1 + 2)


def test_two_that_only_touch_are_not_added():
    parts = crossbar("a", (0, 0, 3, 2), (3, 2, 4, 2))
    found = measured([parts], [(0, 0, 0, 0, 0), (0, 0, 3, 2, 0)], rows_per_phase=1)
    assert found.makespan == 4 * (1 + 2)


def test_interval_adds_up_steps_of_a_tile():
    parts = crossbar("a", *[(4 * k, 0, 4, 4) for k in range(4)])
    entries = [(0, place, 0, 0, 10 * place) for place in range(4)]
    assert measured([parts], entries).interval == 3
    assert measured([parts], entries, arrays=[array(tiers=2)]).interval == 6
    assert measured([parts], entries, arrays=[array(tiers=3)]).interval == 9
    other = [(1, *entry[1:]) if entry[1] == 2 else entry for entry in entries]
    kinds = [array(tiers=3), array(name="y", adcs=1)]
    assert measured([parts], other, arrays=kinds).interval == 6


def test_cells_of_used_arrays_count_and_faulty_ones_are_unused():
    kinds = [array(faults=[[0, 7, 7, 1, 1], [1, 0, 0, 8, 8]]), array(name="y", rows=10)]
    parts = crossbar("a", (0, 0, 4, 4), (4, 0, 4, 4), (8, 0, 2, 4))
    found = measured([parts], [(0, 0, 0, 0, 0), (0, 0, 4, 0, 10), (1, 0, 0, 0, 0)], arrays=kinds)
    assert (found.arrays, found.blocks, found.cells) == (2, 3, 40)
    assert found.unused_cells == 64 + 80 - 40
    assert found.utilization == 40 / 144


def test_makespan_is_of_the_last_operator_not_of_the_last_step():
    operators = [
        {"name": "last", "cycles": 7, "after": ["a"]},
        crossbar("a", (0, 0, 4, 4)),
        crossbar("b", (0, 0, 4, 4)),
        crossbar("none", after=["last"]),
    ]
    assert measured(operators, [(0, 0, 0, 0, 2), (0, 1, 0, 0, 5)]).makespan == 2 + 3 + 7


def test_no_blocks_at_all():
    operators = [crossbar("none"), {"name": "d", "cycles": 4}, {"name": "e", "cycles": 2, "after": ["d"]}]
    found = measured(operators, [], arrays=[array(faults=[[0, 0, 0, 1, 1], [0, 0, 0, 2, 2]])])
    assert found == Measures(
        arrays=0,
        blocks=0,
        cells=0,
        unused_cells=0,
        utilization=1.0,
        makespan=6,
        interval=0,
        steps=0,
        conversions=0,
        drives=0,
    )


def test_largest_numbers_are_exact():
    largest = 2**31 - 1
    kind = array(rows=largest, columns=largest, adcs=largest)
    whole = [crossbar(name, (0, 0, largest, largest)) for name in "abc"]
    found = measured(whole, [(0, k, 0, 0, 2**39) for k in range(3)], arrays=[kind], input_slices=500)
    assert found.cells == 3 * largest**2
    assert found.conversions == 3 * 500 * largest
    assert found.drives == 3 * 500 * largest
    assert found.unused_cells == 0
    assert found.makespan == 2**39 + 2 * 500


def test_a_solution_document_takes_the_names_of_the_format():
    found = measured([crossbar("a", (0, 0, 4, 4))], [(0, 0, 0, 0, 0)])
    assert found.to_document() == Metrics(
        arrays=1,
        unused_cells=48,
        utilization=0.25,
        makespan=3,
        interval=3,
        steps=1,
        conversions=4,
        drives=4,
    )
