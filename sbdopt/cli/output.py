"""Print and write: tables for people, JSON for machines, files for later."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbdopt.errors import InputError

if TYPE_CHECKING:
    from sbdopt.problem import Problem


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: Collection[str] = ()) -> None:
    """A table on a terminal, plain lines in a pipe; columns are right-aligned but for those called `left`."""
    rows = list(rows)
    if sys.stdout.isatty():
        _print_rich(header, rows, left)
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (
            cell.ljust(width) if name in left else cell.rjust(width)
            for name, cell, width in zip(header, row, widths, strict=True)
        )
        print("  ".join(cells).rstrip())


def _print_rich(header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in header:
        table.add_column(name, justify="left" if name in left else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def print_json(data: Any) -> None:
    """JSON on standard output."""
    print(json.dumps(data, indent=2, allow_nan=False))


def print_bytes(content: bytes) -> None:
    """A document on standard output, byte for byte."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def warn(line: str) -> None:
    """A line on standard error."""
    print(f"sbdopt: {line}", file=sys.stderr)


def number(value: int | None) -> str:
    """A whole number with its thousands apart."""
    return "-" if value is None else f"{value:,}"


def contents(problem: Problem) -> str:
    """How many operators and blocks a problem has."""
    blocks = sum(len(operator.blocks) for operator in problem.operators if operator.blocks is not None)
    return f"{number(len(problem.operators))} operators, {number(blocks)} blocks"


def percent(share: float | None) -> str:
    """A share in per cent, rounded down, so that only all is 100 %."""
    return "-" if share is None else f"{int(share * 1000 + 1e-9) / 10:.1f} %"


def gap_percent(share: float | None) -> str:
    """A gap in per cent, rounded up, so that only none is 0 %."""
    return "-" if share is None else f"{-int(-share * 1000 // 1) / 10:.1f} %"


def refuse_target(path: Path | None, *sources: Path) -> None:
    """Refuse, before any work is done, a file that cannot be written, or one that is also read."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path}: cannot be written: it is a folder")
    if not path.parent.is_dir():
        raise InputError(f"{path}: cannot be written: there is no folder {str(path.parent)!r}")
    if any(path.exists() and source.exists() and path.samefile(source) for source in sources):
        raise InputError(
            f"{path}: cannot be written: it is the file that is read; give the output another name"
        )
