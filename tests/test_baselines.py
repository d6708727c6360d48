from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from strategies import problems

from sbdopt.blocks import Blocks
from sbdopt.judge import Measures, judge_placement
from sbdopt.models import make_model
from sbdopt.placement import Placement
from sbdopt.problem import ArrayKind, BlockColumns, Hardware, Operator, Problem
from sbdopt.search.baselines import densemap, linear, sparsemap
from sbdopt.search.budget import Budget
from sbdopt.search.method import Found, Method

METHODS = (linear, sparsemap, densemap)


def xbar(**changes: object) -> Hardware:
    return Hardware(
        arrays=[ArrayKind(**({"name": "xbar", "rows": 256, "columns": 256, "adcs": 8} | changes))]
    )


def small(rows: int, columns: int, **changes: object) -> Hardware:
    return xbar(rows=rows, columns=columns, adcs=1, **changes)


def diagonal(name: str, count: int, height: int, width: int, *after: str) -> Operator:
    k = np.arange(count)
    blocks = BlockColumns(
        input=k * height, output=k * width, height=np.full(count, height), width=np.full(count, width)
    )
    return Operator(name=name, after=list(after), shape=[count * height, count * width], blocks=blocks)


def blocks_of(hardware: Hardware, *operators: Operator) -> Blocks:
    return Blocks.of(Problem(name="small", hardware=hardware, operators=list(operators)))


def run(method: Method, blocks: Blocks) -> Placement | None:
    found = list(method(blocks, ("makespan",), Budget(clock=lambda: 0.0), 0, None))
    assert len(found) <= 1
    if not found:
        return None
    assert isinstance(found[0], Found)
    return found[0].placement


def judged(method: Method, blocks: Blocks) -> tuple[Placement, Measures]:
    placement = run(method, blocks)
    assert placement is not None
    verdict = judge_placement(blocks, placement)
    assert verdict.violations == ()
    assert verdict.metrics is not None
    return placement, verdict.metrics


@pytest.mark.parametrize("name", ["bert-large", "bart-large", "gpt2-medium"])
def test_the_paper_models(name: str) -> None:
    dense = Blocks.of(make_model(name, xbar(), form="dense"))
    monarch = Blocks.of(make_model(name, xbar()))
    _, lin = judged(linear, dense)
    _, sparse = judged(sparsemap, monarch)
    _, packed = judged(densemap, monarch)
    published = {"bart-large": (5376, 2688)}.get(name, (4608, 2304))
    assert (lin.arrays, sparse.arrays) == published
    assert lin.unused_cells == 0
    assert packed.arrays < 1.04 * monarch.cells / 256**2
    assert (lin.steps, sparse.steps, packed.steps) == (len(dense), sparse.arrays, len(monarch))


@pytest.mark.parametrize("method", METHODS)
@given(problem=problems())
def test_whatever_is_found_is_legal(method: Method, problem: Problem) -> None:
    blocks = Blocks.of(problem)
    placement = run(method, blocks)
    if placement is None:
        assert any(kind.count is not None for kind in problem.hardware.arrays)
    else:
        assert judge_placement(blocks, placement).violations == ()


def test_linear_stands_every_block_in_the_corner_of_its_own_array() -> None:
    blocks = blocks_of(small(8, 8), diagonal("a", 2, 4, 4), diagonal("b", 3, 8, 2, "a"))
    placement, metrics = judged(linear, blocks)
    assert placement.array.tolist() == [0, 1, 2, 3, 4]
    assert not placement.row.any()
    assert not placement.column.any()
    assert placement.start.tolist() == [0, 0, 5, 5, 5]
    assert metrics.makespan == 5 + 3


def test_sparsemap_fills_the_diagonal_and_reads_it_at_once() -> None:
    blocks = blocks_of(small(8, 8), diagonal("a", 3, 3, 2), diagonal("b", 2, 2, 4, "a"))
    placement, metrics = judged(sparsemap, blocks)
    assert placement.array.tolist() == [0, 0, 1, 2, 2]
    assert placement.row.tolist() == [0, 3, 0, 0, 2]
    assert placement.column.tolist() == [0, 2, 0, 0, 4]
    assert placement.start.tolist() == [0, 0, 0, 5, 5]
    assert metrics.makespan == (1 + 2 * 2) + (1 + 2 * 4)


def test_sparsemap_never_puts_two_operators_on_an_array() -> None:
    placement, _ = judged(sparsemap, blocks_of(small(8, 8), diagonal("a", 1, 2, 2), diagonal("b", 1, 2, 2)))
    assert placement.array.tolist() == [0, 1]


def test_densemap_fills_an_array_and_reads_block_by_block() -> None:
    blocks = blocks_of(small(9, 9), diagonal("a", 3, 3, 3), diagonal("b", 3, 3, 3, "a"))
    placement, metrics = judged(densemap, blocks)
    assert (placement.array == 0).all()
    assert placement.row.tolist() == [0, 3, 6, 3, 6, 0]
    assert placement.column.tolist() == [3, 6, 0, 0, 3, 6]
    assert metrics.steps == 6
    assert metrics.makespan == 6 * (1 + 3)


def pairs_of(blocks: Blocks) -> list[tuple[np.ndarray, np.ndarray]]:
    names = {operator.name: number for number, operator in enumerate(blocks.problem.operators)}
    members = [np.flatnonzero(blocks.operator == number) for number in range(len(names))]
    return [(members[names[name]], members[names[name[:-1] + "L"]]) for name in names if name.endswith(".R")]


@pytest.mark.parametrize("hardware", [xbar(), small(320, 320), small(64, 64)])
def test_no_rotation_is_left_between_the_factors_nor_after_them(hardware: Hardware) -> None:
    """R's output block k comes out of the block-column that is the block-row where L expects its input k."""
    blocks = Blocks.of(make_model("bert-large", hardware, layers=6))
    placement, _ = judged(densemap, blocks)
    row, column = placement.row // blocks.height, placement.column // blocks.columns
    offsets = set()
    for r, left in pairs_of(blocks):
        places = hardware.arrays[0].rows // int(blocks.height[r[0]])
        k = np.arange(len(r)) % places
        i = (column[r] - row[r]) % places
        assert np.array_equal(row[r], k)
        assert np.array_equal(column[r], row[left])
        assert np.array_equal(column[left], k)
        assert np.array_equal((column[left] - row[left]) % places, -i % places)
        own_inverse = i == -i % places
        assert np.array_equal(placement.array[r] != placement.array[left], own_inverse)
        offsets |= {(places, int(offset)) for offset in i}
    used = {places: {i for size, i in offsets if size == places} for places in dict(offsets)}
    assert all(used[places] >= {0} for places in used)
    assert len(offsets) >= 2
    if hardware.arrays[0].rows == 256:
        assert used == {8: {0, 1, 2, 3, 4}, 4: {0, 1, 2}}


def test_densemap_shares_arrays_only_between_operators_that_run_one_after_the_other() -> None:
    blocks = Blocks.of(make_model("bert-large", xbar(), layers=2))
    placement, _ = judged(densemap, blocks)
    arrays = {
        operator.name: placement.array[blocks.operator == number]
        for number, operator in enumerate(blocks.problem.operators)
        if operator.blocks is not None
    }
    for name, mine in arrays.items():
        places = 8 if len(mine) == 32 else 4
        assert len(set(mine.tolist())) == len(mine) // places, name
    for one, two in combinations([f"layer1.{name}.{factor}" for name in "qkv" for factor in "RL"], 2):
        if one[7] != two[7]:
            assert not set(arrays[one].tolist()) & set(arrays[two].tolist())
    assert set(arrays["layer0.q.R"].tolist()) & set(arrays["layer1.q.R"].tolist())


def test_densemap_shares_more_where_arrays_are_few() -> None:
    def layer(count: int) -> Blocks:
        return Blocks.of(make_model("bert-large", xbar(count=count), layers=1))

    generous, few = judged(densemap, layer(40)), judged(densemap, layer(20))
    assert few[1].unused_cells == 0
    assert few[1].makespan > generous[1].makespan
    assert run(densemap, layer(19)) is None


@pytest.mark.parametrize("method", METHODS)
def test_too_few_arrays(method: Method) -> None:
    blocks = [blocks_of(small(4, 4, count=count), diagonal("a", 3, 4, 4)) for count in (2, 3)]
    assert run(method, blocks[0]) is None
    assert judged(method, blocks[1])[0].array.tolist() == [0, 1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_arrays_with_faults_are_left_out(method: Method) -> None:
    faults = [[0, 0, 0, 1, 1], [2, 3, 3, 1, 1], [2, 0, 0, 1, 1]]
    blocks = blocks_of(small(4, 4, faults=faults), diagonal("a", 3, 4, 4))
    assert judged(method, blocks)[0].array.tolist() == [1, 3, 4]


@pytest.mark.parametrize("method", METHODS)
def test_the_first_kind_that_fits_and_is_left(method: Method) -> None:
    low = ArrayKind(name="low", rows=4, columns=8, adcs=1, count=1)
    high = ArrayKind(name="high", rows=8, columns=8, adcs=1)
    blocks = blocks_of(Hardware(arrays=[low, high]), diagonal("a", 1, 8, 8), diagonal("b", 2, 4, 8))
    placement, _ = judged(method, blocks)
    assert placement.kind.tolist() == [1, 0, 1]
    assert placement.array.tolist() == [0, 0, 1]


def test_densemap_on_grids_that_are_not_square() -> None:
    for rows, columns in ((4, 12), (12, 4)):
        hardware = small(rows, columns)
        blocks = blocks_of(hardware, diagonal("a", 6, 2, 2), diagonal("b", 6, 2, 2, "a"))
        placement, metrics = judged(densemap, blocks)
        assert metrics.arrays == 3
        assert len(set(placement.array[:6].tolist())) == 3


def test_densemap_with_several_columns_a_weight_and_mixed_sizes() -> None:
    one = small(8, 16).arrays[0]
    begin, side = np.array([0, 2, 4]), np.array([2, 2, 4])
    mixed = BlockColumns(input=begin, output=begin, height=side, width=side)
    operator = Operator(name="mixed", shape=[8, 8], blocks=mixed)
    hardware = Hardware(arrays=[one], columns_per_weight=2)
    placement, metrics = judged(densemap, blocks_of(hardware, operator, diagonal("b", 4, 2, 2, "mixed")))
    assert placement.column[1] - placement.column[0] == 4
    assert metrics.arrays == 2


def test_densemap_on_an_array_far_larger_than_the_problem() -> None:
    blocks = blocks_of(small(2**31 - 1, 2**31 - 1), diagonal("a", 3, 1, 1), diagonal("b", 3, 1, 1, "a"))
    assert judged(densemap, blocks)[1].arrays == 1


def test_densemap_stops_when_the_budget_is_used_up() -> None:
    blocks = blocks_of(small(4, 4), diagonal("a", 3, 4, 4))
    assert list(densemap(blocks, (), Budget(work=0.0, clock=lambda: 0.0), 0, None)) == []


@pytest.mark.parametrize("method", METHODS)
def test_a_problem_without_blocks(method: Method) -> None:
    placement, metrics = judged(method, blocks_of(small(4, 4), Operator(name="norm", cycles=3)))
    assert (len(placement.start), metrics.makespan) == (0, 3)
