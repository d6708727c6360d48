"""One point of a sweep: its problem is made or read, solved, and becomes a row."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sbdopt.bench import row_of
from sbdopt.blocks import Blocks
from sbdopt.cost import cost_of, load_preset
from sbdopt.errors import InputError, SbdoptError
from sbdopt.models import make_model
from sbdopt.placement import Placement
from sbdopt.problem import Hardware, Problem
from sbdopt.search.budget import Budget
from sbdopt.solution import Bounds, Solution
from sbdopt.solve import solve
from sbdopt.sweep.spec import Model, Point, array_kind

_ARRAY, _ADCS = "256x256", 8
"""What a model stands on if nothing else is said."""


@dataclass(frozen=True)
class PointRow:
    """What was reached at a point; None where nothing was found, or nothing is proven."""

    problem: str
    array: str
    """Rows and columns of the kinds of arrays, such as 256x256."""
    adcs: str
    """Converters of an array of each kind."""
    method: str
    goals: str
    seed: int
    status: str
    """That of the solution, or `failed`."""
    arrays: int | None = None
    utilization: float | None = None
    unused_cells: int | None = None
    makespan: int | None = None
    interval: int | None = None
    bound_unused_cells: int | None = None
    bound_makespan: int | None = None
    bound_interval: int | None = None
    preset: str | None = None
    adc_model: str | None = None
    adc_bits: int | None = None
    latency_ns: float | None = None
    """Of a token, nothing spent on movement between arrays."""
    interval_ns: float | None = None
    energy_pj: float | None = None
    """Of a token, the movement included."""
    area_mm2: float | None = None
    note: str = ""
    """Why there is no solution."""

    @classmethod
    def columns(cls) -> dict[str, type]:
        """The columns of the table, and of what type each is where it is not empty."""
        types: dict[str, type] = {"str": str, "int": int, "float": float}
        return {field.name: types[str(field.type).split(" ")[0]] for field in fields(cls)}


def solve_point(point: Point, content: bytes | None) -> tuple[PointRow, float]:
    """The row of a point and the seconds it took; `content` is the problem file, None for a model.

    Never raises but for an interrupt: what goes wrong is a row with the status `failed`.
    """
    budget = Budget(
        seconds=float("inf") if point.time_limit is None else point.time_limit, work=point.work, workers=1
    )
    try:
        return _solved(point, content, budget), budget.elapsed
    except (SbdoptError, MemoryError) as error:
        said = str(error) or "not enough memory"
    except Exception as error:  # a fault of sbdopt, which must not end the sweep
        said = f"an error of sbdopt itself, {type(error).__name__}: {error}"
    return failed(point, said), budget.elapsed


def failed(point: Point, note: str) -> PointRow:
    """The row of a point that could not be solved."""
    return PointRow(
        problem=_name(point),
        array=point.array or "",
        adcs="" if point.adcs is None else str(point.adcs),
        method=point.method,
        goals=",".join(point.goals),
        seed=point.seed,
        preset=point.preset,
        adc_bits=point.adc_bits,
        status="failed",
        note=note,
    )


def _name(point: Point) -> str:
    return point.problem.model if isinstance(point.problem, Model) else point.problem


def _problem(point: Point, content: bytes | None) -> Problem:
    if isinstance(point.problem, Model):
        kind = array_kind(point.array or _ARRAY, point.adcs or _ADCS)
        hardware = Hardware(arrays=[kind])
        model = point.problem
        return make_model(model.model, hardware, form=model.form, layers=model.layers)
    assert content is not None
    problem = Problem.of_bytes(content, point.problem)
    if point.array is None and point.adcs is None:
        return problem
    return _on_other_arrays(problem, point)


def _on_other_arrays(problem: Problem, point: Point) -> Problem:
    """The same operators on arrays of another size, or with other converters."""
    kinds = problem.hardware.arrays
    if len(kinds) > 1 or kinds[0].faults:
        raise InputError(
            f"{_name(point)} has {'faulty cells' if kinds[0].faults else 'several kinds of arrays'}; only a "
            "problem with one kind of arrays and no faults can be put on others: leave arrays and adcs empty"
        )
    size = point.array or f"{kinds[0].rows}x{kinds[0].columns}"
    other = array_kind(size, point.adcs or kinds[0].adcs)
    kind = kinds[0].model_copy(update={"rows": other.rows, "columns": other.columns, "adcs": other.adcs})
    hardware = problem.hardware.model_copy(update={"arrays": [kind]})
    return Problem.model_validate(
        {**problem.model_dump(exclude_none=True), "hardware": hardware.model_dump(exclude_none=True)}
    )


def _solved(point: Point, content: bytes | None, budget: Budget) -> PointRow:
    """The row of a point; points that differ in costs only have one solution."""
    problem, solution = _solution(
        point.model_copy(update={"preset": None, "adc_bits": None}), content, budget
    )
    row = row_of(solution, point.method, point.goals, budget.elapsed)
    bounds = Bounds() if solution.bounds is None else solution.bounds
    kinds = problem.hardware.arrays
    return PointRow(
        problem=problem.name,
        array=" ".join(f"{kind.rows}x{kind.columns}" for kind in kinds),
        adcs=" ".join(str(kind.adcs) for kind in kinds),
        method=point.method,
        goals=",".join(point.goals),
        seed=point.seed,
        status=row.status,
        arrays=row.arrays,
        utilization=row.utilization,
        unused_cells=row.unused_cells,
        makespan=row.makespan,
        interval=row.interval,
        bound_unused_cells=bounds.unused_cells,
        bound_makespan=bounds.makespan,
        bound_interval=bounds.interval,
        **{"note": row.note, **_costs(point, problem, solution)},
    )


_solutions: dict[tuple[Point, bytes | None], tuple[Problem, Solution]] = {}
"""The last solution of this process."""


def _solution(point: Point, content: bytes | None, budget: Budget) -> tuple[Problem, Solution]:
    if (point, content) not in _solutions:
        problem = _problem(point, content)
        solution = solve(problem, method=point.method, goals=point.goals, budget=budget, seed=point.seed)
        if solution.solver is not None and solution.solver.get("interrupted"):
            raise KeyboardInterrupt
        _solutions.clear()
        _solutions[point, content] = problem, solution
    return _solutions[point, content]


def _costs(point: Point, problem: Problem, solution: Solution) -> dict[str, Any]:
    if point.preset is None or solution.metrics is None:
        return {}
    blocks = Blocks.of(problem)
    try:
        cost = cost_of(blocks, Placement.read(blocks, solution), load_preset(point.preset), point.adc_bits)
    except SbdoptError as refused:
        return {"preset": point.preset, "adc_bits": point.adc_bits, "note": f"no costs: {refused}"}
    names = ("preset", "adc_model", "adc_bits", "latency_ns", "interval_ns", "energy_pj", "area_mm2")
    return {name: getattr(cost, name) for name in names}
