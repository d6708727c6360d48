"""A program yields what the simulator yields, from its commands and images alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import placements, problems
from test_cases import EXPECTED, load

from sbdopt.blocks import Blocks
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.program import Compiled, compile_program, load_program, run_program, save_program
from sbdopt.program.document import Program
from sbdopt.simulate import simulate, standing_placement
from sbdopt.weights.references import make_inputs
from sbdopt.weights.store import make_weights
from sbdopt.weights.tensors import FloatArray


def compiled(problem: Problem, placement: Placement) -> Compiled:
    weights = make_weights(problem, np.random.default_rng(5))
    return compile_program(Blocks.of(problem), placement, weights, cells_name="p.safetensors", seed=5)


def vectors_of(program: Program, inputs: dict[str, FloatArray]) -> list[FloatArray]:
    vectors: list[FloatArray] = [np.zeros((0, 0))] * len(program.vectors)
    for operator in program.operators:
        if operator.vector is not None and inputs[operator.name].shape[1] > vectors[operator.vector].shape[1]:
            vectors[operator.vector] = inputs[operator.name]
    return vectors


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


@settings(max_examples=250, deadline=None)
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
