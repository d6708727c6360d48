"""The local search: every finding is legal and no worse; its books agree with counting all anew."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from diagonals import chained
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import problems
from tiny_problems import tiny_problem

from sbdopt.blocks import Blocks
from sbdopt.documents import BoolArray
from sbdopt.goals import Goals
from sbdopt.judge import judge_placement
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.search.budget import Budget
from sbdopt.search.dealing import Places
from sbdopt.search.greedy import finished, greedy
from sbdopt.search.improve import improve
from sbdopt.search.method import Found
from sbdopt.search.neighbourhoods import Balance, Board, Grouping, Loads, levels
from sbdopt.search.score import key, score
from sbdopt.search.stacking import Stacks
from sbdopt.solve import solve

ORDERS = (
    ("unused_cells", "makespan"),
    ("makespan", "unused_cells"),
    ("interval", "arrays"),
    ("arrays", "interval", "makespan"),
    ("makespan", "interval"),
)
randoms = st.randoms(use_true_random=True)


def chain(operators: list[list[tuple[int, int]]], side: int = 16) -> Problem:
    """Operators one after another, each with blocks of these sizes on the diagonal."""
    arrays = [{"name": "xbar", "rows": side, "columns": side, "adcs": 4}]
    return Problem.model_validate(
        {"name": "chain", "hardware": {"arrays": arrays}, "operators": chained(operators)}
    )


MIXED = chain([[(4, 4), (3, 5), (8, 8), (6, 2), (5, 7)] * 3] * 3)


@settings(max_examples=80, deadline=None)
@given(problems(), st.sampled_from(ORDERS), st.integers(0, 3), st.sampled_from((None, 2, 4)))
def test_legal_and_never_worse_than_greedy(
    problem: Problem, order: tuple[str, ...], seed: int, most: int | None
) -> None:
    blocks = Blocks.of(problem)
    goals = Goals(order, {} if most is None else {"arrays": most})
    keys = {}
    for name, method in (("greedy", greedy), ("improve", improve)):
        found = []
        for finding in method(blocks, goals, Budget(seconds=float("inf"), work=0.1), seed, None):
            assert isinstance(finding, Found)
            metrics = judge_placement(blocks, finding.placement).metrics
            assert metrics is not None, judge_placement(blocks, finding.placement).violations
            found.append(key(blocks, goals, finding.placement))
        keys[name] = min(found, default=(2,))
    assert keys["improve"] <= keys["greedy"]


def searched(random: Any, *, more: bool = True) -> Balance | None:
    """A local search on a tiny problem, with arrays that are empty if there may be any."""
    blocks = Blocks.of(tiny_problem(random))
    goals = Goals(("unused_cells",))
    placements = [f.placement for f in greedy(blocks, goals, Budget(), 0, None) if isinstance(f, Found)]
    if not placements or not len(blocks):
        return None
    one = placements[0]
    kind = blocks.hardware.arrays[0]
    spare = [(0, int(one.array.max()) + 1)] if more and kind.count is None and not kind.faults else []
    board = Board(blocks, Places(one.kind, one.array, one.row, one.column), spare)
    level = np.unique(levels(blocks)[blocks.operator], return_inverse=True)[1]
    groupings = [
        Grouping(level, np.full(int(level.max()) + 1, 7)),
        Grouping(np.zeros_like(level), np.ones(1, dtype=np.int64)),
    ]
    return Balance(board, Loads(blocks, groupings, board.kind, board.tile), random.randint(0, 9))


def books(balance: Balance) -> tuple[int, list[list[int]]]:
    """Cost and loads, counted anew."""
    loads, board = balance.loads, balance.board
    fresh = Loads(board.blocks, loads.groupings, board.kind, board.tile)
    fresh.count(board.array)
    return fresh.cost, [load.tolist() for load in fresh.load]


@settings(max_examples=150, deadline=None)
@given(randoms)
def test_moves_keep_blocks_apart_and_the_books_right(random: Any) -> None:
    """Attempts never cost more, wandering neither; afterwards the placement is legal."""
    balance = searched(random)
    if balance is None:
        return
    for _ in range(30):
        before = balance.loads.cost
        move = random.choice((balance.attempt, balance.wander, lambda: vacated(balance, random)))
        move()
        assert balance.loads.cost <= before
        assert (balance.loads.cost, [load.tolist() for load in balance.loads.load]) == books(balance)
    board = balance.board
    assert judge_placement(board.blocks, finished(board.blocks, board.places(), Budget()).placement).legal
    area = board.blocks.height * board.blocks.columns
    assert (board.cells - board.free == np.bincount(board.array, area, len(board.where))).all()


def vacated(balance: Balance, random: Random) -> bool:
    return balance.vacate(random.randrange(len(balance.board.where)))


@settings(max_examples=150, deadline=None)
@given(randoms)
def test_changes_are_foreseen(random: Any) -> None:
    """Both ways to say what an exchange costs, against counting anew."""
    balance = searched(random, more=False)
    if balance is None or len(balance.board.array) < 2:
        return
    board, loads = balance.board, balance.loads
    block, other = random.sample(range(len(board.array)), 2)
    here, there = int(board.array[block]), int(board.array[other])
    kind = board.blocks.hardware.arrays[board.where[here][0]]
    if board.tile[here] == board.tile[there] or board.kind[here] != board.kind[there]:
        return
    assert kind is board.blocks.hardware.arrays[board.where[there][0]]
    for back in (other, -1):
        cost, squares = loads.changes(block, here, np.array([back]), np.array([there]))
        travels = [(block, here, there)] + [(back, there, here)] * (back >= 0)
        assert loads.change(travels) == (cost[0], squares[0])
        array = board.array.copy()
        array[block] = there
        if back >= 0:
            array[back] = here
        fresh = Loads(board.blocks, loads.groupings, board.kind, board.tile)
        fresh.count(array)
        assert loads.cost + cost[0] == fresh.cost


def taken_cells(board: Board, a: int, without: int | None = None) -> BoolArray:
    kind = board.blocks.hardware.arrays[board.where[a][0]]
    cells = np.zeros((kind.rows, kind.columns), dtype=bool)
    for block in board.members[a]:
        if block != without:
            row, column = board.row[block], board.column[block]
            cells[row : row + board.blocks.height[block], column : column + board.blocks.columns[block]] = (
                True
            )
    for row, column, height, width in board.faults(a):
        cells[row : row + height, column : column + width] = True
    return cells


@settings(max_examples=100, deadline=None)
@given(randoms, st.integers(1, 4), st.integers(1, 4))
def test_rooms_holes_and_windows(random: Any, height: int, width: int) -> None:
    """Against looking at every cell."""
    balance = searched(random)
    if balance is None:
        return
    board = balance.board
    for block in range(len(board.array)):
        cells = taken_cells(board, int(board.array[block]), block)
        for top, left, bottom, right in board.room[block].tolist():
            assert not cells[top:bottom, left:right].any()
            assert top <= board.row[block]
            assert left <= board.column[block]
            assert bottom >= board.row[block] + board.blocks.height[block]
            assert right >= board.column[block] + board.blocks.columns[block]
    for a in range(len(board.where)):
        cells = taken_cells(board, a)
        rows, columns = cells.shape[0] - height + 1, cells.shape[1] - width + 1
        free = [
            (r, c)
            for r in range(max(0, rows))
            for c in range(max(0, columns))
            if not cells[r : r + height, c : c + width].any()
        ]
        assert board.hole(a, height, width) == (free[0] if free else None)
        if rows < 1 or columns < 1:
            continue
        corners, inside = board.windows(a, height, width)
        for (row, column), members in zip(corners.tolist(), inside, strict=True):
            within = cells[row : row + height, column : column + width]
            area = board.blocks.height * board.blocks.columns
            assert within.sum() == area[np.array(board.members[a], dtype=np.int64)[members]].sum()
        assert len(corners) >= bool(free)


@pytest.mark.parametrize("goals", ORDERS)
def test_a_limit_of_work_gives_the_same_bytes(goals: tuple[str, ...]) -> None:
    written = {
        solve(
            MIXED, method="improve", goals=goals, budget=Budget(seconds=float("inf"), work=0.2), seed=3
        ).to_bytes()
        for _ in range(2)
    }
    assert len(written) == 1


def test_arrays_of_one_size_each_are_mixed() -> None:
    """16 blocks of 4x4, then 4 of 8x8, on two arrays of 16x16 that are full.

    One size on each: 16 steps of 2 cycles, then 4 of 3. Half of both on each: 8 steps, then 2.
    """
    problem = chain([[(4, 4)] * 16, [(8, 8)] * 4])
    for method, makespan in (("greedy", 16 * 2 + 4 * 3), ("improve", 8 * 2 + 2 * 3)):
        solution = solve(problem, method=method)
        assert (solution.value("arrays"), solution.value("makespan")) == (2, makespan)


@settings(max_examples=150, deadline=None)
@given(randoms, st.integers(1, 6))
def test_stacks_are_legal_and_read_in_one_step(random: Any, rows: int) -> None:
    """Whatever holds of a placement of stacks holds of that of their blocks."""
    blocks = Blocks.of(tiny_problem(random))
    tallest = max(kind.rows for kind in blocks.hardware.arrays)
    stacks = Stacks.up_to(blocks, min(rows, tallest))
    if stacks is None:
        return
    table = stacks.blocks
    assert table.cells == blocks.cells
    assert (blocks.operator == table.operator[stacks.of_block]).all()
    assert (blocks.output == table.output[stacks.of_block]).all()
    assert len(table) == table.first[-1] < len(blocks)
    for finding in greedy(table, Goals(("unused_cells",)), Budget(), 0, None):
        assert isinstance(finding, Found)
        metrics = judge_placement(blocks, stacks.unstacked(finding.placement)).metrics
        assert metrics is not None
        assert metrics.steps <= len(table)
        values = score(table, finding.placement)
        assert {name: getattr(metrics, name) for name in values} == values


def test_an_interrupt_loses_nothing() -> None:
    """The clock interrupts the search when something better than the constructions is known."""
    blocks, goals = Blocks.of(MIXED), Goals(("unused_cells", "makespan"))
    known: list[tuple[int, ...]] = []

    def watch(record: Any, budget: Budget) -> None:
        known.append(record.values())
        if len(known) > 2:
            raise KeyboardInterrupt

    solution = solve(MIXED, method="improve", goals=goals.order, watch=watch)
    placement = Placement.read(blocks, solution)
    assert tuple(score(blocks, placement)[goal] for goal in goals) == min(known)


def test_steps_that_take_very_long_are_not_counted_wrong() -> None:
    problem = chain([[(3, 3)] * 3, [(8, 4), (5, 3)]], side=8)
    document = problem.model_dump()
    document["hardware"]["conversion_cycles"] = 1 << 31
    slow = Blocks.of(Problem.model_validate(document))
    found = list(improve(slow, Goals(("unused_cells", "makespan")), Budget(work=1.0), 0, None))
    assert found
    for one in found:
        assert isinstance(one, Found)
        assert judge_placement(slow, one.placement).legal
