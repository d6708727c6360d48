"""An earlier solution as a start, and one that is kept: what stands stays, and what is said of it is so."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from commands import changed, good, kind, said, solved, write
from diagonals import diagonal
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import placements, problems, solution_of
from test_bounds import array, problem_of
from test_greedy import middling_problem, unlimited

from sbdopt.blocks import Blocks
from sbdopt.bounds import lower_bounds
from sbdopt.cli import main
from sbdopt.earlier import standing_of, start_of
from sbdopt.errors import InputError
from sbdopt.judge import judge, judge_placement, moved
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.search.budget import Budget
from sbdopt.search.greedy import greedy
from sbdopt.solution import Solution
from sbdopt.solve import solve

KEPT = ("moved_cells", "unused_cells", "makespan")
randoms = st.randoms(use_true_random=True)


def cells_of(problem: Problem, solution: Solution) -> dict[tuple[str, int], tuple[Any, ...]]:
    """For every block of a solution where it stands and how large it is, one by one."""
    result = {}
    for operator in problem.operators:
        if operator.blocks is None:
            continue
        entry = solution.operators[operator.name]
        for index in range(len(operator.blocks)):
            kind = 0 if entry.kind is None else int(entry.kind[index])
            place = (kind, *(int(getattr(entry, name)[index]) for name in ("array", "row", "column")))
            size = int(operator.blocks.height[index]), int(operator.blocks.width[index])
            result[operator.name, index] = (*place, *size)
    return result


def naive_moved(new: Problem, solution: Solution, was: Problem, old: Solution) -> tuple[int, int]:
    """Cells of blocks that are not there, of that size, in the old solution; and arrays they are in."""
    before, slices = cells_of(was, old), new.hardware.columns_per_weight
    moved = {key: there for key, there in cells_of(new, solution).items() if before.get(key) != there}
    cells = sum(height * width * slices for *_, height, width in moved.values())
    return cells, len({there[:2] for there in moved.values()})


def mutated(random: Random, problem: Problem) -> Problem:
    """Blocks pruned, grown, added and removed, an operator gone, an array more faulty."""
    document = problem.model_dump()
    for operator in document["operators"]:
        table = operator["blocks"]
        if not table:
            continue
        columns = {name: list(table[name]) for name in ("input", "output", "height", "width")}
        for k in range(len(columns["height"])):
            if random.random() < 0.3:
                columns["height"][k] = random.randint(1, columns["height"][k])
        if random.random() < 0.3:
            for column in columns.values():
                column.pop()
        if random.random() < 0.3:  # a block more, below and right of all
            columns["input"].append(operator["shape"][0])
            columns["output"].append(operator["shape"][1])
            columns["height"].append(random.randint(1, 4))
            columns["width"].append(random.randint(1, 4))
            operator["shape"] = [size + 4 for size in operator["shape"]]
        operator["blocks"] = columns
    arrays = document["hardware"]["arrays"]
    arrays[0]["faults"].append([random.randrange(3), random.randrange(8), random.randrange(8), 3, 2])
    return Problem.model_validate(document)


@pytest.mark.parametrize("seed", range(40))
def test_what_stands_stays(seed: int) -> None:
    """Room is unlimited, so that nothing moves but what must; it is counted as it can be seen."""
    random = Random(seed)
    was = unlimited(middling_problem(random))
    new = mutated(random, was)
    old = solve(was, method="greedy")
    standing = standing_of(new, old, was)
    solution = solve(new, goals=KEPT, standing=standing, budget=Budget(work=1.0))
    assert "faults" not in solution.solver
    assert judge(Blocks.of(new), solution).legal
    change = solution.solver["moved_cells"], solution.solver["touched_arrays"]
    assert change == naive_moved(new, solution, was, old)
    assert solution.value("moved_cells") == solution.bound("moved_cells") == change[0]
    assert json.loads(solution.to_bytes())["bounds"].keys() <= {"unused_cells", "makespan"}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "goals", [("unused_cells", "makespan", "moved_cells"), ("makespan", "moved_cells"), ("arrays",)]
)
def test_other_orders_lose_nothing(
    seed: int, goals: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes before moved cells is as good as it is without keeping anything; constructions only."""
    monkeypatch.setattr("sbdopt.search.auto.exact", lambda *_: iter(()))
    monkeypatch.setattr("sbdopt.search.auto.improve", greedy)
    monkeypatch.setattr("sbdopt.search.auto.anneal", lambda *_, **__: iter(()))
    random = Random(seed)
    was = middling_problem(random)
    new = mutated(random, was)
    old = solve(was, method="greedy")
    standing = standing_of(new, old, was)
    first = [goal for goal in goals if goal != "moved_cells"]
    kept = solve(new, goals=goals, standing=standing, budget=Budget(work=0.1))
    anew = solve(new, goals=first, budget=Budget(work=0.1))
    assert "faults" not in kept.solver
    assert [kept.value(goal) for goal in first] <= [anew.value(goal) for goal in first]
    change = kept.solver["moved_cells"], kept.solver["touched_arrays"]
    assert change == naive_moved(new, kept, was, old)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_fits_can_stand_there(data: st.DataObject) -> None:
    """Inside, apart from faults and from one another, cell by cell; and all of a legal placement fits."""
    problem = data.draw(problems())
    placement = data.draw(placements(problem))
    blocks = Blocks.of(problem)
    standing = standing_of(problem, solution_of(problem, placement))
    taken = {
        (number, broken, r, c)
        for number, kind in enumerate(problem.hardware.arrays)
        for broken, row, column, height, width in kind.faults
        for r in range(row, row + height)
        for c in range(column, column + width)
    }
    for block in np.flatnonzero(standing.fits).tolist():
        number, place, row, column = (
            int(getattr(standing, name)[block]) for name in ("kind", "array", "row", "column")
        )
        kind = problem.hardware.arrays[number]
        cells = {
            (number, place, r, c)
            for r in range(row, row + int(blocks.height[block]))
            for c in range(column, column + int(blocks.columns[block]))
        }
        assert row >= 0
        assert column >= 0
        assert kind.count is None or place < kind.count
        assert all(r < kind.rows and c < kind.columns for _, _, r, c in cells)
        assert not cells & taken
        taken |= cells
    if judge_placement(blocks, placement).legal:
        assert standing.fits.all()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_start_is_repaired_where_room_is_unlimited(data: st.DataObject) -> None:
    problem = unlimited(data.draw(problems()))
    placement = data.draw(placements(problem))
    start = start_of(problem, solution_of(problem, placement), Budget())
    assert start is not None
    assert judge_placement(Blocks.of(problem), start).legal
    if judge_placement(Blocks.of(problem), placement).legal:
        assert all((getattr(start, name) == getattr(placement, name)).all() for name in ("array", "start"))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["greedy", "linear", "auto"]))
def test_never_worse_than_a_legal_start(data: st.DataObject, method: str) -> None:
    problem = data.draw(problems())
    placement = data.draw(placements(problem))
    metrics = judge_placement(Blocks.of(problem), placement).metrics
    if metrics is None:
        return
    for goals in (("unused_cells", "makespan"), ("makespan", "arrays")):
        budget = Budget(work=0.01)
        solution = solve(problem, method=method, goals=goals, start=placement, budget=budget)
        values = [getattr(solution.metrics, goal) for goal in goals]
        assert values <= [getattr(metrics, goal) for goal in goals]


def test_a_block_that_has_grown_goes_elsewhere_and_one_that_shrank_stays() -> None:
    """Four of 4x4 fill the first array of 8x8. One grows to 5x4 and finds no room: an array is opened. One
    shrinks to 3x4: it is written anew (12 cells), but where it was. Both together: 12 + 20 cells."""
    was = problem_of([diagonal("a", [(4, 4)] * 4)], [array(8, 8, 1)]).problem
    old = solve(was)
    assert old.metrics.arrays == 1
    for sizes, arrays, written in (
        ([(4, 4), (5, 4), (4, 4), (4, 4)], 2, 20),
        ([(3, 4), (4, 4), (4, 4), (4, 4)], 1, 12),
        ([(3, 4), (5, 4), (4, 4), (4, 4)], 2, 32),
    ):
        new = problem_of([diagonal("a", sizes)], [array(8, 8, 1)]).problem
        solution = solve(new, goals=KEPT, standing=standing_of(new, old, was))
        assert (solution.metrics.arrays, solution.solver["moved_cells"]) == (arrays, written)
        assert solution.bound("moved_cells") == written
        if arrays == 1:
            assert cells_of(new, solution)["a", 0][:4] == cells_of(was, old)["a", 0][:4]


def test_without_the_old_problem_what_overlaps_has_changed() -> None:
    """The block that has grown overlaps two others, so that it is the one that moves: its 5 * 5 cells."""
    was = problem_of([diagonal("a", [(4, 4)] * 4)], [array(8, 8, 1)]).problem
    old = solve(was)
    grown = next(k for k in range(4) if cells_of(was, old)["a", k][2:4] == (0, 0))
    sizes = [(5, 5) if k == grown else (4, 4) for k in range(4)]
    new = problem_of([diagonal("a", sizes)], [array(8, 8, 1)]).problem
    standing = standing_of(new, old)
    assert np.flatnonzero(~standing.stands).tolist() == [grown]
    assert solve(new, goals=KEPT, standing=standing).solver["moved_cells"] == 25


def test_a_fault_moves_what_it_hits() -> None:
    """The other three stay, and with the faulty cell their array has no room for it: another is needed."""
    was = problem_of([diagonal("a", [(4, 4)] * 4)], [array(8, 8, 1)]).problem
    old = solve(was)
    new = problem_of([diagonal("a", [(4, 4)] * 4)], [array(8, 8, 1, faults=[[0, 7, 7, 1, 1]])]).problem
    solution = solve(new, goals=KEPT, standing=standing_of(new, old, was))
    assert (solution.solver["moved_cells"], solution.solver["touched_arrays"]) == (16, 1)
    assert (solution.bound("moved_cells"), solution.bound("unused_cells")) == (16, 64)
    assert solution.metrics.arrays == 2


def test_where_room_is_short_arrays_are_cleared() -> None:
    """Two arrays of 4x8 with a block of 4x4 each; one of 4x8 comes and needs a whole one. So one of the two
    moves beside the other: 16 cells more than the 32 that are new. No bound sees that."""
    arrays = [array(4, 8, 1, count=2)]
    was = problem_of([diagonal("a", [(4, 4)] * 2)], arrays).problem
    apart = solution_of(was, solved_apart(was))
    new = problem_of([diagonal("a", [(4, 4)] * 2), diagonal("b", [(4, 8)])], arrays).problem
    solution = solve(new, goals=KEPT, standing=standing_of(new, apart, was))
    assert solution.solver["moved_cells"] == 16 + 32
    assert solution.bound("moved_cells") == 32
    assert judge(Blocks.of(new), solution).legal


def solved_apart(problem: Problem) -> Any:
    """Every block on an array of its own."""
    from sbdopt.goals import Goals
    from sbdopt.search import METHODS

    (found,) = METHODS["linear"](Blocks.of(problem), Goals(), Budget(), 0, None)
    return found.placement


def test_kinds_are_matched_by_name() -> None:
    was = problem_of([diagonal("a", [(4, 4)])], [array(8, 8, 1), array(4, 4, 1)]).problem
    old = solve(was)
    assert old.metrics.unused_cells == 0
    new = problem_of([diagonal("a", [(4, 4)])], [array(4, 4, 1), array(2, 2, 1)]).problem
    assert standing_of(new, old, was).stands.all()
    assert standing_of(new, old, was).kind.tolist() == [0]
    gone = problem_of([diagonal("a", [(4, 4)])], [array(8, 8, 1)]).problem
    assert not standing_of(gone, old, was).stands.any()


def test_arrays_that_cannot_all_be_emptied_are_a_bound() -> None:
    """Three arrays of 8x8 with 16, 16 and 64 cells standing. Nothing may move: three arrays, 192 - 96 = 96
    unused cells. 16 cells may: two arrays; with 32, one."""
    blocks = problem_of([diagonal("a", [(4, 4), (4, 4), (8, 8)])], [array(8, 8, 1)])
    standing = standing_of(blocks.problem, solution_of(blocks.problem, solved_apart(blocks.problem)))
    blocks = replace(blocks, standing=standing)
    for written, arrays, unused in ((0, 3, 96), (15, 3, 96), (16, 2, 32), (32, 1, 0), (96, 0, 0)):
        reason = "arrays that stay in use"
        given_moved = {"moved_cells": written}
        for goal, least in (("arrays", arrays), ("unused_cells", unused)):
            (bound,) = [one for one in lower_bounds(blocks, goal, given_moved) if one.reason == reason]
            assert (bound.value, bound.given) == (least, (("moved_cells", written),))


@pytest.mark.parametrize("seed", range(4))
def test_no_bound_of_what_is_kept_is_above_what_there_is(seed: int) -> None:
    """All places of three blocks on two arrays of 2x3 with faults and two of 2x2, read one after another."""
    random = Random(seed)
    sizes = [random.choice([(1, 1), (1, 2), (2, 1), (2, 2)]) for _ in range(3)]
    kinds = [(2, 3), (2, 2)]
    arrays = [array(*size, 1, count=2) for size in kinds]
    was = problem_of([diagonal("a", sizes)], arrays)
    faults = [[random.randrange(2), 0, random.randrange(3), 1, 1]]
    new = problem_of([diagonal("a", sizes)], [array(2, 3, 1, count=2, faults=faults), arrays[1]])
    places = [
        [
            (number, place, row, column)
            for number, (rows, columns) in enumerate(kinds)
            for place in range(2)
            for row in range(rows - height + 1)
            for column in range(columns - width + 1)
        ]
        for height, width in sizes
    ]
    tables = [np.array(chosen).T for chosen in product(*places)]
    everything = [Placement(*table, start=np.array([0, 99, 198])) for table in tables]
    random.shuffle(everything)
    legal = [(one, judge_placement(new, one).metrics) for one in everything]
    before = next(one for one in everything if judge_placement(was, one).legal)
    standing = standing_of(new.problem, solution_of(was.problem, before), was.problem)
    blocks = replace(new, standing=standing)
    least: dict[int, dict[str, int]] = {}
    for one, metrics in legal:
        if metrics is not None:
            values = {"arrays": metrics.arrays, "unused_cells": metrics.unused_cells}
            so_far = least.setdefault(moved(blocks, one).moved_cells, values)
            least[moved(blocks, one).moved_cells] = {name: min(so_far[name], values[name]) for name in values}
    assert len(least) > 1
    for given_moved in least:
        for goal in ("arrays", "unused_cells"):
            best = min(values[goal] for cells, values in least.items() if cells <= given_moved)
            bounds = [*lower_bounds(blocks, goal, {"moved_cells": given_moved})]
            assert max(bound.value for bound in bounds) <= best
    assert max(bound.value for bound in lower_bounds(blocks, "moved_cells", {})) <= min(least)


def test_the_kept_problem_must_be_the_one() -> None:
    was = problem_of([diagonal("a", [(4, 4)])], [array(8, 8, 1)]).problem
    other = problem_of([diagonal("a", [(4, 3)])], [array(8, 8, 1)]).problem
    with pytest.raises(InputError, match="the kept solution is not of problem 'example'"):
        standing_of(was, solve(was), other)


def test_a_start_without_room_is_none() -> None:
    """Two blocks of 4x4 on the same cells of the one array of 4x4."""
    problem = problem_of([diagonal("a", [(4, 4)] * 2)], [array(4, 4, 1, count=2)]).problem
    document = json.loads(solve(problem).to_bytes())
    document["operators"]["a"]["array"] = [0, 0]
    tight = problem_of([diagonal("a", [(4, 4)] * 2)], [array(4, 4, 1, count=1)]).problem
    assert start_of(tight, Solution.model_validate(document), Budget()) is None
    assert start_of(problem, Solution.model_validate(document), Budget()) is not None


def test_the_command_keeps_what_stands(folder, capsys):
    solved(folder)
    document = good()
    document["operators"][0]["blocks"]["height"] = [1, 2]
    write(folder / "new.json", document)
    keep = ["--keep", "s.json", "--goal", "moved_cells,unused_cells,makespan", "-o", "n.json"]
    assert main(["solve", "new.json", *keep, "--kept-problem", "p.json"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^moved_cells +4 +4 +0\.0 % +blocks that stand nowhere yet$", out, re.MULTILINE)
    assert re.search(r"^moved_cells +4$", out, re.MULTILINE)
    assert re.search(r"^touched_arrays +1$", out, re.MULTILINE)
    solution = Solution.load(folder / "n.json")
    assert (solution.solver["moved_cells"], solution.solver["bounds"]) == (4, {"moved_cells": 4})
    assert main(["check", "new.json", "n.json"]) == 0
    capsys.readouterr()
    assert main(["solve", "new.json", *keep]) == 0
    out, err = capsys.readouterr()
    assert "sbdopt: warning: s.json is of another problem" in err
    assert re.search(r"^moved_cells +0 +0", out, re.MULTILINE)
    assert main(["solve", "p.json", "--keep", "s.json", "--goal", "moved_cells", "-o", "again.json"]) == 0
    assert main(["check", "p.json", "again.json"]) == 0


def test_the_command_begins_with_a_start(folder, capsys):
    """Linear cannot do better than three arrays; with a start of two it keeps to these, or repairs them."""
    solved(folder)
    arguments = ["solve", "p.json", "--method", "linear", "--start", "s.json", "-o", "s.json"]
    assert main(arguments) == 0
    assert Solution.load(folder / "s.json").metrics.arrays == 2
    document = json.loads((folder / "s.json").read_text())
    document["operators"]["b"]["start"] = [0]
    write(folder / "late.json", document)
    assert main(["solve", "p.json", "--method", "linear", "--start", "late.json", "-o", "n.json"]) == 0
    assert Solution.load(folder / "n.json").metrics.arrays == 2
    capsys.readouterr()
    write(folder / "p.json", changed(kind(count=1)))
    assert main(["solve", "p.json", "--start", "s.json"]) == 1
    err = capsys.readouterr().err
    assert "warning: s.json: not legal, and there is no room to repair it; it is not used\n" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--goal", "moved_cells"], "goal moved_cells needs a solution that is kept; name it with --keep"),
        (["--keep", "none.json"], "none.json: No such file"),
        (["--start", "none.json"], "none.json: No such file"),
        (["--start", "p.json"], "p.json: format: is "),
        (["--keep", "s.json", "--kept-problem", "none.json"], "none.json: No such file"),
        (["--keep", "s.json", "--kept-problem", "q.json"], "the kept solution is not of problem 'good'"),
        (["--kept-problem", "p.json"], "--kept-problem says what --keep solves; name that as well"),
        (["--keep", "s.json", "-o", "s.json"], "s.json: cannot be written: it is the file that is read"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, message, folder, capsys):
    solved(folder)
    write(folder / "q.json", changed(kind(adcs=1)))
    assert message in said(capsys, "solve", "p.json", *arguments, code=2)
