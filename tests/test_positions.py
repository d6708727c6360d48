"""The position bound is below every packing, and above area where rectangles leave room."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from diagonals import diagonal
from hypothesis import given, settings
from hypothesis import strategies as st
from test_packing import random_kind, random_sizes

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds, position_bound, positions
from sbdopt.bounds.positions import least_cells
from sbdopt.problem import ArrayKind, Problem
from sbdopt.search.budget import Budget
from sbdopt.search.packing import fill

randoms = st.randoms(use_true_random=True)


@settings(max_examples=100, deadline=None)
@given(randoms)
def test_no_packing_is_below_the_bound(random: Random) -> None:
    """Random kinds and sizes, filled in a random order."""
    kinds = [random_kind(random, name, random.choice((None, 3, 9))) for name in "ab"[: random.randint(1, 2)]]
    sizes = random_sizes(random)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(positions, "_MOST_STRIPS", (random.choice((2, 4, 7, 64)),))
        bound = least_cells(sizes.height, sizes.width, sizes.count, kinds, float("inf"))
    order = random.sample(range(len(sizes.count)), len(sizes.count))
    fillings = fill(kinds, sizes, order, Budget())
    if fillings is not None:
        assert bound is not None
        assert bound <= sum(kinds[filling.kind].rows * kinds[filling.kind].columns for filling in fillings)
        assert bound >= int((sizes.height * sizes.width * sizes.count).sum()) - 1


@settings(max_examples=30, deadline=None)
@given(randoms)
def test_any_weights_prove_something_true(random: Random) -> None:
    """The proof does not rest on the solver: with weights drawn at random it still holds."""
    kind = random_kind(random, "a", random.choice((None, 9)))
    sizes = random_sizes(random)
    grid = positions._grid(sizes.height, sizes.width, kind, random.choice((2, 3, 5, 64)))
    weight = np.array([random.uniform(0, 3) for _ in range(grid.area.size)]).reshape(grid.area.shape)
    bound = positions._proven([grid], sizes.count, [kind], [weight])
    fillings = fill([kind], sizes, range(len(sizes.count)), Budget())
    assert fillings is None or bound <= len(fillings) * kind.rows * kind.columns


def test_it_sees_what_area_and_functions_do_not() -> None:
    """Named, in whole arrays, and above the other bounds where sides do not add up to those of the array."""
    sizes = [(56, 72, 43), (8, 88, 118), (24, 72, 275), (96, 96, 65), (48, 8, 183)]
    operator = diagonal("o", [(h, w) for h, w, count in sizes for _ in range(count)])
    arrays = [{"name": "x", "rows": 256, "columns": 256, "adcs": 1}]
    problem = Problem.model_validate({"name": "p", "hardware": {"arrays": arrays}, "operators": [operator]})
    table = Blocks.of(problem)
    bound = position_bound(table, float("inf"))
    assert bound is not None
    assert (bound.goal, bound.reason, bound.given) == ("unused_cells", "position LP", ())
    assert (bound.value + table.cells) % 65536 == 0
    assert bound.value > max(other.value for other in lower_bounds(table, "unused_cells", {}))


def test_strips_where_places_are_too_many() -> None:
    """Of small sizes on a large array; the bound is that of area at least, here exactly."""
    kind = ArrayKind(name="x", rows=1000, columns=1000, adcs=1)
    side = np.array([3, 7])
    count = np.array([500_000, 30_000])
    cells = least_cells(side, side, count, [kind], float("inf"))
    assert cells is not None
    area = int((side * side * count).sum())
    assert area * 0.999 <= cells <= area


def test_too_large_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "_MOST_PLACES", 100)
    kind = ArrayKind(name="x", rows=1000, columns=1000, adcs=1)
    one = np.array([3, 7])
    assert least_cells(one, one, np.array([5, 5]), [kind], 10.0) is None
