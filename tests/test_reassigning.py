"""Places given to other blocks of the same sizes, in bands where blocks read the same inputs."""

from collections import Counter

import numpy as np
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
from sbdopt.search.reassigning import can_be_reassigned, reassign
from sbdopt.search.score import score
from sbdopt.solve import solve

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


def test_nothing_is_done_where_it_is_of_no_use() -> None:
    problem = layer(4, 4, array=12)
    blocks, start = constructed(problem)
    assert can_be_reassigned(blocks, GOALS, start)
    assert not can_be_reassigned(blocks, GOALS, None)
    assert not can_be_reassigned(blocks, Goals(("unused_cells",)), start)
    assert list(reassign(blocks, Goals(("unused_cells",)), Budget(work=50.0), 0, start)) == []


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
