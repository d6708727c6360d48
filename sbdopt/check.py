"""Check a solution in every way: its digest, the rules, what it claims, and what the arrays yield."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.errors import InputError
from sbdopt.goals import GOALS
from sbdopt.judge import Measures, Verdict, judge
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.program import LoadedProgram, Program, run_program, vectors_of
from sbdopt.simulate import Agreement, compare, simulate, standing_placement
from sbdopt.solution import Solution
from sbdopt.weights.references import make_inputs, read_references
from sbdopt.weights.store import make_weights, read_weights


@dataclass(frozen=True)
class Report:
    """All that was found out about a solution."""

    verdict: Verdict
    wrong_claims: tuple[str, ...]
    """What the document says and does not hold, a sentence each."""
    agreements: tuple[Agreement, ...]
    """For every operator that was compared: whether the arrays yield what they should."""
    program: tuple[Agreement, ...] | None = None
    """Whether the program yields it, if one was run."""

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong at all."""
        yielded = all(agreement.agrees for agreement in (*self.agreements, *(self.program or ())))
        return self.verdict.legal and not self.wrong_claims and yielded


def check(
    problem: Problem,
    solution: Solution,
    *,
    reference: Path | None = None,
    program: LoadedProgram | None = None,
    seed: int = 0,
) -> Report:
    """Judge a solution, compare its claims with the judge's metrics, and simulate it.

    A `program`, if there is one, is run with the same inputs. Weights come from the file that the
    problem names, or are made from `seed`, as inputs are. Outputs are compared with the file of reference
    outputs, or with x W. Raises InputError if solution or program are of another problem, or weights or
    reference cannot be used.
    """
    check_digest(problem, solution)
    if program is not None:
        _check_program(problem, program.program, seed)
    blocks = Blocks.of(problem)
    verdict = judge(blocks, solution)
    rng = np.random.default_rng(seed)
    path = problem.weights_path
    weights = make_weights(problem, rng) if path is None else read_weights(problem, path)
    references = None if reference is None else read_references(problem, reference)
    inputs = make_inputs(problem, rng, references=references)
    outputs = simulate(blocks, standing_placement(blocks, solution), weights, inputs)
    ran = None
    if program is not None:
        vectors = vectors_of(program.program, inputs)
        yielded = run_program(program.program, program.cells, vectors)
        ran = tuple(compare(blocks, yielded, weights, inputs, references))
    return Report(
        verdict=verdict,
        wrong_claims=tuple(_wrong_claims(problem, solution, verdict.metrics)),
        agreements=tuple(compare(blocks, outputs, weights, inputs, references)),
        program=ran,
    )


def legal_placement(blocks: Blocks, solution: Solution, source: str) -> Placement:
    """The placement of a solution that is legal; InputError, which names its `source`, if it is not."""
    check_digest(blocks.problem, solution)
    verdict = judge(blocks, solution)
    if not verdict.legal:
        raise InputError(f"{source}: not legal: {verdict.violations[0]}")
    return Placement.read(blocks, solution)


def check_digest(problem: Problem, solution: Solution) -> None:
    """Refuse a solution that was made for another problem file."""
    if solution.problem_sha256 != problem.sha256:
        raise InputError(
            f"solution of another problem: it is for {solution.problem!r} with SHA-256 "
            f"{solution.problem_sha256[:12]}..., but problem {problem.name!r} has {problem.sha256[:12]}..."
        )


def _check_program(problem: Problem, program: Program, seed: int) -> None:
    """Refuse a program that was compiled for another problem, or with weights from another seed."""
    if program.problem_sha256 != problem.sha256:
        raise InputError(
            f"program of another problem: it is for {program.problem!r} with SHA-256 "
            f"{program.problem_sha256[:12]}..., but problem {problem.name!r} has {problem.sha256[:12]}..."
        )
    if program.seed is not None and program.seed != seed:
        raise InputError(
            f"the program holds weights made from seed {program.seed}, not {seed}; "
            f"check with --seed {program.seed}"
        )
    mine = [(operator.name, operator.shape, operator.cycles) for operator in problem.operators]
    if mine != [(operator.name, operator.shape, operator.cycles) for operator in program.operators]:
        raise InputError(f"the program has other operators than problem {problem.name!r}; compile again")


def _wrong_claims(problem: Problem, solution: Solution, measures: Measures | None) -> Iterator[str]:
    if solution.problem != problem.name:
        yield f"problem is called {solution.problem!r}, but its name is {problem.name!r}"
    if measures is None:
        return
    claimed = {} if solution.metrics is None else solution.metrics.model_dump(exclude_none=True)
    for name, value in claimed.items():
        actual = getattr(measures, name)
        if not math.isclose(value, actual, rel_tol=1e-9, abs_tol=1e-12):
            yield f"{name} is said to be {value}, but it is {actual}"
    bounds = {} if solution.bounds is None else solution.bounds.model_dump(exclude_none=True)
    for name, bound in bounds.items():
        actual = getattr(measures, name)
        if bound > actual:
            yield f"{name} is said to be at least {bound}, but it is {actual}"
    if solution.status in ("infeasible", "unknown"):
        yield f"status is {solution.status}, but the placement is legal"
    if solution.status == "optimal":
        yield from _unproven(solution, bounds, measures)


def _unproven(solution: Solution, bounds: dict[str, int], measures: Measures) -> Iterator[str]:
    """Why a solution that is said to be optimal is not proven to be so by its own bounds."""
    if not bounds and not (solution.solver or {}).get("bounds"):
        yield "status is optimal, but there are no bounds"
    goals = (solution.solver or {}).get("goals", [])
    named = [goal for goal in goals if goal in GOALS] if isinstance(goals, list) else []
    for name in dict.fromkeys([*named, *bounds]):
        actual = getattr(measures, name)
        if name not in bounds:
            yield f"status is optimal, but goal {name} has no bound"
        elif bounds[name] < actual:
            yield f"status is optimal, but {name} is {actual} and its bound only {bounds[name]}"
