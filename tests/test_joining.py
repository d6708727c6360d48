"""What is passed over without trying can never be read together."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from strategies import problems

from sbdopt import Budget, Problem
from sbdopt.blocks import Blocks
from sbdopt.search import joining
from sbdopt.search.dealing import Places, Plan, deal
from sbdopt.search.greedy import _spread, orders
from sbdopt.search.packing import Sizes, fill


@settings(max_examples=200, deadline=None)
@given(problems())
def test_nothing_that_could_be_joined_is_passed_over(problem: Problem) -> None:
    blocks = Blocks.of(problem)
    sizes, plan = Sizes.of(blocks), Plan.of(blocks)
    filled = [fill(problem.hardware.arrays, sizes, order, Budget()) for order in orders(sizes)]
    places = [deal(blocks, sizes, fillings, plan) for fillings in filled if fillings is not None]
    spread = _spread(blocks, plan, Budget(), None)
    for one in places if spread is None else [*places, spread]:
        group = joining.join(blocks, one, Budget(seconds=float("inf")))
        everything = {
            "_roomy": lambda blocks, *_: np.ones(len(blocks), dtype=bool),
            "_possible_pairs": lambda _, __, members, *___: np.ones((len(members),) * 2, dtype=bool),
        }
        with patch.multiple(joining, **everything):
            expected = joining.join(blocks, one, Budget(seconds=float("inf")))
        assert (group == expected).all()


def test_blocks_on_a_diagonal_are_joined() -> None:
    """Two of 4x4 in 8x8: the array is half full, and both crossings are empty."""
    corner = [0, 4]
    blocks = {"input": corner, "output": corner, "height": [4, 4], "width": [4, 4]}
    operators = [{"name": "o", "shape": [8, 8], "blocks": blocks}]
    arrays = [{"name": "x", "rows": 8, "columns": 8, "adcs": 8}]
    problem = Problem.model_validate({"name": "p", "hardware": {"arrays": arrays}, "operators": operators})
    places = Places.empty(2)
    places.row[:], places.column[:] = corner, corner
    assert joining.join(Blocks.of(problem), places, Budget()).tolist() == [0, 0]
