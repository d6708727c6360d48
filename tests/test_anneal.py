"""Annealing: whatever it finds is legal and better, and its books agree with the schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from diagonals import chained
from hypothesis import given, settings
from hypothesis import strategies as st
from one_array import legal
from strategies import problems

from sbdopt.blocks import Blocks
from sbdopt.goals import Goals
from sbdopt.judge import judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.search.annealing import anneal
from sbdopt.search.annealing.board import Board
from sbdopt.search.annealing.rounds import _Search
from sbdopt.search.annealing.walk import _UP, Aim, State, _first, find_places, walk
from sbdopt.search.budget import Budget
from sbdopt.search.compiled import seconds_to_call
from sbdopt.search.exact import exact
from sbdopt.search.exact.driver import _anneal_first
from sbdopt.search.exact.runner import Halt, Run
from sbdopt.search.greedy import greedy
from sbdopt.search.method import Finding, Found
from sbdopt.search.score import key, score
from sbdopt.solve import solve

ORDERS = (("unused_cells", "makespan"), ("makespan", "arrays"), ("interval", "unused_cells"))
GO_ON = np.zeros(1, dtype=bool)
SIZES = [[(4, 4), (3, 5), (8, 8), (6, 2), (5, 7)] * 2, [(8, 3), (2, 9), (6, 6)] * 2, [(5, 5)] * 4]


def chain(
    operators: list[list[tuple[int, int]]], hardware: dict[str, int] | None = None, **array: object
) -> Problem:
    """Operators one after another, each with blocks of these sizes on the diagonal, on 16 x 16 cells."""
    arrays = [{"name": "xbar", "rows": 16, "columns": 16, "adcs": 4} | array]
    given = {"arrays": arrays, "settle_cycles": 2} | (hardware or {})
    return Problem.model_validate({"name": "chain", "hardware": given, "operators": chained(operators)})


def constructed(blocks: Blocks) -> list[Placement]:
    goals = Goals(("makespan",))
    return [f.placement for f in greedy(blocks, goals, Budget(), 0, None) if isinstance(f, Found)]


def packed(blocks: Blocks) -> Placement:
    """On few arrays, whatever time that takes."""
    found = next(iter(greedy(blocks, Goals(("arrays",)), Budget(), 0, None)))
    assert isinstance(found, Found)
    return found.placement


def apart(blocks: Blocks) -> Placement:
    """Every block on an array of its own, to be read at once: of one operator."""
    none = np.zeros(len(blocks), dtype=np.int64)
    return Placement(none, np.arange(len(blocks)), none, none, none)


def unlimited(work: float, workers: int = 1) -> Budget:
    return Budget(seconds=float("inf"), work=work, workers=workers)


@settings(max_examples=80, deadline=None)
@given(problems(), st.sampled_from(ORDERS), st.integers(0, 3), st.sampled_from((None, 2, 4)))
def test_everything_found_is_legal_and_better(
    problem: Problem, order: tuple[str, ...], seed: int, most: int | None
) -> None:
    blocks = Blocks.of(problem)
    goals = Goals(order, {} if most is None else {"arrays": most})
    for start in constructed(blocks)[:2]:
        best = key(blocks, goals, start)
        for finding in anneal(blocks, goals, unlimited(0.02), seed, start):
            assert isinstance(finding, Found)
            judged = judge_placement(blocks, finding.placement)
            assert judged.metrics is not None, judged.violations
            assert key(blocks, goals, finding.placement) < best
            best = key(blocks, goals, finding.placement)


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(0, 3))
def test_every_state_of_a_walk_is_legal(problem: Problem, seed: int) -> None:
    """Also those that are not better, with some arrays that were empty."""
    blocks = Blocks.of(problem)
    for start in constructed(blocks)[:1] if len(blocks) > 1 else ():
        board = Board.of(blocks, start, "makespan", 4)
        assert board is not None
        aim = Aim(0, 1.0, np.zeros(len(board.arrays)))
        state, best = (State(*(column.copy() for column in board.state)) for _ in range(2))
        random = np.random.default_rng(seed)
        for _ in range(5):
            worth = walk(board.chip, board.work, aim, state, best, 50.0, 50.0, 40, 3, random, GO_ON)
            assert worth <= replace(board, state=state).cycles
            assert worth == replace(board, state=best).cycles
            for one in (state, best):
                judged = judge_placement(blocks, board.finished(one).placement)
                assert judged.metrics is not None, judged.violations


def test_books_agree_with_the_schedule() -> None:
    """Operators of a chain follow one another: its makespan is what their busiest tiles take."""
    rows = {"rows_per_phase": 6, "conversion_cycles_per_bit": 1}
    for array in (
        {},
        {"tiers": 4, "count": 4},
        {"faults": [[0, 3, 5, 2, 2], [1, 0, 0, 1, 4]]},
        {"hardware": rows},
    ):
        blocks = Blocks.of(chain(SIZES, **array))
        for start in [*constructed(blocks), packed(blocks)]:
            board = Board.of(blocks, start, "makespan", 0)
            assert board is not None
            assert board.cycles == score(blocks, start)["makespan"]
            assert board.filled.sum() == (board.work.height * board.work.width).sum()
            aim = Aim(0, 1.0, np.zeros(len(board.arrays)))
            state, best = (State(*(column.copy() for column in board.state)) for _ in range(2))
            walk(board.chip, board.work, aim, state, best, 5.0, 0.1, 3000, 5, np.random.default_rng(0), GO_ON)
            for one in (state, best):
                cycles = replace(board, state=one).cycles
                assert cycles == score(blocks, board.finished(one).placement)["makespan"]


@pytest.mark.parametrize("goals", [("unused_cells", "makespan"), ("makespan", "unused_cells")])
def test_finds_what_is_proven_to_be_best(goals: tuple[str, ...]) -> None:
    problem = chain([[(8, 8), (8, 8), (4, 4), (4, 4)], [(8, 4), (4, 8), (8, 8)], [(4, 12), (12, 4), (4, 4)]])
    best = solve(problem, method="auto", goals=goals, budget=Budget(seconds=60, workers=2))
    mine = solve(problem, method="anneal", goals=goals, budget=unlimited(1.0))
    assert best.status == "optimal"
    assert best.metrics is not None
    assert mine.metrics is not None
    for goal in goals:
        assert getattr(mine.metrics, goal) == getattr(best.metrics, goal)


def test_arrays_are_emptied_within_a_limit_of_cycles() -> None:
    """Every block has an array of its own at first, and is read in 4 cycles; a limit of 16 lets two be read
    in turn. Two read at once would leave no room for others on their array.
    """
    blocks = Blocks.of(chain([[(8, 8)] * 4, [(8, 8)] * 4]))
    count = len(blocks)
    none = np.zeros(count, dtype=np.int64)
    start = Placement(none, np.arange(count), none, none, np.repeat([0, 4], 4))
    for limit, arrays in ((16, 2), (12, 4), (8, 4)):
        goals = Goals(("arrays", "makespan"), {"makespan": limit})
        found = [f.placement for f in anneal(blocks, goals, unlimited(2.0), 0, start) if isinstance(f, Found)]
        values = score(blocks, found[-1] if found else start)
        assert values["arrays"] == arrays
        assert values["makespan"] <= limit


def test_cycles_that_a_limit_leaves_are_spent() -> None:
    """Small blocks of which each costs more cycles than the cells of its array are worth."""
    blocks = Blocks.of(chain([[(4, 4)] * 8]))
    start = apart(blocks)
    goals = Goals(("arrays", "makespan"), {"makespan": 24})
    found = [f.placement for f in anneal(blocks, goals, unlimited(4.0), 0, start) if isinstance(f, Found)]
    assert score(blocks, found[-1])["arrays"] == 1


def test_arrays_that_a_limit_leaves_are_used() -> None:
    """Four blocks stand on one array and may stand on four, where none has to wait."""
    blocks = Blocks.of(chain([[(8, 8)] * 4]))
    none = np.zeros(4, dtype=np.int64)
    start = Placement(none, none, np.array([0, 0, 8, 8]), np.array([0, 8, 0, 8]), np.arange(4) * 4)
    for limit, makespan in ((1, 16), (2, 6), (4, 4)):
        goals = Goals(("makespan",), {"arrays": limit})
        found = [f.placement for f in anneal(blocks, goals, unlimited(1.0), 0, start) if isinstance(f, Found)]
        assert score(blocks, found[-1] if found else start)["makespan"] == makespan


def test_blocks_of_two_operators_are_read_one_after_another() -> None:
    """Though they are read together at first: two operators that wait for nothing, on the diagonal."""
    operators = [operator | {"after": []} for operator in chained([[(8, 8)], [(8, 8)]])]
    arrays = [{"name": "xbar", "rows": 16, "columns": 16, "adcs": 4}]
    hardware = {"arrays": arrays, "settle_cycles": 2}
    blocks = Blocks.of(Problem.model_validate({"name": "two", "hardware": hardware, "operators": operators}))
    none, corner = np.zeros(2, dtype=np.int64), np.array([0, 8])
    start = Placement(none, none, corner, corner, none)
    assert judge_placement(blocks, start).metrics is not None
    board = Board.of(blocks, start, "makespan", 0)
    assert board is not None
    assert board.state.step[0] != board.state.step[1]


def test_every_round_and_every_worker_walks_another_way() -> None:
    blocks = Blocks.of(chain(SIZES))
    start = packed(blocks)
    board = Board.of(blocks, start, "makespan", 0)
    assert board is not None
    aim = Aim(0, 1.0, np.zeros(len(board.arrays)))
    ends = set()
    for turn, number in ((0, 0), (1, 0), (0, 1)):
        search = _Search(blocks, Goals(("makespan",)), "makespan", unlimited(1.0), 0, start, turn)
        ends.add(search._walk(board, aim, board.state, 300, number)[1].row.tobytes())
    assert len(ends) == 3


def test_what_exact_search_finds_with_fewer_cells_is_annealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the next goal, and only then: the start itself was annealed by whoever gave it."""
    begun: list[Placement] = []

    def noted(*arguments: Any, share: float) -> Iterator[Finding]:
        begun.append(arguments[4])
        yield from anneal(*arguments, share=share)

    monkeypatch.setattr("sbdopt.search.exact.driver.anneal", noted)
    blocks = Blocks.of(chain([[(8, 8)] * 4, [(8, 8)] * 4]))
    none = np.zeros(len(blocks), dtype=np.int64)
    goals = Goals(("unused_cells", "makespan"))
    apart = Placement(none, np.arange(len(blocks)), none, none, np.repeat([0, 4], 4))
    found = [f.placement for f in exact(blocks, goals, unlimited(20), 0, apart) if isinstance(f, Found)]
    assert [score(blocks, one)["arrays"] for one in begun] == [2]
    begun.clear()
    list(exact(blocks, goals, unlimited(20), 0, found[-1]))
    assert not begun


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("goal", "many", "pays"), [("makespan", 3, True), ("makespan", 4, False), ("arrays", 3, False)]
)
def test_many_blocks_are_annealed_beside_the_proof(
    goal: str, many: int, pays: bool, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a worker who else searches the model of everything, which comes afterwards."""
    blocks = Blocks.of(chain([[(8, 8)] * 4]))
    none = np.zeros(4, dtype=np.int64)
    slow = Placement(none, np.arange(4), none, none, 4 * np.arange(4))
    done: list[object] = []

    def noted(*arguments: Any, stopped: Any) -> Iterator[Finding]:
        _, _, budget, seed, start = arguments
        done.append((budget.workers, seed, start is slow, stopped.tolist()))
        budget.spent += 0.25
        yield Found(apart(blocks))

    monkeypatch.setattr("sbdopt.search.annealing._MANY", many)
    monkeypatch.setattr("sbdopt.search.exact.driver.anneal", noted)
    monkeypatch.setattr("sbdopt.search.exact.driver._search_parts", lambda *_: None)
    monkeypatch.setattr("sbdopt.search.exact.driver._search_everything", lambda *_: done.append("everything"))
    monkeypatch.setattr("sbdopt.search.exact.driver.lower_bounds", lambda *_: [])
    budget = unlimited(20, workers)
    found = list(exact(blocks, Goals((goal,)), budget, 0, slow))
    assert done == ([(1, 1, True, [False])] if pays else []) + ["everything"]
    assert bool(found) == pays
    assert budget.spent == (0.25 if pays else 0)


@pytest.mark.parametrize(
    ("seconds", "stops", "goes_on"), [(1.0, False, True), (1.0, True, False), (0.004, False, False)]
)
def test_nothing_follows_where_the_time_is_up(
    seconds: float, stops: bool, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Building a model of four blocks takes more than 4 ms."""
    blocks = Blocks.of(chain([[(8, 8)] * 4]))
    halt = Halt()

    def stopping(*_: Any, stopped: Any) -> Iterator[Finding]:
        stopped[0] = stops
        yield Found(apart(blocks))

    monkeypatch.setattr("sbdopt.search.exact.driver.anneal", stopping)
    followed: list[Run] = []
    run = Run(Budget(seconds=seconds, clock=lambda: 0.0), 0, 1, lambda _: None, halt)
    _anneal_first(followed.append, blocks, Goals(("makespan",)), apart(blocks), run)
    assert bool(followed) == goes_on


def test_the_same_seed_and_work_give_the_same_bytes() -> None:
    for workers in (1, 2):
        written = {
            solve(chain(SIZES), method="anneal", budget=unlimited(0.3, workers), seed=3).to_bytes()
            for _ in range(2)
        }
        assert len(written) == 1


def test_nothing_is_looked_for_without_need_or_time() -> None:
    blocks = Blocks.of(chain(SIZES))
    start = constructed(blocks)[0]
    goals = Goals(("makespan", "unused_cells"))
    assert list(anneal(blocks, goals, unlimited(0.3), 0, start))
    assert not list(anneal(blocks, Goals(("arrays",)), unlimited(0.3), 0, start))
    assert not list(anneal(blocks, goals, Budget(seconds=0.3), 0, start))
    for count in (100, 101):
        many = Blocks.of(chain([[(4, 4)] * count]))
        slow = Goals(("arrays", "makespan"), {"makespan": 30})
        assert bool(list(anneal(many, slow, unlimited(0.5), 0, apart(many)))) == (count == 100)
    for columns in (64, 65):
        wide = Blocks.of(chain(SIZES, columns=columns))
        found = list(anneal(wide, goals, unlimited(0.3), 0, constructed(wide)[0]))
        assert bool(found) == (columns == 64)


def test_it_can_be_stopped() -> None:
    blocks = Blocks.of(chain(SIZES))
    start, goals = constructed(blocks)[0], Goals(("makespan", "unused_cells"))
    for stopped in (False, True):
        flag = np.full(1, stopped)
        found = list(anneal(blocks, goals, unlimited(0.3), 0, start, stopped=flag))
        assert bool(found) != stopped
        assert flag[0] == stopped


def test_no_round_follows_one_that_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though there is time left."""
    walked: list[int] = []

    def interrupted(
        self: _Search, board: Board, aim: Aim, state: State, moves: int, number: int
    ) -> tuple[float, State]:
        walked.append(moves)
        self.stopped[0] = True
        return 1.0, state

    monkeypatch.setattr(_Search, "_walk", interrupted)
    blocks = Blocks.of(chain(SIZES))
    start, goals = constructed(blocks)[0], Goals(("makespan", "unused_cells"))
    list(anneal(blocks, goals, Budget(seconds=1000.0), 0, start))
    assert len(walked) == 1


def test_a_share_of_the_work_is_spent_and_told() -> None:
    blocks, budget = Blocks.of(chain(SIZES)), unlimited(0.4)
    list(anneal(blocks, Goals(("unused_cells", "makespan")), budget, 0, packed(blocks), share=0.25))
    assert 0.09 < budget.spent < 0.11


def test_every_round_is_longer_than_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ones take what is left, and no walk is longer than the longest."""
    walked: list[int] = []

    def noted(
        self: _Search, board: Board, aim: Aim, state: State, moves: int, number: int
    ) -> tuple[float, State]:
        walked.append(moves)
        return 1.0, state

    monkeypatch.setattr(_Search, "_walk", noted)
    monkeypatch.setattr("sbdopt.search.annealing.rounds._MOST_MOVES", 500_000)
    blocks = Blocks.of(chain(SIZES))
    search = _Search(blocks, Goals(("makespan",)), "makespan", unlimited(20.0), 0, packed(blocks))
    board = Board.of(blocks, search.best, "makespan", 0)
    assert board is not None
    aim = Aim(0, 1.0, np.zeros(len(board.arrays)))
    list(search._rounds(board, aim, 5_000_000, 4))
    first = 2000 * len(blocks)
    assert walked[:2] == [first, 4 * first]
    assert max(walked) == 500_000
    assert sum(walked) * 6.2e-6 == pytest.approx(20.0, rel=1e-3)
    walked.clear()
    search.budget = unlimited(20.0)
    list(search._rounds(board, aim, 4 * first))
    assert walked == [first] * 5


def test_rounds_end_when_they_bring_nothing() -> None:
    """Though there is all the time in the world."""
    blocks, unlimited_time = Blocks.of(chain(SIZES)), Budget(seconds=math.inf)
    list(anneal(blocks, Goals(("unused_cells", "makespan")), unlimited_time, 0, packed(blocks)))
    assert unlimited_time.spent > 0


def test_the_first_place_by_rows_or_by_columns() -> None:
    for free, up, left in (
        ((0, 0, 0b1000, 0b0100, 0), (1, 3), (2, 2)),
        ((0, 0b1100, 0b1000, 0, 0), (0, 2), (0, 2)),
        ((0, 0, 0, 0, 0), (-1, 4), (-1, 4)),
    ):
        for rule, place in ((_UP, up), (_UP + 1, left)):
            assert _first(np.array(free, dtype=np.int64), 4, rule) == place


def test_walks_end_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rounds that would take hours; one that was stopped before it began changes nothing."""
    blocks = Blocks.of(chain(SIZES))
    board = Board.of(blocks, constructed(blocks)[-1], "makespan", 0)
    assert board is not None
    state, best = (State(*(column.copy() for column in board.state)) for _ in range(2))
    aim, stopped = Aim(0, 0.0, np.zeros(len(board.arrays))), np.ones(1, dtype=bool)
    walk(board.chip, board.work, aim, state, best, 50.0, 50.0, 500, 5, np.random.default_rng(0), stopped)
    assert all(np.array_equal(now, then) for now, then in zip(state, board.state, strict=True))
    monkeypatch.setattr("sbdopt.search.annealing.rounds._WORK", 1e-12)
    monkeypatch.setattr("sbdopt.search.annealing.rounds._WORK_OF_ROW", 0.0)
    monkeypatch.setattr("sbdopt.search.annealing.rounds._MOVES", 10**9)
    budget = Budget(seconds=1.5)
    list(anneal(blocks, Goals(("unused_cells", "makespan")), budget, 0, packed(blocks)))
    assert budget.used_up


def test_nothing_is_compiled_where_that_takes_longer_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = Blocks.of(chain([[(4, 4)] * 8]))
    goals = Goals(("arrays", "makespan"), {"makespan": 24})
    for seconds in (20.0, 40.0):
        monkeypatch.setattr("sbdopt.search.annealing.rounds.seconds_to_call", lambda _: 30.0)
        found = anneal(blocks, goals, Budget(seconds=seconds, work=0.5), 0, apart(blocks))
        assert bool(list(found)) == (seconds > 30)


def test_time_to_compile_is_known() -> None:
    """A function that was called is ready; one that is not compiled at all is not known to be."""
    blocks = Blocks.of(chain(SIZES))
    board = Board.of(blocks, constructed(blocks)[0], "makespan", 0)
    assert board is not None
    assert board.cycles > 0
    assert seconds_to_call(walk) == 0
    assert seconds_to_call(chain) > 5


def places_of(
    sizes: list[tuple[int, int]], step: list[int], taken: list[int], columns: int, tries: int
) -> list[tuple[int, int]] | None:
    height, width = np.array(sizes, dtype=np.int64).T.copy()
    row, column = np.zeros((2, len(sizes)), dtype=np.int64)
    members, lines = np.arange(len(sizes)), np.array(taken, dtype=np.uint64).view(np.int64)
    random = np.random.default_rng(0)
    if not find_places(members, height, width, np.array(step), lines, columns, tries, random, row, column):
        return None
    return list(zip(row.tolist(), column.tolist(), strict=True))


@settings(max_examples=300, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=7),
    steps=st.lists(st.integers(0, 2), min_size=7, max_size=7),
    broken=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), max_size=3),
)
def test_places_are_legal(
    sizes: list[tuple[int, int]], steps: list[int], broken: list[tuple[int, int]]
) -> None:
    """On 9 x 10 cells, of which some are taken: a block of no step stands on each of these."""
    taken = [sum({1 << c for r, c in broken if r == row}) for row in range(9)]
    step = steps[: len(sizes)]
    places = places_of(sizes, step, taken, 10, 20)
    for (height, width), (row, column) in zip(sizes, places or [], strict=False):
        assert row + height <= 9
        assert column + width <= 10
    if places is not None:
        cells = sorted(set(broken))
        assert legal([*sizes, *[(1, 1)] * len(cells)], [*step, *[-1] * len(cells)], [*places, *cells])


def test_places_are_found_beside_what_is_taken() -> None:
    """Two blocks of a step in opposite corners, if no cell of their crossings is taken; else none."""
    for step, side, cell, possible in (
        ([0, 0], 5, (4, 4), True),
        ([0, 0], 4, (0, 3), False),
        ([0, 1], 4, (0, 3), True),
    ):
        taken = [1 << cell[1] if row == cell[0] else 0 for row in range(side)]
        assert (places_of([(2, 2), (2, 2)], step, taken, side, 20) is not None) == possible


def test_an_array_may_have_as_many_lines_as_a_number_has_bits() -> None:
    """The last is its sign: of blocks on all lines, on the last, and read together with that one."""
    for sizes, step in (
        ([(64, 64)], [0]),
        ([(64, 63), (64, 1)], [0, 1]),
        ([(63, 64), (1, 64)], [0, 1]),
        ([(63, 63), (1, 1)], [0, 0]),
        ([(63, 63), (1, 1), (1, 1)], [0, 0, 1]),
    ):
        places = places_of(sizes, step, [0] * 64, 64, 100)
        assert (places is None) == (len(sizes) == 3)
        assert places is None or legal(sizes, step, places)
    for columns in (63, 64):
        assert (places_of([(1, columns)], [0], [1 << 63] * 2, 64, 1) is None) == (columns == 64)


def test_orders_are_tried_until_all_fit() -> None:
    """An array of 7 x 8 cells cut into six blocks, which largest first do not fit."""
    pieces = [(5, 1), (5, 6), (2, 5), (2, 2), (4, 1), (3, 1)]
    assert places_of(pieces, list(range(6)), [0] * 7, 8, 1) is None
    assert places_of(pieces, list(range(6)), [0] * 7, 8, 1000) is not None


def test_others_stay_where_they_stand_if_a_block_fits_beside_them() -> None:
    blocks = Blocks.of(chain([[(4, 4)] * 6, [(4, 8)] * 3, [(8, 4)] * 3]))
    board = Board.of(blocks, packed(blocks), "makespan", 1)
    assert board is not None
    aim, random = Aim(0, 1.0, np.zeros(len(board.arrays))), np.random.default_rng(0)
    state, best = (State(*(column.copy() for column in board.state)) for _ in range(2))
    moved = set()
    for _ in range(300):
        before = State(*(column.copy() for column in state))
        walk(board.chip, board.work, aim, state, best, 50.0, 50.0, 1, 0, random, GO_ON)
        moved.add(int(np.any(np.array(before) != np.array(state), axis=0).sum()))
    assert moved == {0, 1, 2}


def test_what_is_worse_is_accepted_where_it_is_hot() -> None:
    blocks = Blocks.of(chain(SIZES))
    board = Board.of(blocks, constructed(blocks)[-1], "makespan", 0)
    assert board is not None
    for heat, worse in ((50.0, True), (1e-9, False)):
        state, best = (State(*(column.copy() for column in board.state)) for _ in range(2))
        aim = Aim(0, 0.0, np.zeros(len(board.arrays)))
        worth = walk(
            board.chip, board.work, aim, state, best, heat, heat, 500, 5, np.random.default_rng(0), GO_ON
        )
        assert (replace(board, state=state).cycles > worth) == worse


def test_cycles_count_beyond_what_is_enough_and_cells_their_price() -> None:
    blocks = Blocks.of(chain(SIZES))
    board = Board.of(blocks, constructed(blocks)[0], "makespan", 0)
    assert board is not None
    state, best = (State(*(column.copy() for column in board.state)) for _ in range(2))
    price = np.arange(len(board.arrays)) / 4
    for enough in (0, board.cycles - 1, board.cycles + 7):
        aim = Aim(enough, 1.0, price)
        worth = walk(
            board.chip, board.work, aim, state, best, 1.0, 1.0, 0, 5, np.random.default_rng(0), GO_ON
        )
        assert worth == max(board.cycles, enough) + (board.filled * price).sum()


def test_blocks_that_stand_between_units_stay_there() -> None:
    """Two arrays with blocks of 8 x 8 one row and three columns from the corner: a unit is one line."""
    blocks = Blocks.of(chain([[(8, 8)] * 2, [(8, 8)]]))
    none = np.zeros(3, dtype=np.int64)
    start = Placement(none, np.arange(3), none + 1, none + 3, np.array([0, 0, 4]))
    board = Board.of(blocks, start, "makespan", 0)
    assert board is not None
    assert board.units == (1, 1)
    assert board.finished(board.state).placement.column.tolist() == [3] * 3
