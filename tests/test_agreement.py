"""Two that know nothing of each other: the judge's rules hold exactly when the simulation yields x W."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from strategies import placements, problems

from sbdopt.blocks import Blocks
from sbdopt.judge import judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.simulate import compare, simulate
from sbdopt.weights.store import OperatorWeights
from sbdopt.weights.tensors import FloatArray, Tensor

TIME = {"periphery", "precedence"}
"""What these say cannot be seen in a value."""


@st.composite
def cases(draw: Any) -> tuple[Problem, Placement]:
    problem = draw(problems())
    return problem, draw(placements(problem))


def whole_numbers(rng: np.random.Generator, bits: int, shape: tuple[int, ...]) -> FloatArray:
    """So many different numbers that none is met twice, and so small that all sums are exact."""
    signs = rng.choice((-1.0, 1.0), shape)
    return signs * rng.integers(2 ** (bits - 1), 2**bits, shape)


def broken(problem: Problem, placement: Placement) -> set[str]:
    verdict = judge_placement(Blocks.of(problem), placement)
    return {violation.rule for violation in verdict.violations} - TIME


def yields_x_w(problem: Problem, placement: Placement) -> bool:
    rng = np.random.default_rng(0)
    blocks = Blocks.of(problem)
    crossbars = [operator for operator in problem.operators if operator.blocks is not None]
    weights, inputs, vectors = {}, {}, {}
    for operator in crossbars:
        size = int((operator.blocks.height * operator.blocks.width).sum())
        values = Tensor.of(whole_numbers(rng, 24, (size,)))
        weights[operator.name] = OperatorWeights.of(operator.blocks, values)
        drawn = whole_numbers(rng, 20, (2, operator.shape[0]))
        inputs[operator.name] = vectors.setdefault(operator.input or operator.name, drawn)
    outputs = simulate(blocks, placement, weights, inputs)
    agreements = compare(blocks, outputs, weights, inputs)
    assert [agreement.operator for agreement in agreements] == [operator.name for operator in crossbars]
    assert all(agreement.exact for agreement in agreements)
    return all(agreement.agrees for agreement in agreements)


@settings(max_examples=400, deadline=None)
@given(cases())
def test_judge_and_simulation_agree(case: tuple[Problem, Placement]) -> None:
    assert (not broken(*case)) == yields_x_w(*case)


def shares_a_step(placement: Placement) -> bool:
    steps = set(zip(placement.kind, placement.array, placement.start, strict=True))
    return len(steps) < len(placement.kind)


@pytest.mark.parametrize(
    "rule", ["inside", "disjoint", "row agreement", "column agreement", "isolation", None]
)
def test_each_rule_is_broken_alone_by_some_case(rule: str | None) -> None:
    """Otherwise the property above would say nothing about it."""
    wanted = set() if rule is None else {rule}
    case = find(
        cases(),
        lambda case: broken(*case) == wanted and shares_a_step(case[1]),
        settings=settings(max_examples=5000, phases=[Phase.generate], derandomize=True, deadline=None),
    )
    assert yields_x_w(*case) == (rule is None)
