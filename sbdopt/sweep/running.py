"""All points of a sweep that are not done: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any

from sbdopt.errors import InputError
from sbdopt.sweep.results import Results
from sbdopt.sweep.solving import PointRow, failed, solve_point
from sbdopt.sweep.spec import Point, Spec

Todo = tuple[str, Point, bytes | None]
"""The key of a point, the point, and its problem file."""
Done = tuple[str, PointRow, float]
Solve = Callable[[Point, bytes | None], tuple[PointRow, float]]

_AHEAD = 2
"""Points that are handed to each worker ahead of time."""


def run_sweep(
    spec: Spec,
    results: Results,
    *,
    workers: int = 1,
    dask: str | None = None,
    watch: Callable[[int, int, PointRow], None] | None = None,
) -> None:
    """Solve every point that is not in `results`, which takes in each as soon as it is done.

    Each point is solved by one worker. `workers`: processes of this machine; `dask`: the address of a
    scheduler, whose workers are used instead. `watch` is called with the number of points that are done, of
    all points, and the row. KeyboardInterrupt ends it; what is done is in `results`. Raises InputError for a
    problem file or a scheduler that cannot be reached.
    """
    points = spec.keyed_points()
    todo = [(key, point) for key, point in points if key not in results.done]
    files = {
        point.problem: spec.read(point.problem)[0] for _, point in todo if isinstance(point.problem, str)
    }
    with_files = [
        (key, point, files[point.problem] if isinstance(point.problem, str) else None) for key, point in todo
    ]
    done = len(points) - len(todo)
    found = _on_dask(with_files, dask) if dask is not None else _in_processes(with_files, workers)
    for key, row, seconds in found if todo else ():
        results.add(key, row, seconds)
        done += 1
        if watch is not None:
            watch(done, len(points), row)


def _in_processes(todo: Sequence[Todo], workers: int, solve: Solve = solve_point) -> Iterator[Done]:
    """The rows of points, as they are done. What a process that is killed had in hand is tried alone."""
    rest = list(reversed(todo))
    again: list[Todo] = []
    while rest or again:
        alone = not rest
        with _pool(1 if alone else workers) as pool:
            running: dict[Future[tuple[PointRow, float]], Todo] = {}
            queue = again if alone else rest
            most = 1 if alone else workers * _AHEAD
            try:
                while queue or running:
                    while queue and len(running) < most:
                        one = queue.pop()
                        running[pool.submit(solve, one[1], one[2])] = one
                    yield from _finished(running)
            except BrokenProcessPool:
                if alone:
                    for key, point, _ in running.values():
                        yield key, failed(point, "the process that solved it was killed"), 0.0
                else:
                    again.extend(running.values())
            except BaseException:
                _kill(pool)
                raise


def _finished(running: dict[Future[tuple[PointRow, float]], Todo]) -> Iterator[Done]:
    ready, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in ready:
        row, seconds = future.result()
        key, _, _ = running.pop(future)
        yield key, row, seconds


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_depend_on_parent)


def _depend_on_parent() -> None:
    """Ctrl-C goes to all processes of a terminal, but the one that waits for the others ends them.

    If that is killed, they end themselves.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_it() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()


def _kill(pool: ProcessPoolExecutor) -> None:
    processes: Mapping[int, Any] = getattr(pool, "_processes", None) or {}
    for process in list(processes.values()):
        process.terminate()
    pool.shutdown(wait=False, cancel_futures=True)


def _on_dask(todo: Sequence[Todo], address: str) -> Iterator[Done]:
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise InputError("--dask needs the package distributed: pip install 'sbdopt[dask]'") from error
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {address!r}: {error}") from error
    with client:
        contents = {id(content): content for _, _, content in todo if content is not None}
        sent = {number: client.scatter(content) for number, content in contents.items()}  # type: ignore[no-untyped-call]
        running = {}
        for key, point, content in todo:
            file = None if content is None else sent[id(content)]
            running[client.submit(solve_point, point, file, key=f"sbdopt-{key}", pure=False)] = (key, point)
        for future in as_completed(list(running)):  # type: ignore[no-untyped-call]
            key, point = running.pop(future)
            if future.status == "finished":
                yield key, *future.result()
            else:
                yield key, failed(point, f"the Dask worker failed: {future.exception()}"), 0.0
