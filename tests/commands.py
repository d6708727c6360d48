"""What the tests of the command share: a small problem, and what a refusal looks like."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sbdopt.cli import main

Document = dict[str, Any]


def blocks(*columns: tuple[int, int, int, int]) -> Document:
    return dict(
        zip(("input", "output", "height", "width"), map(list, zip(*columns, strict=True)), strict=True)
    )


def good() -> Document:
    """Two blocks of `a` that fill a 4 x 4 array together, then a digital operator, then `b`."""
    return {
        "format": "sbdopt/problem@1",
        "name": "good",
        "hardware": {"arrays": [{"name": "xbar", "rows": 4, "columns": 4, "adcs": 2}]},
        "operators": [
            {"name": "a", "shape": [4, 4], "blocks": blocks((0, 0, 2, 4), (2, 0, 2, 4))},
            {"name": "norm", "after": ["a"], "cycles": 3},
            {"name": "b", "after": ["norm"], "shape": [4, 4], "blocks": blocks((0, 0, 4, 4))},
        ],
    }


def write(path: Path, document: Document) -> Path:
    path.write_text(json.dumps(document))
    return path


def changed(change: Callable[[Document], object]) -> Document:
    document = good()
    change(document)
    return document


def solved(folder: Path, document: Document | None = None) -> tuple[str, str]:
    """A problem file and one with its solution."""
    write(folder / "p.json", document or good())
    assert main(["solve", "p.json", "-o", "s.json", "--quiet", "--workers", "1"]) == 0
    return "p.json", "s.json"


def one_line(text: str) -> str:
    """What was said on standard error: one line, and no traceback."""
    assert text.startswith("sbdopt: ")
    assert text.count("\n") == 1
    assert text.endswith("\n")
    return text


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> str:
    """The one line of a command that fails with this code and prints nothing."""
    assert main(list(arguments)) == code
    out, err = capsys.readouterr()
    assert out == ""
    return one_line(err)


def kind(**changes: object) -> Callable[[Document], object]:
    return lambda document: document["hardware"]["arrays"][0].update(changes)
