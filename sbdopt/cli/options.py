"""Arguments and options that several verbs share."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sbdopt.errors import InputError
from sbdopt.goals import DEFAULT_GOALS


def positive(value: float | None) -> float | None:
    """Refuse what is not above 0, and NaN."""
    if value is not None and not value > 0:
        raise typer.BadParameter(f"{value:g} is not above 0.")
    return value


def size(text: str | None) -> str | None:
    """Refuse what is not ROWSxCOLUMNS."""
    if text is not None and re.fullmatch(r"[1-9][0-9]{0,9}x[1-9][0-9]{0,9}", text) is None:
        raise typer.BadParameter(f"{text!r} is not ROWSxCOLUMNS, two numbers from 1, such as 256x256.")
    return text


def parse_size(text: str) -> tuple[int, int]:
    """Both numbers of what `size` lets pass."""
    rows, columns = map(int, text.split("x"))
    return rows, columns


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_goals(text: str) -> tuple[str, ...]:
    """Goals from a list with commas."""
    return tuple(part.strip() for part in text.split(","))


def parse_limits(texts: Sequence[str]) -> dict[str, int]:
    """Limits, each written NAME=NUMBER."""
    limits: dict[str, int] = {}
    for text in texts:
        name, _, most = text.partition("=")
        if re.fullmatch(r"[0-9]{1,15}", most) is None:
            raise InputError(f"limit {text!r} is not NAME=NUMBER, such as arrays=500")
        if name in limits:
            raise InputError(f"{name} is limited twice; name one limit of it")
        limits[name] = int(most)
    return limits


ProblemFile = Annotated[Path, typer.Argument(metavar="PROBLEM", help="Problem file.", show_default=False)]
SolutionFile = Annotated[Path, typer.Argument(metavar="SOLUTION", help="Solution file.", show_default=False)]
MethodName = Annotated[str, typer.Option(help="How to look for solutions; see the README.")]
Goal = Annotated[
    str, typer.Option(help="Goals, the most important first: unused_cells, arrays, makespan, interval.")
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of all that is random.")]
Workers = Annotated[
    int, typer.Option(min=1, default_factory=cores, help="Threads.", show_default="as many as cores")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, and nothing else.")]

DEFAULT_GOAL = ",".join(DEFAULT_GOALS)
