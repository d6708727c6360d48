"""Blocks of few sizes shared out over the arrays that they fill."""

import pytest
from diagonals import chained

from sbdopt import Budget, Placement, Problem, Solution, judge
from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.search.method import Found
from sbdopt.search.pack import pack
from sbdopt.search.score import score
from sbdopt.search.sharing import share

GOALS = Goals(("unused_cells", "makespan"))


def chain(*operators: tuple[int, int, int], side: int = 16) -> Problem:
    """Operators one after the other: so many blocks of a height and a width each."""
    arrays = [{"name": "xbar", "rows": side, "columns": side, "adcs": 4}]
    made = chained([[(height, width)] * count for count, height, width in operators])
    return Problem.model_validate({"name": "chain", "hardware": {"arrays": arrays}, "operators": made})


def placements(problem: Problem, work: float = 50.0) -> tuple[Placement, list[Placement]]:
    """The last of the packing, and what is made of it."""
    blocks = Blocks.of(problem)
    packed = [f for f in pack(blocks, GOALS, Budget(work=work), 0, None) if isinstance(f, Found)]
    start = packed[-1].placement
    found = share(blocks, GOALS, Budget(work=work), 0, start)
    return start, [one.placement for one in found if isinstance(one, Found)]


def test_every_operator_takes_the_least_time_on_full_arrays() -> None:
    # eight arrays: each gets two large blocks, one of either operator, and eight small ones, two of each
    problem = chain((8, 8, 8), (16, 4, 4), (16, 4, 4), (8, 8, 8), (16, 4, 4), (16, 4, 4))
    blocks = Blocks.of(problem)
    start, found = placements(problem)
    values = score(blocks, found[-1])
    assert score(blocks, start)["unused_cells"] == values["unused_cells"]
    assert values["makespan"] == 2 * 3 + 4 * 2 * 2
    operators = found[-1].to_operators(blocks)
    solution = Solution(problem=problem.name, problem_sha256=problem.sha256, operators=operators)
    assert judge(blocks, solution).legal


def test_numbers_that_cannot_stand_on_an_array_are_passed_over() -> None:
    # by cells each of two arrays could hold one tall and one wide block, but these cross
    problem = chain((2, 16, 6), (2, 6, 16), (4, 2, 2))
    _, found = placements(problem)
    for placement in found:
        assert placement.array[0] == placement.array[1] != placement.array[2]


def test_same_work_same_places() -> None:
    problem = chain((12, 8, 8), (16, 4, 8), (8, 8, 4), (24, 4, 4))
    one, two = (placements(problem)[1] for _ in range(2))
    assert [p.start.tolist() for p in one] == [p.start.tolist() for p in two]
    assert [p.array.tolist() for p in one] == [p.array.tolist() for p in two]


def test_nothing_is_shared_out_where_numbers_are_too_many_or_time_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = chain((12, 8, 8), (16, 4, 8))
    blocks = Blocks.of(problem)
    start, found = placements(problem)
    assert found
    assert list(share(blocks, GOALS, Budget(work=50.0), 0, None)) == []
    assert list(share(blocks, Goals(("unused_cells",)), Budget(work=50.0), 0, start)) == []
    assert list(share(blocks, GOALS, Budget(seconds=0.5, clock=lambda: 0.0), 0, start)) == []
    numbers = 2 * len(set(start.array.tolist()))
    monkeypatch.setattr("sbdopt.search.sharing._MOST_NUMBERS", numbers)
    assert list(share(blocks, GOALS, Budget(work=50.0), 0, start))
    monkeypatch.setattr("sbdopt.search.sharing._MOST_NUMBERS", numbers - 1)
    assert list(share(blocks, GOALS, Budget(work=50.0), 0, start)) == []
