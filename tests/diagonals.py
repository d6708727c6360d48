"""Operators as in a problem's document, their blocks on the diagonals of their matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Sizes = Sequence[tuple[int, int]]
"""Height and width of each block."""


def diagonal(name: str, sizes: Sizes, after: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """An operator of blocks of these sizes, each below and right of the one before."""
    height, width = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
    columns = {
        "input": np.cumsum(height) - height,
        "output": np.cumsum(width) - width,
        "height": height,
        "width": width,
    }
    blocks = {key: column.tolist() for key, column in columns.items()}
    shape = [int(height.sum()), int(width.sum())]
    return {"name": name, "after": [*after], "shape": shape, "blocks": blocks, **more}


def chained(operators: Sequence[Sizes]) -> list[dict[str, Any]]:
    """Operators o0, o1 ..., each after the one before."""
    return [
        diagonal(f"o{number}", sizes, [f"o{number - 1}"] if number else [])
        for number, sizes in enumerate(operators)
    ]
