"""Splits compute the same; what bounds them bounds every cut; cutting never makes anything worse."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise, product
from random import Random

import numpy as np
import pytest
from brute_force import VALUES, front
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_problems import small_problem

from sbdopt import Blocks, Budget, InputError, Placement, Problem, check, judge, simulate, solve
from sbdopt.bounds import lower_bounds
from sbdopt.judge import judge_placement
from sbdopt.problem import BlockColumns, Operator
from sbdopt.split import Cut, cut, split
from sbdopt.split.bounds import SplitBounds, least_cycles
from sbdopt.split.cutting import Choice, cut_blocks, cut_placement
from sbdopt.split.files import split_weights
from sbdopt.split.menu import cut_by_turns, most_together
from sbdopt.split.mixing import mixed
from sbdopt.weights.references import make_inputs
from sbdopt.weights.store import OperatorWeights, make_weights

GOALS = (("unused_cells", "makespan"), ("makespan", "unused_cells"), ("arrays", "interval"))


def chain(*widths: int, adcs: int = 2, rows: int = 4, columns: int = 8, **hardware: object) -> Problem:
    """Operators of one block each, 4 rows high, one after another, with a digital one at the end."""
    operators: list[dict[str, object]] = []
    for number, width in enumerate(widths):
        block = {"input": [0], "output": [0], "height": [4], "width": [width]}
        after = [f"o{number - 1}"] if number else []
        operators.append({"name": f"o{number}", "shape": [4, width], "blocks": block, "after": after})
    operators.append({"name": "end", "cycles": 3, "after": [f"o{len(widths) - 1}"]})
    array = {"name": "xbar", "rows": rows, "columns": columns, "adcs": adcs}
    return Problem.model_validate(
        {"name": "chain", "hardware": {"arrays": [array], **hardware}, "operators": operators}
    )


def choices(problem: Problem, random: Random) -> Choice:
    sizes = (None, 1, 2, 3)
    return tuple(Cut(width=random.choice(sizes), height=random.choice(sizes)) for _ in problem.operators)


problems = st.builds(lambda random, count: small_problem(random, count), st.randoms(), st.integers(1, 5))


def dense(problem: Problem, weights: dict[str, OperatorWeights]) -> dict[str, np.ndarray]:
    """The whole matrix of every operator, and how often each of its elements is in a block."""
    result = {}
    for operator in problem.operators:
        if operator.blocks is None:
            continue
        matrix = np.zeros((2, *operator.shape))
        for k in range(len(operator.blocks)):
            top, left = int(operator.blocks.input[k]), int(operator.blocks.output[k])
            block = weights[operator.name].block(k)
            matrix[:, top : top + block.shape[0], left : left + block.shape[1]] += np.stack([block, block**0])
        result[operator.name] = matrix
    return result


@settings(max_examples=150, deadline=None)
@given(problems, st.randoms())
def test_a_split_problem_has_the_same_matrices(problem: Problem, random: Random) -> None:
    made = cut(problem, choices(problem, random), add_cycles=2)
    weights = make_weights(problem, np.random.default_rng(0))
    operators = {operator.name: operator for operator in made.problem.operators}
    pieces = {
        name: OperatorWeights.of(operators[name].blocks, tensor)
        for name, tensor in split_weights(problem, made, weights).items()
    }
    before, after = dense(problem, dict(weights)), dense(made.problem, pieces)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_comparing_matrices_can_fail() -> None:
    problem = chain(4)
    made = cut(problem, (Cut(width=2), Cut()))
    weights = make_weights(problem, np.random.default_rng(0))
    wrong = {"o0": OperatorWeights.of(made.problem.operators[0].blocks, weights["o0"].tensor)}
    assert not np.array_equal(dense(problem, dict(weights))["o0"], dense(made.problem, wrong)["o0"])


def test_arrays_yield_the_same() -> None:
    """Weights of the pieces, solved and simulated, yield what whole blocks do."""
    problem = chain(6, 5, rows_per_phase=2)
    made = cut(problem, (Cut(width=4, height=3), Cut(height=2), Cut()), add_cycles=1)
    weights = make_weights(problem, np.random.default_rng(1))
    inputs = make_inputs(problem, np.random.default_rng(2))
    operators = {operator.name: operator for operator in made.problem.operators}
    pieces = {
        name: OperatorWeights.of(operators[name].blocks, tensor)
        for name, tensor in split_weights(problem, made, weights).items()
    }
    outputs = []
    for one, own in ((problem, weights), (made.problem, pieces)):
        blocks = Blocks.of(one)
        outputs.append(simulate(blocks, Placement.read(blocks, solve(one)), own, inputs))
    assert outputs[0].keys() == outputs[1].keys() == {"o0", "o1"}
    assert all(np.array_equal(outputs[0][name], outputs[1][name]) for name in outputs[0])


def test_pieces_are_as_large_as_they_may_be() -> None:
    made = cut(chain(5), (Cut(width=2, height=3), Cut()), add_cycles=7)
    first, add, end = made.problem.operators
    assert first.blocks is not None
    assert first.blocks.output.tolist() == [0, 2, 4, 0, 2, 4]
    assert first.blocks.input.tolist() == [0, 0, 0, 3, 3, 3]
    assert first.blocks.width.tolist() == [2, 2, 1, 2, 2, 1]
    assert first.blocks.height.tolist() == [3, 3, 3, 1, 1, 1]
    assert (add.name, add.cycles, add.after, end.after) == ("o0.add", 7, ["o0"], ["o0.add"])


@pytest.mark.parametrize(("height", "levels"), [(None, 0), (4, 0), (3, 1), (2, 1), (1, 2)])
def test_levels_of_additions(height: int | None, levels: int) -> None:
    made = cut(chain(5), (Cut(height=height), Cut()), add_cycles=7)
    added = [operator.cycles for operator in made.problem.operators if operator.name == "o0.add"]
    assert added == ([7 * levels] if levels else [])


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    problem = chain(5)
    block = problem.operators[0].model_copy(update={"name": "o0.add"})
    problem = problem.model_copy(update={"operators": [*problem.operators, block]})
    made = cut(problem, (Cut(height=2),) * 3, add_cycles=1)
    names = [operator.name for operator in made.problem.operators]
    assert names == ["o0", "o0.add2", "end", "o0.add", "o0.add.add"]


@settings(max_examples=100, deadline=None)
@given(problems, st.randoms())
def test_blocks_cut_where_they_stand_keep_all_metrics(problem: Problem, random: Random) -> None:
    """The argument of the bounds; additions that take no time change nothing either."""
    blocks = Blocks.of(problem)
    solution = solve(problem, method="greedy", budget=Budget(seconds=60))
    if solution.metrics is None:
        return
    made = cut(problem, choices(problem, random), add_cycles=0)
    pieces = Blocks.of(made.problem)
    moved = cut_placement(blocks, Placement.read(blocks, solution), made.pieces)
    assert judge_placement(pieces, moved).metrics.to_document() == solution.metrics


@settings(max_examples=50, deadline=None)
@given(problems, st.sampled_from((None, 1, 2)), st.sampled_from((None, 1, 2)))
def test_the_table_of_cut_blocks_is_that_of_the_cut_problem(
    problem: Problem, height: int | None, width: int | None
) -> None:
    table = cut_blocks(Blocks.of(problem), height, width)
    wanted = Blocks.of(
        cut(problem, (Cut(width=width),) * len(problem.operators)).problem if height is None else problem
    )
    if height is None:
        for name in ("operator", "index", "vector", "input", "output", "height", "width", "columns", "first"):
            assert np.array_equal(getattr(table, name), getattr(wanted, name)), name
    assert table.cells == wanted.cells


def compositions(size: int) -> Iterator[list[tuple[int, int]]]:
    """All ways to cut so many columns: where each piece begins, and its size."""
    for cuts in product((False, True), repeat=size - 1):
        edges = [0, *(place for place, here in enumerate(cuts, 1) if here), size]
        yield [(one, two - one) for one, two in pairwise(edges)]


def all_splits(problem: Problem, add_cycles: int | None) -> Iterator[Problem]:
    """Every way to cut every block into a grid, written anew: nothing here is shared with sbdopt.split."""
    crossbars = [operator for operator in problem.operators if operator.blocks is not None]
    grids = []
    for operator in crossbars:
        for height, width in zip(
            operator.blocks.height.tolist(), operator.blocks.width.tolist(), strict=True
        ):
            downs = [[(0, height)]] if add_cycles is None else list(compositions(height))
            grids.append(list(product(downs, compositions(width))))
    for chosen in product(*grids):
        left, adds, operators = list(chosen), {}, []
        for operator in problem.operators:
            if operator.blocks is None:
                operators.append(operator)
                continue
            mine = [left.pop(0) for _ in range(len(operator.blocks))]
            table = [
                (int(operator.blocks.input[k]) + top, int(operator.blocks.output[k]) + begin, height, width)
                for k, (down, across) in enumerate(mine)
                for (top, height), (begin, width) in product(down, across)
            ]
            names = ("input", "output", "height", "width")
            columns = {name: [row[place] for row in table] for place, name in enumerate(names)}
            operators.append(operator.model_copy(update={"blocks": BlockColumns(**columns)}))
            bands = max((len(down) for down, _ in mine), default=1)
            if bands > 1:
                adds[operator.name] = levels = f"{operator.name}+"
                cycles = (add_cycles or 0) * int(np.ceil(np.log2(bands)))
                operators.append(Operator(name=levels, after=[operator.name], cycles=cycles))
        yield problem.model_copy(
            update={
                "operators": [
                    one.model_copy(
                        update={
                            "after": [
                                name if f"{name}+" == one.name else adds.get(name, name) for name in one.after
                            ]
                        }
                    )
                    for one in operators
                ]
            }
        )


def few_pieces(random: Random, most: int, *, rows: bool) -> Problem:
    """A problem of one or two blocks of so few weights that all splits can be tried in every way."""
    while True:
        problem = small_problem(random, random.choice((1, 1, 2)))
        blocks = Blocks.of(problem)
        finest = (blocks.width * blocks.height if rows else blocks.width).sum()
        sizes = [kind.rows * kind.columns for kind in problem.hardware.arrays]
        if 2 <= finest <= most and max(sizes) <= 16 and len(sizes) == 1:
            return problem


@pytest.mark.parametrize("add_cycles", [None, 0, 2])
def test_bounds_hold_for_all_splits(add_cycles: int | None) -> None:
    """Whatever is cut however and stands wherever: no goal is below its bound at what others have."""
    reached = 0
    for seed in range(25):
        random = Random(1000 * (add_cycles or 0) + seed)
        problem = few_pieces(random, 5, rows=add_cycles is not None)
        bounds = SplitBounds(Blocks.of(problem), add_cycles)
        found = [best.values for one in all_splits(problem, add_cycles) for best in front(one)]
        if bounds.infeasibility() is not None:
            assert not found
        for values in found:
            for goal in VALUES:
                for reached_of in ({}, *({other: values[other]} for other in VALUES if other != goal)):
                    bound = bounds.best(goal, reached_of)
                    assert bound.value <= values[goal], (seed, goal, reached_of, bound, values)
        if found:
            least = min(values["makespan"] for values in found)
            reached += bounds.best("makespan", {}).value == least
    assert reached >= 12


def test_a_bound_that_is_too_high_would_be_found() -> None:
    problem = chain(3, adcs=1)
    least = min(best.values["makespan"] for one in all_splits(problem, None) for best in front(one))
    assert least == SplitBounds(Blocks.of(problem), None).best("makespan", {}).value == 2 + 3
    whole = max(bound.value for bound in lower_bounds(Blocks.of(problem), "makespan", {}))
    assert whole == 4 + 3 > least


def test_least_cycles_weigh_phases_against_additions() -> None:
    """Whole: 4 phases of 2; halves: 2 phases of 2 and one addition; rows: 1 phase of 2 and two additions."""
    blocks = Blocks.of(chain(1, rows_per_phase=1))
    assert [int(least_cycles(blocks, add)[0]) for add in (None, 0, 1, 2, 3, 4, 5)] == [8, 2, 4, 6, 7, 8, 8]


@settings(max_examples=30, deadline=None)
@given(problems, st.sampled_from(GOALS), st.sampled_from((None, 0, 2)))
def test_never_worse_than_whole_and_never_below_the_bounds(
    problem: Problem, goals: tuple[str, ...], add_cycles: int | None
) -> None:
    def budget() -> Budget:
        return Budget(seconds=float("inf"), work=0.05)

    whole = solve(problem, goals=goals, method="greedy", budget=budget()).metrics
    made = split(problem, goals=goals, method="greedy", budget=budget(), add_cycles=add_cycles)
    metrics, summary = made.solution.metrics, made.solution.solver["split"]
    assert not made.solution.solver.get("faults")
    if metrics is None:
        assert whole is None
        return
    verdict = judge(Blocks.of(made.split.problem), made.solution)
    assert verdict.legal
    assert check(made.split.problem, made.solution).agrees
    values = [getattr(metrics, goal) for goal in goals]
    if whole is not None:
        assert values <= [getattr(whole, goal) for goal in goals]
        if values == [getattr(whole, goal) for goal in goals]:
            assert summary["pieces"] == summary["blocks"]
    assert all(summary["bounds"].get(goal, 0) <= value for goal, value in zip(goals, values, strict=True))


def test_cutting_pays_where_converters_wait() -> None:
    """8 columns for 2 converters take 5 cycles; on 4 arrays 2, and no cut can do it in less."""
    made = split(chain(8, 8, 8, 8, rows=16), goals=("unused_cells", "makespan"))
    assert (made.solution.metrics.unused_cells, made.solution.metrics.makespan) == (0, 4 * 5 + 3)
    made = split(chain(8, 8, 8, 8), goals=("unused_cells", "makespan"))
    assert (made.solution.metrics.unused_cells, made.solution.metrics.makespan) == (0, 4 * 2 + 3)
    assert made.solution.solver["split"]["bounds"] == {"unused_cells": 0, "makespan": 11}
    assert made.solution.solver["split"]["whole"] == {"unused_cells": 0, "makespan": 23}
    assert made.solution.solver["split"]["pieces"] == 16
    assert made.solution.status == "optimal"


def test_operators_with_time_to_spare_are_not_cut() -> None:
    problem = chain(8)
    slow = Operator(name="slow", cycles=100)
    end = problem.operators[-1].model_copy(update={"after": ["o0", "slow"]})
    problem = problem.model_copy(update={"operators": [problem.operators[0], slow, end]})
    assert cut_by_turns(Blocks.of(problem), None) == (Cut(),) * 3
    assert split(problem).solution.solver["split"]["pieces"] == 1


def test_cuts_by_rows_pay_where_phases_are_long() -> None:
    problem = chain(2, rows_per_phase=1)
    assert split(problem, goals=("makespan",)).solution.metrics.makespan == 4 * 2 + 3
    made = split(problem, goals=("makespan",), add_cycles=1)
    assert made.solution.metrics.makespan == 2 + 2 * 1 + 3
    assert made.solution.solver["split"]["additions"] == 1
    assert made.solution.solver["split"]["bounds"] == {"makespan": 7}
    dear = split(problem, goals=("makespan",), add_cycles=50)
    assert dear.solution.solver["split"]["additions"] == 0


def test_pieces_fit_where_whole_blocks_do_not() -> None:
    """Three blocks of 4 x 5 on two arrays of 4 x 8: only cut they fit."""
    problem = chain(5, 5, 5)
    kind = problem.hardware.arrays[0].model_copy(update={"count": 2})
    hardware = problem.hardware.model_copy(update={"arrays": [kind]})
    problem = Problem.model_validate(problem.model_dump() | {"hardware": hardware.model_dump()})
    assert solve(problem).status == "infeasible"
    made = split(problem)
    assert made.solution.metrics.arrays == 2
    one = kind.model_copy(update={"count": 1})
    problem = problem.model_copy(update={"hardware": hardware.model_copy(update={"arrays": [one]})})
    nothing = split(problem).solution
    assert (nothing.status, nothing.metrics) == ("infeasible", None)
    assert nothing.solver["infeasible"] == "the blocks need at least 2 arrays of kind 'xbar', but there are 1"


def test_mixed_arrays_hold_their_share_of_every_size() -> None:
    problem = chain(*[8] * 4, *[4] * 8)
    blocks = Blocks.of(problem)
    places = mixed(blocks, 8, Budget())
    assert judge_placement(blocks, places).metrics.arrays == 8
    assert mixed(Blocks.of(Problem.model_validate(two_kinds())), 4, Budget()) is None


def two_kinds() -> dict[str, object]:
    document = chain(4).model_dump()
    kind = document["hardware"]["arrays"][0]
    document["hardware"]["arrays"] = [kind, kind | {"name": "other"}]
    return document


def test_pieces_that_run_together_are_counted() -> None:
    problem = chain(8, 8)
    cuts = (Cut(width=2), Cut(width=3), Cut())
    assert most_together(Blocks.of(problem), cuts) == 4
    first, second, end = problem.operators
    both = [first, second.model_copy(update={"after": []}), end.model_copy(update={"after": ["o0", "o1"]})]
    assert most_together(Blocks.of(problem.model_copy(update={"operators": both})), cuts) == 7


def test_the_same_work_makes_the_same_bytes() -> None:
    problem = small_problem(Random(5), 5)

    def made() -> tuple[bytes, bytes]:
        found = split(problem, budget=Budget(seconds=float("inf"), work=0.2), add_cycles=1)
        return found.split.problem.to_bytes(), found.solution.to_bytes()

    assert made() == made()


def test_an_interrupt_keeps_the_best_so_far() -> None:
    made = split(chain(8, 8, 8, 8), stop=lambda: True)
    assert made.solution.solver["interrupted"] is True
    assert made.solution.metrics.makespan == 23
    calls = iter(range(100))

    def interrupt(*_: object) -> None:
        if next(calls) > 0:
            raise KeyboardInterrupt

    made = split(chain(8, 8, 8, 8), watch=interrupt)
    assert made.solution.metrics is not None


def test_a_bound_that_a_solution_contradicts_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[SplitBounds.__module__]
    monkeypatch.setattr(module, "least_cycles", lambda *_: np.full(5, 100))
    solver = split(chain(8, 8, 8, 8), goals=("makespan",)).solution.solver
    assert solver["faults"] == ["makespan was said to be at least 500 however blocks are cut"]
    assert solver["split"]["bounds"] == {}


def test_what_cannot_be() -> None:
    with pytest.raises(InputError, match="an addition takes -1 cycles; it must be at least 0"):
        split(chain(4), add_cycles=-1)
    with pytest.raises(InputError, match="goal moved_cells needs a solution that is kept"):
        split(chain(4), goals=("moved_cells",))
    with pytest.raises(InputError, match="there is no method 'x'"):
        split(chain(4), method="x")
