"""Permutations at run time are counted, and those that can be are folded into the factors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_program import assert_equal
from test_simulate import blocks_of, operator, placed

from sbdopt import Budget, Problem, solve
from sbdopt.blocks import Blocks
from sbdopt.placement import Placement
from sbdopt.program.transfers import Transfers, fold, order_of

ROOT = Path(__file__).parent.parent
FOUR = [(2 * k, 2 * k, 2, 2) for k in range(4)]


def pair(**second: Any) -> Blocks:
    """R and, directly after it, L, each four blocks on a diagonal."""
    reader = {**operator("L", *FOUR, vector="R"), "after": ["R"]}
    return blocks_of(operator("R", *FOUR), {**reader, **second})


def rotated(i: int, j: int) -> Placement:
    """R's block k at block-row k and block-column k + i, L's at block-row k + j and block-column k."""
    first = [(0, 2 * k, 2 * ((k + i) % 4), k) for k in range(4)]
    return placed(*first, *[(1, 2 * ((k + j) % 4), 2 * k, 50 + k) for k in range(4)])


@pytest.mark.parametrize(
    ("sequence", "order"),
    [
        ([3], "in order"),
        ([0, 1, 5], "in order"),
        ([4, 5, 0, 1], "rotated"),
        ([1, 0], "rotated"),
        ([0, 2, 1], "scattered"),
        ([2, 1, 0], "scattered"),
    ],
)
def test_orders(sequence: list[int], order: str) -> None:
    assert order_of(np.array(sequence)) == order


def test_the_rotations_of_inverse_diagonals_vanish(tmp_path: Path) -> None:
    folding = fold(pair(), rotated(1, 1))
    assert folding.before == Transfers(in_order=2, rotated=2, scattered=0)
    assert folding.after == Transfers(in_order=4, rotated=0, scattered=0)
    assert folding.position[0].tolist() == [2, 3, 4, 5, 6, 7, 0, 1]
    assert_equal(pair().problem, rotated(1, 1), tmp_path / "p.json")


@pytest.mark.parametrize(
    ("i", "j", "before", "after"), [(0, 0, 0, 0), (1, 2, 2, 1), (1, 0, 1, 1), (0, 3, 1, 1)]
)
def test_other_rotations_do_not(i: int, j: int, before: int, after: int, tmp_path: Path) -> None:
    folding = fold(pair(), rotated(i, j))
    assert (folding.before.permutations, folding.after.permutations) == (before, after)
    assert_equal(pair().problem, rotated(i, j), tmp_path / "p.json")


def test_what_is_read_elsewhere_is_not_folded() -> None:
    other = {**operator("M", *FOUR, vector="R"), "after": []}
    for blocks in (
        pair(input="v"),
        pair(after=[]),
        pair(shape=[9, 8]),
        blocks_of(*[one.model_dump(exclude_none=True) for one in pair().problem.operators], other),
    ):
        placement = rotated(1, 1)
        if len(blocks) > 8:
            extra = placed(*[(2, 2 * k, 2 * k, 90 + k) for k in range(4)])
            columns = ("kind", "array", "row", "column", "start")
            joined = [np.concatenate([getattr(one, name) for one in (placement, extra)]) for name in columns]
            placement = Placement(*joined)
        folding = fold(blocks, placement)
        assert folding.position == {}
        assert folding.before == folding.after
        assert folding.before.permutations == 2


def test_rows_that_are_used_again_are_another_transfer() -> None:
    """Two blocks on the same rows, one after another, are each in order."""
    blocks = blocks_of(operator("a", (4, 0, 2, 2), (0, 2, 2, 2)))
    assert fold(blocks, placed((0, 0, 0, 0), (0, 0, 2, 9))).before == Transfers(3, 0, 0)
    assert fold(blocks, placed((0, 0, 0, 0), (0, 2, 2, 9))).before == Transfers(1, 1, 0)


def test_several_slices_of_a_weight_are_one_output() -> None:
    blocks = blocks_of(operator("a", (0, 2, 2, 2), (2, 0, 2, 2)), columns_per_weight=2)
    assert fold(blocks, placed((0, 0, 0, 0), (0, 2, 4, 0))).before == Transfers(1, 1, 0)


def test_densemap_needs_no_permutation_once_folded(tmp_path: Path) -> None:
    problem = Problem.load(ROOT / "problems" / "bert-large-1-layer.json")
    solution = solve(problem, method="densemap", budget=Budget(seconds=60))
    blocks = Blocks.of(problem)
    placement = Placement.read(blocks, solution)
    folding = fold(blocks, placement)
    assert (folding.before.rotated, folding.after.permutations) == (80, 0)
    assert_equal(problem, placement, tmp_path / "p.json")
