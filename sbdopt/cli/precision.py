"""Options of finite precision, and what is printed of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbdopt.cli.output import print_table

if TYPE_CHECKING:
    from sbdopt.accuracy import Accuracy, OperatorAccuracy
    from sbdopt.simulate import Precision

_MOST_SHOWN = 10

PrecisionFile = Annotated[
    Path | None,
    typer.Option("--precision", help="JSON file of finite precision; options override.", show_default=False),
]
WeightBits = Annotated[int | None, typer.Option(help="Bits of a weight.", show_default=False)]
CellBits = Annotated[int | None, typer.Option(help="Bits of a cell.", show_default=False)]
InputBits = Annotated[int | None, typer.Option(help="Bits of an input.", show_default=False)]
DacBits = Annotated[int | None, typer.Option(help="Bits driven at a time.", show_default=False)]
AdcBits = Annotated[int | None, typer.Option(help="Bits of a converter.", show_default=False)]
Noise = Annotated[
    float | None, typer.Option(help="Of programming, as programming_noise.", show_default=False)
]


def read_precision(path: Path | None, options: Mapping[str, int | float | None]) -> Precision | None:
    """The precision of a file and of options, which count more; None if there is neither."""
    from sbdopt.documents import parse, read_json
    from sbdopt.simulate import Precision

    given = {name: value for name, value in options.items() if value is not None}
    if path is None:
        return parse(Precision, given, "precision") if given else None
    data, _ = read_json(path)
    return parse(Precision, data | given if isinstance(data, dict) else data, str(path))


def accuracy_document(accuracy: Accuracy) -> dict[str, Any]:
    """All of it for machines; what is not finite is null."""
    document = asdict(accuracy) | {"precision": accuracy.precision.model_dump()}
    errors = [document["chain"]]
    for operator in document["operators"]:
        errors += [operator[name] for name in ("error", "error_one_bit_fewer", "error_in_chain")]
    for error in errors:
        for name, value in (error or {}).items():
            error[name] = value if math.isfinite(value) else None
    return document


def print_accuracy(accuracy: Accuracy) -> None:
    """A table for people: every operator, or the median and the worst of many."""
    given = accuracy.precision.model_dump(exclude_defaults=True)
    print(f"precision: {', '.join(f'{name} {value}' for name, value in given.items()) or 'ideal'}")
    for assumption in accuracy.assumptions:
        print(f"  assumed: {assumption}")
    if accuracy.steps:
        print(f"converters: {_converters(accuracy)}")
    print(
        f"one after the other, up to {accuracy.chain_length} operators: outputs are off by "
        f"{_share(accuracy.chain.rms)}, at worst by {_share(accuracy.chain.worst)}"
    )
    print()
    needed: dict[str, int] = {}
    for step in accuracy.steps:
        for name in step.operators:
            needed[name] = max(step.bits, needed.get(name, 0))
    columns: dict[str, Callable[[OperatorAccuracy], float | None]] = {
        "rms": lambda one: one.error.rms,
        "worst": lambda one: one.error.worst,
        "one bit fewer": lambda one: None if one.error_one_bit_fewer is None else one.error_one_bit_fewer.rms,
        "in the chain": lambda one: one.error_in_chain.rms,
    }
    rows: list[list[str]] = []
    operators = accuracy.operators
    if len(operators) > _MOST_SHOWN:
        for said, pick in (("median", median), ("worst", max)):
            bits = [float(needed[one.operator]) for one in operators if one.operator in needed]
            picked = [_picked(pick, [column(one) for one in operators]) for column in columns.values()]
            rows.append([f"{said} of {len(operators):,}", f"{pick(bits):g}" if bits else "-", *picked])
    else:
        for one in operators:
            shares = [_share(column(one)) for column in columns.values()]
            rows.append([one.operator, str(needed.get(one.operator, "-")), *shares])
    print_table(["operator", "ADC bits needed", *columns], rows, left={"operator"})


def _converters(accuracy: Accuracy) -> str:
    bits = [step.bits for step in accuracy.steps]
    span = f"{min(bits)}" if min(bits) == max(bits) else f"{min(bits)} to {max(bits)}"
    has = accuracy.precision.adc_bits
    if has is None:
        return f"ideal; {span} bits would lose nothing"
    few = sum(one > has for one in bits)
    return f"{has} bits; {span} lose nothing; too few for {few:,} of {len(bits):,} steps"


def _picked(pick: Callable[[list[float]], float], values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return _share(pick(known)) if known else "-"


def _share(value: float | None) -> str:
    """A share in per cent, to three digits; 0 only if it is."""
    return "-" if value is None else f"{value * 100:.3g} %"
