"""A program yields what the simulator yields, from its commands and images alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import placements, problems
from test_cases import EXPECTED, load
from test_simulate import blocks_of, given_weights, operator, placed

from sbdopt.blocks import Blocks
from sbdopt.judge import judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.program import (
    Compiled,
    compile_program,
    load_program,
    run_program,
    save_program,
    vectors_of,
)
from sbdopt.program.document import Add, Barrier, Command, Digital, Drive, ProgramCells, Read
from sbdopt.simulate import simulate, standing_placement
from sbdopt.weights.references import make_inputs
from sbdopt.weights.store import make_weights
from sbdopt.weights.tensors import FloatArray


def compiled(problem: Problem, placement: Placement) -> Compiled:
    weights = make_weights(problem, np.random.default_rng(5))
    return compile_program(Blocks.of(problem), placement, weights, cells_name="p.safetensors", seed=5)


def both(problem: Problem, placement: Placement, path: Path) -> tuple[dict[str, FloatArray], ...]:
    """What the program yields that is read from a file, and what the simulator does."""
    save_program(compiled(problem, placement), path)
    loaded = load_program(path)
    inputs = make_inputs(problem, np.random.default_rng(6))
    weights = make_weights(problem, np.random.default_rng(5))
    ran = run_program(loaded.program, loaded.cells, vectors_of(loaded.program, inputs))
    return ran, simulate(Blocks.of(problem), placement, weights, inputs)


def assert_equal(problem: Problem, placement: Placement, path: Path) -> None:
    ran, simulated = both(problem, placement, path)
    assert list(ran) == list(simulated)
    for name, output in simulated.items():
        assert np.array_equal(ran[name], output), name


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_what_runs_is_what_is_simulated(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Legal or not: of two blocks on a cell, and of two values on a row, the same one counts."""
    problem = data.draw(problems())
    assert_equal(problem, data.draw(placements(problem)), tmp_path_factory.mktemp("program") / "p.json")


@pytest.mark.parametrize("name", EXPECTED)
def test_the_cases_of_the_format(name: str, tmp_path: Path) -> None:
    problem, solution = load(name)
    assert_equal(problem, standing_placement(Blocks.of(problem), solution), tmp_path / "p.json")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_commands_come_in_order_of_time_and_barriers_hold(data: st.DataObject) -> None:
    problem = data.draw(problems())
    placement = data.draw(placements(problem))
    if judge_placement(Blocks.of(problem), placement).legal:
        assert_in_order(Blocks.of(problem), commands_of(Blocks.of(problem), placement))


def assert_in_order(blocks: Blocks, commands: list[Command]) -> None:
    timed = [command for command in commands if not isinstance(command, ProgramCells)]
    assert [command.at for command in timed] == sorted(command.at for command in timed)
    assert commands[len(commands) - len(timed) :] == timed
    done: set[int] = set()
    awaited: set[int] = set()
    for command in timed:
        if isinstance(command, Barrier):
            assert tuple(command.after) == blocks.predecessors[command.operator]
            done |= set(command.after)
            awaited.add(command.operator)
            continue
        working = {command.operator} if isinstance(command, Digital) else set()
        if isinstance(command, Read | Add):
            working = {operator for _, _, operator, _ in command.columns}
        assert not working & done, "a barrier has waited for it"
        assert all(operator in awaited or not blocks.predecessors[operator] for operator in working)


# Commands ---------------------------------------------------------------------------------------------------


def commands_of(blocks: Blocks, placement: Placement) -> list[Command]:
    return compiled(blocks.problem, placement).program.commands


def test_every_command() -> None:
    """Two blocks of one output, one after the other on an array; then a norm, then another operator."""
    digital = {"name": "norm", "cycles": 7, "after": ["a"]}
    last = {**operator("b", (4, 2, 2, 2), vector="norm"), "after": ["norm"]}
    blocks = blocks_of(operator("a", (0, 0, 2, 2), (2, 0, 3, 3)), digital, last)
    placement = placed((0, 0, 0, 0), (0, 2, 2, 3), (1, 5, 4, 14))
    assert commands_of(blocks, placement) == [
        ProgramCells(array=0, rows=[[0, 5]], columns=[[0, 5]]),
        ProgramCells(array=1, rows=[[5, 2]], columns=[[4, 2]]),
        Drive(at=0, array=0, rows=[[0, 2, 0, 0]]),
        Read(at=0, array=0, columns=[[0, 2, 0, 0]]),
        Drive(at=3, array=0, rows=[[2, 3, 0, 2]]),
        Read(at=3, array=0, columns=[[4, 1, 0, 2]]),
        Add(at=3, array=0, columns=[[2, 2, 0, 0]]),
        Barrier(at=7, operator=1, after=[0]),
        Digital(at=7, operator=1),
        Barrier(at=14, operator=2, after=[1]),
        Drive(at=14, array=1, rows=[[5, 2, 1, 4]]),
        Read(at=14, array=1, columns=[[4, 2, 2, 2]]),
    ]


def test_neighbours_share_a_range() -> None:
    """A diagonal is driven and read as one; elsewhere a range ends where rows or elements jump."""
    blocks = blocks_of(operator("a", (0, 0, 2, 2), (2, 2, 2, 2), (5, 4, 2, 1)))
    _, drive, read = commands_of(blocks, placed((0, 0, 0, 0), (0, 2, 2, 0), (0, 4, 4, 0)))
    assert drive == Drive(at=0, array=0, rows=[[0, 4, 0, 0], [4, 2, 0, 5]])
    assert read == Read(at=0, array=0, columns=[[0, 5, 0, 0]])


def test_a_range_ends_with_its_vector() -> None:
    one, two = ({**operator(name, (0, 0, 2, 2)), "shape": [2, 2]} for name in "ab")
    _, drive, read = commands_of(blocks_of(one, two), placed((0, 0, 0, 0), (0, 2, 2, 0)))
    assert drive == Drive(at=0, array=0, rows=[[0, 2, 0, 0], [2, 2, 1, 0]])
    assert read == Read(at=0, array=0, columns=[[0, 2, 0, 0], [2, 2, 1, 0]])


def test_phases_are_driven_one_after_another_and_added() -> None:
    blocks = blocks_of(operator("a", (0, 0, 5, 2)), rows_per_phase=2, input_slices=3)
    _, *commands = commands_of(blocks, placed((0, 1, 0, 4)))
    assert [(command.op, command.at) for command in commands] == [
        ("drive", 4), ("read", 4), ("drive", 13), ("add", 13), ("drive", 22), ("add", 22),
    ]  # fmt: skip
    assert [command.rows for command in commands[::2]] == [[[1, 2, 0, 0]], [[3, 2, 0, 2]], [[5, 1, 0, 4]]]


def test_slices_of_weights_have_columns_of_their_own() -> None:
    blocks = blocks_of(operator("a", (0, 3, 1, 2)), columns_per_weight=3)
    image, _, read = commands_of(blocks, placed((0, 0, 1, 0)))
    assert image == ProgramCells(array=0, rows=[[0, 1]], columns=[[1, 6]])
    assert read == Read(at=0, array=0, columns=[[1, 6, 0, 9]])


def test_other_kinds_are_named() -> None:
    problem, solution = load("kinds")
    commands = commands_of(Blocks.of(problem), standing_placement(Blocks.of(problem), solution))
    assert {command.kind for command in commands if isinstance(command, Drive)} == {None, 1}


@pytest.mark.parametrize(
    ("weights", "dtype"),
    [([1, -128], "I8"), ([1, 128], "I16"), ([1, 2**20], "F32"), ([0.5, 1], "F32"), ([0.1, 1], "F64")],
)
def test_images_are_as_narrow_as_is_exact(weights: list[float], dtype: str, tmp_path: Path) -> None:
    blocks = blocks_of(operator("a", (0, 0, 1, 2)))
    given = given_weights(blocks, weights)
    made = compile_program(blocks, placed((0, 0, 0, 0)), given, cells_name="p.safetensors")
    save_program(made, tmp_path / "p.json")
    image = load_program(tmp_path / "p.json").cells["xbar/0"]
    assert (image.dtype, image.array().tolist()) == (dtype, [weights])


def test_floats_differ_by_rounding_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    hardware = {"columns_per_weight": 2, "input_slices": 2, "rows_per_phase": 3}
    blocks = blocks_of(operator("a", (0, 0, 8, 4)), **hardware)
    weights, x = given_weights(blocks, rng.normal(size=32)), {"a": rng.normal(size=(3, 8))}
    made = compile_program(blocks, placed((0, 0, 0, 0)), weights, cells_name="p.safetensors")
    save_program(made, tmp_path / "p.json")
    loaded = load_program(tmp_path / "p.json")
    y = run_program(loaded.program, loaded.cells, vectors_of(loaded.program, x))["a"]
    np.testing.assert_allclose(y, simulate(blocks, placed((0, 0, 0, 0)), weights, x)["a"], rtol=1e-12)


def test_problems_without_crossbars_have_programs(tmp_path: Path) -> None:
    blocks = blocks_of({"name": "norm", "cycles": 3, "after": []})
    assert_equal(blocks.problem, placed(), tmp_path / "p.json")
