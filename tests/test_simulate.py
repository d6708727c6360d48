"""The simulator against sums done by hand: what is legal comes out exactly, and what is not does not."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cases import EXPECTED, load

from sbdopt.blocks import Blocks
from sbdopt.documents import IntArray
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.simulate import array as array_module
from sbdopt.simulate import compare, simulate, standing_placement
from sbdopt.simulate.array import Standing, drive
from sbdopt.simulate.ranges import covered, ranges
from sbdopt.simulate.slices import add_slices, cut_slices
from sbdopt.solution import Solution
from sbdopt.weights.references import Reference, make_inputs
from sbdopt.weights.store import OperatorWeights, Weights, make_weights
from sbdopt.weights.tensors import FloatArray, Tensor

IN_PLACE = ("complete", "inside", "disjoint", "row agreement", "column agreement", "isolation")
"""The rules that are not about time."""


def operator(name: str, *blocks: tuple[int, int, int, int], vector: str | None = None) -> dict[str, Any]:
    """A crossbar operator of 8 inputs and 8 outputs, with blocks (input, output, height, width)."""
    keys = ("input", "output", "height", "width")
    columns = {key: [block[place] for block in blocks] for place, key in enumerate(keys)}
    return {"name": name, "input": vector, "shape": [8, 8], "after": [], "blocks": columns}


def blocks_of(*operators: dict[str, Any], rows: int = 8, columns: int = 8, **hardware: Any) -> Blocks:
    kind = {"name": "xbar", "rows": rows, "columns": columns, "adcs": 1, "count": hardware.pop("count", None)}
    kind["faults"] = hardware.pop("faults", [])
    return Blocks.of(
        Problem.model_validate(
            {"name": "hand", "hardware": {"arrays": [kind], **hardware}, "operators": list(operators)}
        )
    )


def placed(*stands: tuple[int, int, int, int]) -> Placement:
    """Blocks at (array, row, column, start), on the first kind of array."""
    columns = np.array(stands, dtype=np.int64).reshape(-1, 4).T
    return Placement(np.zeros(len(stands), dtype=np.int64), *columns)


def given_weights(blocks: Blocks, *values: Any) -> Weights:
    return {
        operator.name: OperatorWeights.of(operator.blocks, Tensor.of(np.array(flat, dtype=np.float64)))
        for operator, flat in zip(blocks.problem.operators, values, strict=True)
    }


def given_input(*rows: Any) -> FloatArray:
    """Vectors, filled up with sevens to 8 inputs."""
    return np.array([[*row, *[7] * (8 - len(row))] for row in rows], dtype=np.float64)


def made(blocks: Blocks, placement: Placement) -> list[bool]:
    """Whether each operator agrees, with weights and inputs that are made."""
    rng = np.random.default_rng(5)
    weights, inputs = make_weights(blocks.problem, rng), make_inputs(blocks.problem, rng)
    outputs = simulate(blocks, placement, weights, inputs)
    agreements = compare(blocks, outputs, weights, inputs)
    assert all(agreement.exact for agreement in agreements)
    return [agreement.agrees for agreement in agreements]


# By hand ----------------------------------------------------------------------------------------------------


def test_one_block() -> None:
    blocks = blocks_of(operator("a", (1, 2, 2, 3)))
    weights = given_weights(blocks, [1, 2, 3, 4, 5, 6])
    outputs = simulate(blocks, placed((0, 4, 5, 0)), weights, {"a": given_input([9, 10, 1], [9, -1, 2])})
    assert outputs["a"].tolist() == [[0, 0, 14, 25, 36, 0, 0, 0], [0, 0, 7, 8, 9, 0, 0, 0]]


def test_partial_sums_add_up_in_the_column() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 2), (1, 0, 1, 2)))
    weights = given_weights(blocks, [1, 2, 30, 40])
    inputs = {"a": given_input([1, 10])}
    for stands in (((0, 0, 0, 0), (0, 1, 0, 0)), ((0, 0, 0, 0), (0, 1, 0, 9)), ((0, 0, 0, 0), (1, 0, 0, 0))):
        assert simulate(blocks, placed(*stands), weights, inputs)["a"][0, :2].tolist() == [301, 402]


def test_a_column_with_two_blocks_of_one_output_is_read_once() -> None:
    """Read once for each of its two blocks, it would yield twice as much."""
    blocks = blocks_of(operator("a", (0, 0, 1, 1), (1, 0, 1, 1), (2, 0, 1, 1)))
    placement = placed((0, 0, 0, 0), (0, 1, 0, 0), (0, 2, 0, 0))
    outputs = simulate(blocks, placement, given_weights(blocks, [1, 2, 3]), {"a": given_input([1, 10, 100])})
    assert outputs["a"][0, 0] == 321


def test_two_columns_of_one_output_are_both_added() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 1), (1, 0, 1, 1)))
    placement = placed((0, 0, 0, 0), (0, 1, 1, 0))
    outputs = simulate(blocks, placement, given_weights(blocks, [1, 2]), {"a": given_input([1, 10])})
    assert outputs["a"][0, 0] == 21


def test_every_cell_on_a_driven_row_conducts() -> None:
    """The step of block 0 and block 1 (of a) drives row 0 and reads column 1, where b has a cell."""
    blocks = blocks_of(operator("a", (0, 0, 1, 1), (1, 1, 1, 1)), operator("b", (0, 0, 1, 1)))
    weights = given_weights(blocks, [2, 3], [5])
    inputs = {"a": given_input([1, 10]), "b": given_input([1000])}
    outputs = simulate(blocks, placed((0, 0, 0, 0), (0, 1, 1, 0), (0, 0, 1, 7)), weights, inputs)
    assert outputs["a"][0, :2].tolist() == [2, 30 + 5 * 1]
    assert outputs["b"][0, 0] == 5000


def test_a_row_carries_what_the_later_block_wants() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 1)), operator("b", (0, 0, 1, 1)))
    inputs = {"a": given_input([1]), "b": given_input([1000])}
    outputs = simulate(blocks, placed((0, 0, 0, 0), (0, 0, 1, 0)), given_weights(blocks, [2], [5]), inputs)
    assert (outputs["a"][0, 0], outputs["b"][0, 0]) == (2000, 5000)


def test_a_step_is_a_step_whatever_stands_between_its_blocks() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 1)), operator("b", (0, 0, 1, 1)), operator("c", (0, 0, 1, 1)))
    inputs = {"a": given_input([1]), "b": given_input([10]), "c": given_input([1000])}
    placement = placed((0, 0, 0, 5), (0, 3, 3, 7), (0, 0, 1, 5))
    outputs = simulate(blocks, placement, given_weights(blocks, [2], [3], [5]), inputs)
    assert [outputs[name][0, 0] for name in "abc"] == [2000, 30, 5000]


def test_operators_may_read_different_lengths_of_one_vector() -> None:
    short = {**operator("a", (0, 0, 2, 1), vector="v"), "shape": [2, 8]}
    blocks = blocks_of(
        short, operator("b", (6, 0, 2, 1), vector="v"), operator("c", (0, 0, 2, 1), vector="v")
    )
    assert made(blocks, placed((0, 0, 0, 0), (0, 2, 2, 0), (0, 0, 1, 0))) == [True, True, True]


def test_a_column_of_two_outputs_gives_its_sum_to_both() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 1), (1, 1, 1, 1)))
    inputs = {"a": given_input([1, 10])}
    outputs = simulate(blocks, placed((0, 0, 0, 0), (0, 1, 0, 0)), given_weights(blocks, [2, 3]), inputs)
    assert outputs["a"][0, :2].tolist() == [32, 32]


def test_the_later_block_overwrites_the_cell() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 2)), operator("b", (0, 0, 1, 2)))
    inputs = {"a": given_input([1]), "b": given_input([10])}
    placement = placed((0, 0, 0, 50), (0, 0, 1, 0))
    outputs = simulate(blocks, placement, given_weights(blocks, [2, 3], [5, 6]), inputs)
    assert outputs["a"][0, :2].tolist() == [2, 5]
    assert outputs["b"][0, :2].tolist() == [50, 60]


def test_a_faulty_cell_takes_no_weight_and_conducts() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 1), (1, 1, 1, 1)), faults=[[0, 1, 0, 1, 1], [1, 0, 0, 8, 8]])
    weights, inputs = given_weights(blocks, [2, 3]), {"a": given_input([1, 10])}
    stuck = 7919 + 0.5
    crossed = simulate(blocks, placed((0, 0, 0, 0), (0, 1, 1, 0)), weights, inputs)
    assert crossed["a"][0, :2].tolist() == [2 + 10 * stuck, 30]
    covered = simulate(blocks, placed((0, 1, 0, 0), (0, 2, 1, 0)), weights, inputs)
    assert covered["a"][0, :2].tolist() == [stuck, 30]


def test_what_lies_outside_is_not_there() -> None:
    blocks = blocks_of(operator("a", (0, 0, 2, 2)), count=2)
    weights, inputs = given_weights(blocks, [1, 2, 3, 4]), {"a": given_input([1, 10])}
    for place, wanted in {
        (0, 0, 0): [31, 42],
        (1, 6, 6): [31, 42],
        (0, -1, 0): [30, 40],
        (0, 7, 0): [1, 2],
        (0, 0, -1): [0, 42],
        (0, 0, 7): [31, 0],
        (0, 8, 0): [0, 0],
        (0, 0, -2): [0, 0],
        (0, -(2**31) + 1, 2**31 - 1): [0, 0],
        (-1, 0, 0): [0, 0],
        (2, 0, 0): [0, 0],
    }.items():
        outputs = simulate(blocks, placed((*place, 0)), weights, inputs)
        assert outputs["a"][0].tolist() == [*wanted, 0, 0, 0, 0, 0, 0]
    for kind in (-1, 1, 2**31 - 1):
        unknown = replace(placed((0, 0, 0, 0)), kind=np.array([kind]))
        assert not simulate(blocks, unknown, weights, inputs)["a"].any()


def test_blocks_that_are_left_out_are_not_there() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 1), (1, 1, 1, 1)), operator("b", (0, 0, 1, 1)))
    columns = {name: [0] for name in ("array", "row", "column", "start")}
    solution = Solution.model_validate(
        {"problem": "hand", "problem_sha256": "0" * 64, "operators": {"a": columns, "other": columns}}
    )
    placement = standing_placement(blocks, solution)
    inputs = {"a": given_input([1, 10]), "b": given_input([1])}
    outputs = simulate(blocks, placement, given_weights(blocks, [2, 3], [5]), inputs)
    assert outputs["a"][0, :2].tolist() == [2, 0]
    assert not outputs["b"].any()
    assert made(blocks, placement) == [False, False]


def test_nothing_to_do() -> None:
    digital = {"name": "softmax", "cycles": 3, "after": []}
    blocks = blocks_of(digital)
    assert simulate(blocks, placed(), {}, {}) == {}
    assert compare(blocks, {}, {}, {}) == []
    blocks = blocks_of(digital, operator("zero"))
    assert made(blocks, placed()) == [True]


# Legal or not -----------------------------------------------------------------------------------------------

A, B = operator("a", (0, 0, 2, 2)), operator("b", (0, 0, 2, 2))
SHARED = (operator("a", (0, 0, 2, 2), vector="v"), operator("b", (0, 0, 2, 2), vector="v"))
DIAGONAL = operator("a", (0, 0, 2, 2), (2, 2, 2, 2))
STACKED = operator("a", (0, 0, 2, 2), (2, 0, 2, 2))
ABOVE, BESIDE, ACROSS, ORIGIN = (0, 2, 0, 0), (0, 0, 2, 0), (0, 2, 2, 0), (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("operators", "hardware", "right", "wrong"),
    [
        pytest.param([A], {}, [(0, 6, 6, 0)], [(0, 7, 6, 0)], id="inside, rows"),
        pytest.param([A], {}, [(0, 6, 6, 0)], [(0, 6, -1, 0)], id="inside, columns"),
        pytest.param([A], {"count": 1}, [ORIGIN], [(1, 0, 0, 0)], id="inside, array"),
        pytest.param([A], {"columns_per_weight": 2}, [(0, 0, 4, 0)], [(0, 0, 5, 0)], id="inside, slices"),
        pytest.param([A, B], {}, [ORIGIN, (0, 2, 2, 9)], [ORIGIN, (0, 1, 1, 9)], id="disjoint"),
        pytest.param([A], {"faults": [[0, 1, 2, 1, 1]]}, [ORIGIN], [(0, 0, 1, 0)], id="disjoint, fault"),
        pytest.param([A, B], {}, [ORIGIN, ACROSS], [ORIGIN, BESIDE], id="row agreement"),
        pytest.param(SHARED, {}, [ORIGIN, BESIDE], [ORIGIN, (0, 1, 2, 0)], id="row agreement, shared"),
        pytest.param([DIAGONAL], {}, [ORIGIN, (0, 0, 2, 9)], [ORIGIN, BESIDE], id="row agreement, element"),
        pytest.param([A, B], {}, [ORIGIN, (0, 2, 0, 9)], [ORIGIN, ABOVE], id="column agreement"),
        pytest.param([STACKED], {}, [ORIGIN, ABOVE], [ORIGIN, (0, 2, 1, 0)], id="column agreement, output"),
        pytest.param(
            [STACKED],
            {"columns_per_weight": 2},
            [ORIGIN, ABOVE],
            [ORIGIN, (0, 2, 1, 0)],
            id="column agreement, slice",
        ),
        pytest.param(
            [DIAGONAL, operator("b", (0, 0, 1, 1))],
            {},
            [ORIGIN, ACROSS, (0, 4, 2, 9)],
            [ORIGIN, ACROSS, (0, 1, 3, 9)],
            id="isolation",
        ),
        pytest.param(
            [operator("a", (0, 0, 2, 2), (2, 2, 2, 2), (4, 2, 1, 1))],
            {},
            [ORIGIN, ACROSS, (0, 4, 2, 9)],
            [ORIGIN, ACROSS, (0, 1, 2, 9)],
            id="isolation, own operator",
        ),
        pytest.param(
            [DIAGONAL],
            {"faults": [[0, 4, 2, 4, 6], [1, 1, 2, 1, 1]]},
            [ORIGIN, ACROSS],
            [(1, 0, 0, 0), (1, 2, 2, 0)],
            id="isolation, fault",
        ),
    ],
)
@pytest.mark.parametrize("input_slices", [1, 3])
@pytest.mark.parametrize("rows_per_phase", [None, 1, 3])
def test_an_illegal_placement_differs_and_its_legal_twin_is_exact(
    operators: list[dict[str, Any]],
    hardware: dict[str, Any],
    right: list[tuple[int, int, int, int]],
    wrong: list[tuple[int, int, int, int]],
    input_slices: int,
    rows_per_phase: int | None,
) -> None:
    hardware = {**hardware, "input_slices": input_slices, "rows_per_phase": rows_per_phase}
    blocks = blocks_of(*operators, **hardware)
    assert all(made(blocks, placed(*right)))
    assert not all(made(blocks, placed(*wrong)))


@pytest.mark.parametrize("name", EXPECTED)
def test_the_cases_of_the_format(name: str) -> None:
    problem, solution = load(name)
    blocks = Blocks.of(problem)
    rule = EXPECTED[name].get("rule")
    assert all(made(blocks, standing_placement(blocks, solution))) == (rule not in IN_PLACE)


# Slices and phases ------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(-(2**52), 2**52) | st.integers(-20, 20), min_size=1, max_size=20),
    st.integers(1, 12),
)
def test_slices_of_whole_numbers_add_up_and_are_never_zero(numbers: list[int], count: int) -> None:
    values = np.array(numbers, dtype=np.float64)
    largest = float(np.abs(values).max())
    slices = np.array(list(cut_slices(values, count, largest=largest, whole=True)))
    assert slices.shape == (count, len(values))
    assert [sum(map(int, column)) for column in slices.T] == numbers
    assert np.array_equal(slices != 0, np.broadcast_to(values != 0, slices.shape))
    assert np.array_equal(add_slices(slices[None])[0], values)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=20),
    st.integers(1, 12),
)
def test_slices_of_floats_add_up(numbers: list[float], count: int) -> None:
    values = np.array(numbers)
    slices = np.array(list(cut_slices(values, count, largest=float(np.abs(values).max()), whole=False)))
    assert slices.shape == (count, len(values))
    assert np.array_equal(add_slices(slices[None])[0], values)


def test_a_slice_of_a_whole_number_has_few_digits() -> None:
    values = np.array([0b110110, -1, 0b111111], dtype=np.float64)
    top, middle, last = cut_slices(values, 3, largest=63, whole=True)
    assert top.tolist() == [0b1000000, -0b10000, 0b1000000]
    assert middle.tolist() == [-0b1100, 0b10000, -0b100]
    assert (top + middle + last).tolist() == values.tolist()


def standing_of(*blocks: tuple[int, int, int, int]) -> Standing:
    """A step of blocks (top, left, height, width)."""
    top, left, height, width = np.array(blocks, dtype=np.int64).T
    nothing = np.zeros(len(blocks), dtype=np.int64)
    return Standing(
        *[nothing] * 4, top, left, top, top + height, left, left + width, nothing, nothing, nothing > 0
    )


def most_wanted(step: Standing, rows: IntArray, phase: IntArray) -> int:
    """The largest number of wanted rows that one column sums in one phase, counted cell by cell."""
    wanted = np.zeros((20, 20), dtype=np.int64)
    for b in range(len(step)):
        wanted[step.top[b] : step.bottom[b], step.left[b] : step.right[b]] = 1
    return max(int(wanted[rows[phase == number]].sum(axis=0).max()) for number in set(phase))


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 20])
@pytest.mark.parametrize(
    ("step", "height"),
    [
        pytest.param(standing_of((3, 0, 5, 2)), 5, id="one block"),
        pytest.param(standing_of((0, 0, 4, 2), (4, 2, 4, 2), (8, 4, 4, 2)), 4, id="diagonal"),
        pytest.param(standing_of((5, 0, 3, 2), (0, 0, 4, 2)), 7, id="stacked, lower one first"),
        pytest.param(standing_of((0, 0, 4, 2), (0, 2, 6, 2)), 6, id="shared input, one taller"),
        pytest.param(standing_of((0, 0, 4, 2), (4, 0, 4, 2), (4, 2, 4, 2), (0, 2, 4, 2)), 8, id="two by two"),
        pytest.param(standing_of((0, 0, 3, 2), (3, 0, 3, 2), (3, 2, 3, 2)), 6, id="one with nothing above"),
    ],
)
def test_phases_are_as_many_as_the_format_says_and_never_sum_too_many_rows(
    step: Standing, height: int, limit: int
) -> None:
    rows, _, phase = drive(step, limit)
    assert rows.tolist() == covered(step.top, step.bottom).tolist()
    assert phase.max() + 1 == -(-height // limit)
    assert most_wanted(step, rows, phase) <= limit
    assert most_wanted(step, rows, np.zeros_like(rows)) == height


@given(st.lists(st.tuples(st.integers(-5, 15), st.integers(0, 6)), max_size=8))
def test_ranges(drawn: list[tuple[int, int]]) -> None:
    begin, length = np.array(drawn, dtype=np.int64).reshape(-1, 2).T
    numbers = [list(range(first, first + count)) for first, count in drawn]
    assert ranges(begin, begin + length).tolist() == list(chain(*numbers))
    assert covered(begin, begin + length).tolist() == sorted(set(chain(*numbers)))


# Size -------------------------------------------------------------------------------------------------------


def test_huge_arrays_cost_only_what_is_used() -> None:
    operators = [operator("a", (0, 0, 4, 2), (4, 2, 4, 2)), operator("b", (0, 0, 4, 2))]
    size, far = 10**6, 10**6 - 4
    right = placed((0, 0, 0, 0), (0, far, far, 0), (0, 0, 500, 9))
    wrong = placed((0, 0, 0, 0), (0, far, far, 0), (0, 0, far, 9))
    faults = [[0, 0, 10, size, far - 10], [0, 10, 0, far - 10, size]]
    for hardware in ({}, {"faults": faults}):
        blocks = blocks_of(*operators, rows=size, columns=size, **hardware)
        assert made(blocks, right) == [True, not hardware]
        assert made(blocks, wrong) == [False, True]


def test_an_array_can_be_read_some_columns_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    blocks = blocks_of(
        operator("a", *((3 * k % 8, k, 1, 1) for k in range(8)), vector="v"),
        operator("b", (0, 0, 3, 4), (3, 0, 2, 4), vector="v"),
        faults=[[0, 2, 3, 2, 3]],
        columns_per_weight=2,
        rows_per_phase=2,
        columns=16,
    )
    weights, given = make_weights(blocks.problem, rng), make_inputs(blocks.problem, rng)
    columns = rng.integers(-2, 16, len(blocks)), rng.integers(0, 2, len(blocks))
    nothing = np.zeros(len(blocks), dtype=np.int64)
    placement = Placement(nothing, nothing, rng.integers(-2, 8, len(blocks)), *columns)
    at_once = simulate(blocks, placement, weights, given)
    monkeypatch.setattr(array_module, "_CELLS", 24)
    in_strips = simulate(blocks, placement, weights, given)
    assert all(np.array_equal(at_once[name], in_strips[name]) for name in ("a", "b"))


# Comparison -------------------------------------------------------------------------------------------------


def reference(x: FloatArray, y: Any, dtype: Any = np.float64) -> Reference:
    return Reference(Tensor.of(x), Tensor.of(np.asarray(y, dtype=dtype)))


def test_whole_numbers_must_be_equal() -> None:
    blocks = blocks_of(operator("a", (0, 0, 2, 2)), operator("b", (0, 0, 1, 1)))
    weights, x = given_weights(blocks, [1, 2, 3, 4], [1]), given_input([1, 10])
    y = x @ np.pad([[1.0, 2], [3, 4]], (0, 6))
    inputs = {"a": x, "b": x}
    for wrong in (0, 1e-9, np.nan, np.inf):
        output = y.copy()
        output[0, 1] += wrong
        (agreement,) = compare(blocks, {"a": output}, weights, inputs)
        assert (agreement.operator, agreement.exact, agreement.tolerance) == ("a", True, 0)
        assert agreement.agrees == (wrong == 0)
        assert agreement.error == pytest.approx(wrong, rel=1e-5, nan_ok=True)


@pytest.mark.parametrize(("dtype", "bits"), [(np.float64, 53), (np.float32, 24), (np.float16, 11)])
def test_other_numbers_may_differ_by_the_rounding_of_the_type(dtype: Any, bits: int) -> None:
    blocks = blocks_of(operator("a", (0, 0, 8, 8)))
    rng = np.random.default_rng(1)
    matrix, x = rng.normal(size=(8, 8)), rng.normal(size=(4, 8))
    weights, y = given_weights(blocks, matrix.ravel()), x @ matrix
    allowed = 8 * 2.0 ** (1 - bits) * (np.abs(x) @ np.abs(matrix) + np.abs(y))
    for share, agrees in ((0, True), (0.3, True), (2, False), (np.nan, False)):
        outputs = {"a": y + share * allowed}
        (agreement,) = compare(blocks, outputs, weights, {"a": x}, {"a": reference(x, y, dtype)})
        assert (agreement.exact, agreement.agrees) == (False, agrees)
    (agreement,) = compare(blocks, outputs, weights, {"a": x[:1]}, {"a": reference(x[:1], y[:1], dtype)})
    assert not agreement.agrees


def test_whole_numbers_that_the_type_cannot_count_are_no_longer_exact() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 1)))
    weights = given_weights(blocks, [3])
    for value, dtype, exact in ((2**24 // 3, np.float32, True), (2**24 // 3 + 1, np.float32, False)):
        x = given_input([value])
        y = np.array([[3.0 * value, 0, 0, 0, 0, 0, 0, 0]])
        (agreement,) = compare(blocks, {"a": y}, weights, {"a": x}, {"a": reference(x, y, dtype)})
        assert (agreement.exact, agreement.agrees) == (exact, True)


def test_only_operators_with_a_reference_are_compared() -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 1)), operator("b", (0, 0, 1, 1)))
    weights, x = given_weights(blocks, [3], [4]), given_input([1], [2])
    right, wrong = np.array([[3.0] + [0] * 7]), np.array([[4.0] + [0] * 7])
    outputs = {"a": np.vstack([right, 2 * right]), "b": np.full((2, 8), np.nan)}
    for y, agrees in ((right, True), (wrong, False)):
        (agreement,) = compare(blocks, outputs, weights, {"a": x, "b": x}, {"a": reference(x[:1], y)})
        assert (agreement.operator, agreement.agrees) == ("a", agrees)


def test_an_overflow_never_agrees() -> None:
    blocks = blocks_of(operator("a", (0, 0, 2, 1)))
    weights, inputs = given_weights(blocks, [1e308, -1e308]), {"a": given_input([1e3, 1e3])}
    outputs = simulate(blocks, placed((0, 0, 0, 0)), weights, inputs)
    (agreement,) = compare(blocks, outputs, weights, inputs)
    assert not agreement.agrees
    weights, inputs = given_weights(blocks, [1e308, 1e308]), {"a": given_input([1, -1])}
    (agreement,) = compare(blocks, {"a": np.full((1, 8), 5.0)}, weights, inputs)
    assert (agreement.tolerance, agreement.agrees) == (np.inf, False)


def test_float_weights_in_slices() -> None:
    rng = np.random.default_rng(1)
    blocks = blocks_of(operator("a", (0, 0, 8, 4)), columns_per_weight=2, input_slices=3)
    weights = given_weights(blocks, rng.normal(size=32).astype(np.float32))
    inputs = {"a": rng.normal(size=(5, 8))}
    right, wrong = (simulate(blocks, placed((0, 0, c, 0)), weights, inputs) for c in (0, 1))
    assert [compare(blocks, y, weights, inputs)[0].agrees for y in (right, wrong)] == [True, False]
