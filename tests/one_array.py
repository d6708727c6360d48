"""What may stand on one array, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations


def legal(
    sizes: Sequence[tuple[int, int]], of_step: Sequence[int], places: Sequence[tuple[int, int]]
) -> bool:
    """Whether blocks may stand there that are read alone (-1) or in steps of some numbers."""
    cells = [
        {(r, c) for r in range(row, row + height) for c in range(column, column + width)}
        for (height, width), (row, column) in zip(sizes, places, strict=True)
    ]
    if any(one & two for one, two in combinations(cells, 2)):
        return False
    for step in set(of_step) - {-1}:
        members = [k for k, number in enumerate(of_step) if number == step]
        for i, j in combinations(members, 2):
            if {r for r, _ in cells[i]} & {r for r, _ in cells[j]}:
                return False
            if {c for _, c in cells[i]} & {c for _, c in cells[j]}:
                return False
        rows, columns = ({cell[axis] for k in members for cell in cells[k]} for axis in (0, 1))
        others = (cells[k] for k in range(len(cells)) if k not in members)
        if any(r in rows and c in columns for other in others for r, c in other):
            return False
    return True
