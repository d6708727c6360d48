"""Documents broken at random: one clear line and exit code 2, or a result; never an error of our own."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sbdopt.cli import main

ROOT = Path(__file__).parent.parent
NAMES = (
    "diagonal-pair",
    "partial-sums",
    "faults",
    "tiers",
    "two-kinds",
    "bit-slices",
    "phases",
    "digital-chain",
)
VALUES = (
    0, -1, 2, 10**6, 2**31 - 1, 2**31, 2**40, 2**63, 10**30, 1.5, True, None, "", "x", "\u2028", [], {}, [1],
    [[0, 0, 0, 1, 1]], [-1], float("nan"), {"a": 1},
)  # fmt: skip
COMMANDS = (
    ["show", "p.json"],
    ["show", "p.json", "s.json"],
    ["check", "p.json", "s.json"],
    ["solve", "p.json", "--method", "greedy", "--quiet"],
    ["solve", "p.json", "--method", "greedy", "--quiet", "--start", "s.json"],
    [
        "solve",
        "p.json",
        "--method",
        "greedy",
        "--quiet",
        "--keep",
        "s.json",
        "--goal",
        "moved_cells,makespan",
    ],
    ["solve", "p.json", "--method", "densemap", "--quiet", "--limit", "arrays=2"],
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys and places that lead to every part of a document, itself left out."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*here, key)
        yield from paths(child, (*here, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def broken(document: Any, rng: random.Random) -> Any:
    """The document with one part left out, moved, repeated, or exchanged for something else."""
    document = copy.deepcopy(document)
    every = list(paths(document))
    *path, key = rng.choice(every)
    parent, how = at(document, tuple(path)), rng.randrange(5)
    if how == 0:
        del parent[key]
    elif how == 1 and isinstance(parent[key], int):
        parent[key] += rng.choice((-7, -1, 1, 100))
    elif how == 2 and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif how == 3:
        parent[key] = copy.deepcopy(at(document, rng.choice(every)))
    else:
        parent[key] = copy.deepcopy(rng.choice(VALUES))
    return document


@pytest.mark.parametrize("name", NAMES)
def test_broken_documents_are_never_an_error_of_our_own(name, folder, capsys):
    rng = random.Random(name)
    problem, solution = (
        json.loads((ROOT / kind / f"{name}.json").read_text()) for kind in ("problems", "solutions")
    )
    for turn in range(40):
        breaks_problem = turn % 2 == 0
        (folder / "p.json").write_text(json.dumps(broken(problem, rng) if breaks_problem else problem))
        (folder / "s.json").write_text(json.dumps(solution if breaks_problem else broken(solution, rng)))
        command = rng.choice(COMMANDS)
        code = main([*command, *(["--workers", "1", "--time-limit", "5"] if command[0] == "solve" else [])])
        out, err = capsys.readouterr()
        assert code in (0, 1, 2), command
        assert "error of sbdopt itself" not in err, (folder / "p.json").read_text()
        if code == 2:
            assert out == ""
            *warnings, line = err.splitlines()
            assert line.startswith("sbdopt: ")
            assert all(one.startswith("sbdopt: warning: ") for one in warnings), err
