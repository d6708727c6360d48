"""`sbdopt check`: judge a solution, then compute cell by cell what it yields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbdopt.cli.options import Json, ProblemFile, Seed, SolutionFile
from sbdopt.cli.output import print_json
from sbdopt.cli.precision import (
    AdcBits,
    CellBits,
    DacBits,
    InputBits,
    Noise,
    PrecisionFile,
    WeightBits,
    accuracy_document,
    print_accuracy,
    read_precision,
)
from sbdopt.cli.solve import print_metrics

if TYPE_CHECKING:
    from sbdopt.check import Report
    from sbdopt.simulate import Agreement

_MOST_SHOWN = 10


def check(
    problem: ProblemFile,
    solution: SolutionFile,
    reference: Annotated[
        Path | None, typer.Option(help="Safetensors file of reference outputs.", show_default=False)
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option(help="Program of the solution, which is run as well.", show_default=False),
    ] = None,
    precision: PrecisionFile = None,
    weight_bits: WeightBits = None,
    cell_bits: CellBits = None,
    input_bits: InputBits = None,
    dac_bits: DacBits = None,
    adc_bits: AdcBits = None,
    noise: Noise = None,
    seed: Seed = 0,
    json: Json = False,
) -> int:
    """Judge a solution, and compute what the arrays yield. Exit code 0 if all agrees, 1 if not.

    With a precision, how far outputs are off in it is reported as well; it does not change the exit code.
    """
    from sbdopt.accuracy import accuracy
    from sbdopt.check import check as check_solution
    from sbdopt.problem import Problem
    from sbdopt.program import load_program
    from sbdopt.solution import Solution

    options = {
        "weight_bits": weight_bits,
        "cell_bits": cell_bits,
        "input_bits": input_bits,
        "dac_bits": dac_bits,
        "adc_bits": adc_bits,
        "programming_noise": noise,
    }
    finite = read_precision(precision, options)
    loaded, placed = Problem.load(problem), Solution.load(solution)
    report = check_solution(
        loaded,
        placed,
        reference=reference,
        program=None if program is None else load_program(program),
        seed=seed,
    )
    study = finite and accuracy(loaded, placed, finite, reference=reference, seed=seed)
    if json:
        extra = {"accuracy": accuracy_document(study)} if study else {}
        print_json(_document(report) | extra)
    else:
        _print_report(report, "x W" if reference is None else "the reference")
        if study:
            print()
            print_accuracy(study)
    return 0 if report.agrees else 1


def _document(report: Report) -> dict[str, Any]:
    """The report for machines; an error that is no number is null."""
    verdict = report.verdict
    ran = {} if report.program is None else {"program": _agreements(report.program)}
    return {
        "agrees": report.agrees,
        "legal": verdict.legal,
        "rule": None if verdict.legal else verdict.violations[0].rule,
        "violations": [asdict(violation) for violation in verdict.violations],
        "metrics": None if verdict.metrics is None else asdict(verdict.metrics),
        "wrong_claims": list(report.wrong_claims),
        "operators": _agreements(report.agreements),
        **ran,
    }


def _agreements(agreements: Sequence[Agreement]) -> list[dict[str, Any]]:
    documents = [asdict(agreement) for agreement in agreements]
    for document in documents:
        for name in ("error", "tolerance"):
            document[name] = document[name] if math.isfinite(document[name]) else None
    return documents


def _print_report(report: Report, wanted: str) -> None:
    verdict = report.verdict
    print(
        "judge: legal" if verdict.legal else f"judge: not legal, {len(verdict.violations)} of 8 rules broken"
    )
    for violation in verdict.violations:
        print(f"  {violation}")
    if verdict.legal:
        print(f"claims: {'all hold' if not report.wrong_claims else f'{len(report.wrong_claims)} wrong'}")
    for claim in report.wrong_claims:
        print(f"  {claim}")
    _print_agreements("simulator", report.agreements, wanted)
    if report.program is not None:
        _print_agreements("program", report.program, wanted)
    if verdict.metrics is not None:
        print()
        print_metrics(asdict(verdict.metrics))


def _print_agreements(who: str, agreements: Sequence[Agreement], wanted: str) -> None:
    wrong = [agreement for agreement in agreements if not agreement.agrees]
    right = len(agreements) - len(wrong)
    print(f"{who}: {right:,} of {len(agreements):,} operators yield {wanted}")
    for agreement in wrong[:_MOST_SHOWN]:
        limit = f"; at most {agreement.tolerance:.3g} is rounding" if agreement.tolerance else ""
        print(f"  {agreement.operator!r} is off by {agreement.error:.6g}{limit}")
    if len(wrong) > _MOST_SHOWN:
        print(f"  and {len(wrong) - _MOST_SHOWN:,} more")
