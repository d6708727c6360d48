"""Problems of a few small blocks on tiny arrays, with every feature of the format."""

from __future__ import annotations

from random import Random
from typing import Any

from sbdopt.problem import Problem

_MOST_WAYS = 100_000
"""To put all blocks on one array, so that trying all is quick."""


def tiny_problem(random: Random) -> Problem:
    """A problem of at most four blocks at random."""
    while True:
        problem = small_problem(random, random.choice((1, 2, 3, 3, 4, 4, 4, 4)))
        if _ways(problem) <= _MOST_WAYS:
            return problem


def small_problem(random: Random, blocks: int) -> Problem:
    """A problem at random; draws again until it is one that the format allows."""
    while True:
        try:
            return Problem.model_validate(_draw(random, blocks))
        except ValueError:
            continue


def _ways(problem: Problem) -> int:
    most = 1
    for kind in problem.hardware.arrays:
        ways = 1
        for operator in problem.operators:
            for height, width in zip(*_sizes(operator.blocks), strict=True):
                columns = width * problem.hardware.columns_per_weight
                ways *= max(1, (kind.rows - height + 1) * (kind.columns - columns + 1))
        most = max(most, ways)
    return most


def _sizes(blocks: Any) -> tuple[list[int], list[int]]:
    return ([], []) if blocks is None else (blocks.height.tolist(), blocks.width.tolist())


def _draw(random: Random, blocks: int) -> dict[str, Any]:
    slices = random.choice((1, 1, 1, 2))
    kinds = random.choice((1, 1, 2))
    hardware = {
        "arrays": [_kind(random, f"kind{number}") for number in range(kinds)],
        "columns_per_weight": slices,
        "rows_per_phase": random.choice((None, None, 1, 2, 3)),
        "input_slices": random.choice((1, 1, 2)),
        "settle_cycles": random.choice((1, 3, 0, 3)),
        "conversion_cycles": random.choice((1, 1, 0, 2)),
        "conversion_cycles_per_bit": random.choice((0, 0, 1)),
    }
    crossbars, digital = random.choice((1, 2, 2, 3)), random.choice((0, 0, 1))
    is_digital = [False] * crossbars + [True] * digital
    random.shuffle(is_digital)
    counts = [0] * crossbars
    for _ in range(blocks):
        counts[random.randrange(crossbars)] += 1
    how = random.choice(("chain", "parallel", "any", "any"))
    operators: list[dict[str, Any]] = []
    for number, one in enumerate(is_digital):
        before = [operator["name"] for operator in operators]
        chosen = {
            "chain": before[-1:],
            "parallel": [],
            "any": [name for name in before if random.random() < 0.4],
        }
        operator: dict[str, Any] = {"name": f"o{number}", "after": chosen[how]}
        if one:
            operator["cycles"] = random.choice((0, 1, 3))
        else:
            operator |= _crossbar(random, counts.pop())
        operators.append(operator)
    random.shuffle(operators)
    return {"name": "tiny", "hardware": hardware, "operators": operators}


def _kind(random: Random, name: str) -> dict[str, Any]:
    rows, columns = random.choice((2, 3, 4, 5, 6, 6)), random.choice((2, 3, 4, 5, 6, 6))
    count = random.choice((None, None, 1, 2, 3))
    faults = []
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        row, column = random.randrange(rows), random.randrange(columns)
        height, width = random.choice((1, rows - row)), random.choice((1, columns - column))
        faults.append([random.randrange(count or 2), row, column, height, width])
    return {
        "name": name,
        "rows": rows,
        "columns": columns,
        "adcs": random.choice((1, 2, 3, 6)),
        "count": count,
        "tiers": random.choice((1, 1, 2, 3)),
        "faults": faults,
    }


def _crossbar(random: Random, count: int) -> dict[str, Any]:
    """A matrix with so many blocks; each may follow the one before, stand below or beside it, or anywhere."""
    inputs, outputs = random.randint(2, 6), random.randint(2, 6)
    size = random.randint(1, 3), random.randint(1, 3)
    alike = random.random() < 0.5
    table: list[tuple[int, int, int, int]] = []
    for _ in range(count):
        for _ in range(20):
            height, width = size if alike else (random.randint(1, 3), random.randint(1, 3))
            row, column = random.randint(0, 3), random.randint(0, 3)
            if table:
                last = table[-1]
                row, column = random.choice(
                    (
                        (row, column),
                        (last[0] + last[2], last[1] + last[3]),
                        (last[0] + last[2], last[1]),
                        (last[0], last[1] + last[3]),
                    )
                )
            block = (row, column, height, width)
            if not any(_overlap(block, other) for other in table):
                table.append(block)
                break
    inputs = max([inputs, *(row + height for row, _, height, _ in table)])
    outputs = max([outputs, *(column + width for _, column, _, width in table)])
    names = ("input", "output", "height", "width")
    return {
        "shape": [inputs, outputs],
        "input": random.choice((None, None, "x", "x", "y")),
        "blocks": {name: [block[place] for block in table] for place, name in enumerate(names)},
    }


def _overlap(one: tuple[int, int, int, int], two: tuple[int, int, int, int]) -> bool:
    return all(one[a] < two[a] + two[a + 2] and two[a] < one[a] + one[a + 2] for a in (0, 1))
