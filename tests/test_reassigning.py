"""Places given to other blocks of the same sizes, in bands where blocks read the same inputs."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbdopt import ArrayKind, BlockColumns, Budget, Hardware, Operator, Placement, Problem, judge
from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.judge import judge_placement
from sbdopt.search.bands import BandClasses
from sbdopt.search.greedy import greedy
from sbdopt.search.method import Found
from sbdopt.search.packing import Sizes
from sbdopt.search.reassigning import Spots, _assigned, can_be_reassigned, reassign
from sbdopt.search.score import score
from sbdopt.solve import solve
from sbdopt.standing import Standing
from sbdopt.timing import NEVER

GOALS = Goals(("unused_cells", "makespan"))


def layer(count: int, side: int, *, array: int, readers: int = 3, settle: int = 1) -> Problem:
    """Operators that read the same vector, each with a second factor after it, of so many equal blocks."""
    at = np.arange(count) * side
    blocks = BlockColumns(input=at, output=at, height=np.full(count, side), width=np.full(count, side))
    shape = [count * side, count * side]
    operators = []
    for number in range(readers):
        first = Operator(name=f"R{number}", input="x", shape=shape, after=[], blocks=blocks)
        operators += [first, Operator(name=f"L{number}", shape=shape, after=[first.name], blocks=blocks)]
    kind = ArrayKind(name="xbar", rows=array, columns=array, adcs=side)
    return Problem(name="layer", hardware=Hardware(arrays=[kind], settle_cycles=settle), operators=operators)


def constructed(problem: Problem) -> tuple[Blocks, Placement]:
    blocks = Blocks.of(problem)
    found = next(f for f in greedy(blocks, GOALS, Budget(work=50.0), 0, None) if isinstance(f, Found))
    return blocks, found.placement


def reassigned(blocks: Blocks, start: Placement) -> Placement:
    (found,) = reassign(blocks, GOALS, Budget(work=50.0), 0, start)
    assert isinstance(found, Found)
    return found.placement


def spots(blocks: Blocks, placement: Placement) -> Counter[tuple[int, ...]]:
    columns = (
        placement.kind,
        placement.array,
        placement.row,
        placement.column,
        blocks.height,
        blocks.columns,
    )
    return Counter(zip(*(column.tolist() for column in columns), strict=True))


def test_blocks_that_read_the_same_inputs_are_read_in_one_step() -> None:
    # two full arrays of nine blocks; a step of three blocks takes 3 + 3 cycles, one of a single block 3 + 1
    blocks, start = constructed(layer(3, 4, array=12, settle=3))
    placement = reassigned(blocks, start)
    assert len(np.unique(placement.array)) == 2
    assert score(blocks, placement)["makespan"] == (6 + 5) + 5 * 4 < score(blocks, start)["makespan"]


def test_groups_are_divided_where_whole_ones_cannot_be_shared_out_evenly() -> None:
    problem = layer(3, 4, array=8, readers=2, settle=1)
    blocks, start = constructed(problem)
    assert len(np.unique(start.array)) == 3
    placement = reassigned(blocks, start)
    assert score(blocks, placement)["makespan"] == 3 + 4


def test_bands_of_a_group_are_it_whole_in_halves_and_in_blocks() -> None:
    blocks = Blocks.of(layer(2, 4, array=12))
    classes = BandClasses.of(blocks, Sizes.of(blocks).of_block)
    groups = {tuple(sorted(group)) for family in classes.families for group in family.groups}
    assert (0, 4, 8) in groups
    assert (1, 5, 9) in groups
    assert len(groups) == 2 + 6
    (family,) = [family for family in classes.families if len(family.groups[0]) == 3]
    assert sorted(len(division) for division in family.divisions) == [1, 2, 3]


def test_a_group_is_no_wider_than_an_array() -> None:
    blocks = Blocks.of(layer(2, 4, array=8))
    classes = BandClasses.of(blocks, Sizes.of(blocks).of_block)
    assert max(len(group) for family in classes.families for group in family.groups) == 2


@pytest.mark.parametrize("other", [{"after": ["L0"]}, {"input": "y"}, {"height": 2}])
def test_a_group_reads_the_same_rows_of_one_vector_at_one_time(other: dict[str, object]) -> None:
    problem = layer(2, 4, array=12, readers=2)
    last = problem.operators[2]
    table = last.blocks.model_copy(update={"height": last.blocks.height // 2} if "height" in other else {})
    named = {
        "name": "odd",
        "blocks": table,
        "input": other.get("input", "x"),
        "after": other.get("after", []),
    }
    odd = last.model_copy(update=named)
    blocks = Blocks.of(problem.model_copy(update={"operators": [*problem.operators, odd]}))
    classes = BandClasses.of(blocks, Sizes.of(blocks).of_block)
    groups = {tuple(sorted(group)) for family in classes.families for group in family.groups}
    assert groups == {(0, 4), (1, 5), *((i,) for i in (2, 3, 6, 7, 8, 9))}


def test_a_step_of_a_band_converts_all_its_columns() -> None:
    """Of two kinds the one takes a band of three blocks of 4 columns, the other one block at a time."""
    kinds = [
        ArrayKind(name="wide", rows=12, columns=12, adcs=2),
        ArrayKind(name="narrow", rows=4, columns=4, adcs=4),
    ]
    hardware = Hardware(arrays=kinds, settle_cycles=3)
    blocks = Blocks.of(layer(2, 4, array=12).model_copy(update={"hardware": hardware}))
    classes = BandClasses.of(blocks, Sizes.of(blocks).of_block)
    number = classes.parts.sum(axis=1)
    assert set(number.tolist()) == {1, 2, 3}
    assert classes.cycles[0].tolist() == (3 + 2 * number).tolist()
    assert classes.cycles[1].tolist() == np.where(number == 1, 3 + 1, NEVER).tolist()


@pytest.mark.parametrize(
    ("bands", "rows"),
    [
        ([(0,), (1, 2), (3, 4)], {0: [0, 1, 2], 4: [3, 4]}),  # the largest first
        ([(0, 1, 2), (3, 4), (5, 6)], {0: [0, 1, 2, 3], 4: [4, 5, 6]}),  # on the row that it fills
        ([(0, 7), (1, 2)], {0: [0, 1], 4: [2, 7]}),  # where there are places of both sizes
    ],
)
def test_bands_take_rows_that_have_places_for_them(
    bands: list[tuple[int, ...]], rows: dict[int, list[int]]
) -> None:
    """Places and blocks are of one size, but for the last."""
    size = np.array([0] * 7 + [1])
    row_of = {place: row for row, places in rows.items() for place in places}
    place_of = dict(_assigned(bands, size, {row: [*places] for row, places in rows.items()}))
    assert sorted(place_of.values()) == sorted(row_of)
    assert all(size[block] == size[place] for block, place in place_of.items())
    assert all(len({row_of[place_of[block]] for block in band}) == 1 for band in bands)


def test_a_band_without_a_row_is_divided() -> None:
    place_of = dict(_assigned([(0, 1)], np.zeros(2, dtype=np.int64), {0: [0], 4: [1]}))
    assert sorted(place_of.items()) == [(0, 0), (1, 1)] or sorted(place_of.items()) == [(0, 1), (1, 0)]


def test_nothing_is_done_where_it_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = layer(4, 4, array=12)
    blocks, start = constructed(problem)
    assert can_be_reassigned(blocks, GOALS, start)
    assert can_be_reassigned(blocks, Goals(("unused_cells",), {"makespan": 99}), start)
    assert not can_be_reassigned(blocks, GOALS, None)
    assert not can_be_reassigned(blocks, Goals(("unused_cells",)), start)
    assert list(reassign(blocks, Goals(("unused_cells",)), Budget(work=50.0), 0, start)) == []
    assert list(reassign(blocks, GOALS, Budget(seconds=0.5, clock=lambda: 0.0), 0, start)) == []
    everywhere = np.ones(len(blocks), dtype=bool)
    kept = Standing(start.kind, start.array, start.row, start.column, everywhere, everywhere)
    assert not can_be_reassigned(replace(blocks, standing=kept), GOALS, start)
    numbers = 6 * len(np.unique(start.array))
    monkeypatch.setattr("sbdopt.search.sharing._MOST_NUMBERS", numbers)
    assert can_be_reassigned(blocks, GOALS, start)
    monkeypatch.setattr("sbdopt.search.sharing._MOST_NUMBERS", numbers - 1)
    assert not can_be_reassigned(blocks, GOALS, start)


def test_looking_for_numbers_is_work() -> None:
    blocks, start = constructed(layer(4, 4, array=12))
    budget = Budget(work=50.0)
    assert len(list(reassign(blocks, GOALS, budget, 0, start))) == 1
    assert budget.spent > 0


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 6),
    readers=st.integers(1, 4),
    array=st.sampled_from([8, 12, 16]),
    settle=st.integers(0, 3),
)
def test_the_same_places_are_taken_legally(count: int, readers: int, array: int, settle: int) -> None:
    problem = layer(count, 4, array=array, readers=readers, settle=settle)
    blocks, start = constructed(problem)
    placement = reassigned(blocks, start)
    assert spots(blocks, placement) == spots(blocks, start)
    assert judge_placement(blocks, placement).legal


def test_several_kinds_and_tiles() -> None:
    problem = layer(6, 4, array=8)
    kinds = [
        ArrayKind(name="few", rows=8, columns=8, adcs=2, count=2, tiers=2),
        ArrayKind(name="more", rows=12, columns=12, adcs=4, count=6, tiers=3),
    ]
    problem = problem.model_copy(update={"hardware": Hardware(arrays=kinds)})
    blocks, start = constructed(problem)
    of = Spots.of(blocks, start)
    tile, same = start.kind * 100 + start.array // np.array([2, 3])[start.kind], of.tile[of.array]
    assert np.array_equal(tile[:, None] == tile, same[:, None] == same)
    assert len(of.kind) > len(np.unique(tile)) > 1
    assert of.kind[of.array].tolist() == start.kind.tolist()
    placement = reassigned(blocks, start)
    assert spots(blocks, placement) == spots(blocks, start)
    assert judge_placement(blocks, placement).legal
    assert score(blocks, placement)["makespan"] <= score(blocks, start)["makespan"]


def test_auto_reads_a_layer_in_bands() -> None:
    problem = layer(24, 4, array=16, settle=3)
    blocks = Blocks.of(problem)
    solution = solve(problem, budget=Budget(work=20.0))
    assert judge(blocks, solution).legal
    assert solution.metrics is not None
    assert solution.metrics.unused_cells == 0
    assert solution.metrics.conversions / solution.metrics.steps > 4  # some step reads several blocks


def test_same_work_same_places() -> None:
    blocks, start = constructed(layer(5, 4, array=12))
    one, two = (reassigned(blocks, start) for _ in range(2))
    assert one.array.tolist() == two.array.tolist()
    assert one.start.tolist() == two.start.tolist()
