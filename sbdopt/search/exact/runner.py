"""Run CP-SAT on a model, and hand over what it finds and proves while it runs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from ortools.sat.python import cp_model

from sbdopt.search.budget import Budget
from sbdopt.search.exact.model import ExactModel, Reading, read

_PATIENCE = 0.05


@dataclass(frozen=True)
class NothingLeft:
    """CP-SAT has proved that the model has no solution."""


def run(model: ExactModel, budget: Budget, seed: int, share: float) -> Iterator[Reading | int | NothingLeft]:
    """Solutions and bounds as CP-SAT finds them, then `NothingLeft` if it proved so.

    CP-SAT runs in a thread of its own, so that an interrupt reaches this one; it is stopped when the caller
    goes away. The last bound comes after the last solution. Models with time are searched without linear
    relaxations by the worker that searches everything: measured on mixed problems of 20 and 24 blocks, that
    proves in a fourth of the time.
    """
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = budget.workers
    solver.parameters.random_seed = seed
    solver.parameters.catch_sigint_signal = False
    solver.parameters.max_time_in_seconds = min(budget.remaining * share, 1e6)
    if model.timetable is not None:
        solver.parameters.subsolvers.append("no_lp")
    if budget.remaining_work is not None:
        solver.parameters.max_deterministic_time = budget.remaining_work * share
    outcomes: queue.SimpleQueue[Reading | int | NothingLeft | BaseException | None] = queue.SimpleQueue()

    class Report(cp_model.CpSolverSolutionCallback):
        def on_solution_callback(self) -> None:
            outcomes.put(read(model, self))

    def work() -> None:
        try:
            solver.best_bound_callback = lambda bound: outcomes.put(round(bound))
            status = solver.solve(model.variables.model, Report())
            if status == cp_model.INFEASIBLE:
                outcomes.put(NothingLeft())
            elif status == cp_model.OPTIMAL:
                outcomes.put(round(solver.objective_value))
        except BaseException as error:  # handed over to the thread that waits
            outcomes.put(error)
        finally:
            outcomes.put(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            try:
                outcome = outcomes.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
            if outcome is None:
                break
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        while thread.is_alive():  # a stop that comes before the solver has begun is not heard
            solver.stop_search()
            thread.join(_PATIENCE)
        budget.spent += solver.response_proto.deterministic_time
