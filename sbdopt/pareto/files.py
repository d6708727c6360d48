"""A front and its solutions as files, from which it can be gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path

from sbdopt.blocks import Blocks
from sbdopt.errors import InputError
from sbdopt.front import Front, Point
from sbdopt.judge import judge
from sbdopt.pareto.walk import Solved, file_name, front_of
from sbdopt.problem import Problem
from sbdopt.solution import Solution


def solutions_folder(path: Path) -> Path:
    """Where the solutions of the front at `path` lie."""
    return path.with_name(f"{path.stem}-solutions")


def save_front(problem: Problem, solved: Sequence[Solved], path: Path, saved: Sequence[Solved] = ()) -> Front:
    """Write the front to `path`, and before that its solutions to a folder beside it; each atomically.

    Those that are among `saved` are there already.
    """
    folder = solutions_folder(path)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made: {error.strerror or error}") from error
    there = {(one.limit, id(one.solution)) for one in saved}
    for one in solved:
        if (one.limit, id(one.solution)) not in there:
            one.solution.save(folder / file_name(one))
    front = front_of(problem, solved, folder.name)
    front.save(path)
    return front


def load_front(problem: Problem, path: Path) -> tuple[Solved, ...]:
    """What is solved already, but for points whose solution is gone or not what is said of it.

    Raises InputError if the file is no front, or one of another problem.
    """
    front = Front.load(path)
    if front.problem_sha256 != problem.sha256:
        raise InputError(
            f"{path}: front of another problem: it is for {front.problem!r} with SHA-256 "
            f"{front.problem_sha256[:12]}..., but problem {problem.name!r} has {problem.sha256[:12]}...; "
            "give the output another name"
        )
    blocks = Blocks.of(problem)
    found = (_loaded(blocks, point, path.parent) for point in front.points)
    return tuple(one for one in found if one is not None)


def _loaded(blocks: Blocks, point: Point, folder: Path) -> Solved | None:
    path = folder / (point.solution or "")
    solution = Solution.load(path) if path.is_file() else None
    metrics = None if solution is None else judge(blocks, solution).metrics
    if solution is None or metrics is None:
        return None
    if (metrics.arrays, metrics.makespan) != (point.arrays, point.makespan):
        return None
    return Solved(
        limit=point.limit,
        arrays=point.arrays,
        makespan=point.makespan,
        arrays_bound=point.arrays_bound,
        makespan_bound=point.limit_bound,
        solution=solution,
        tried={ask: inf if spent is None else spent for ask, spent in point.tried.items()},
    )
