"""Five areas in a pinwheel: the simplest patterns that no cuts from edge to edge can make.

Four areas go round a fifth; each is filled with its best guillotine pattern. These are the first-order
non-guillotine patterns of Arenales and Morabito, *An AND/OR-graph approach to the solution of two-dimensional
non-guillotine cutting problems* (European Journal of Operational Research 84, 1995), at the first level only.
"""

from __future__ import annotations

import numpy as np

from sbdopt.documents import IntArray
from sbdopt.search.patterns.guillotine import Axis, Guillotine, Places

_MOST_POINTS = 64
"""Where an axis has more, the areas only begin at so many of them."""


def best_pinwheels(guillotine: Guillotine, rows: int, columns: int, least: float, most: int) -> list[Places]:
    """Up to `most` pinwheels on an array that are worth more than `least` under the values last priced.

    With r1 < r2 and c1 < c2 there are five areas: rows 0 to r1 by columns 0 to c2; rows 0 to r2 by columns
    from c2; rows from r1 by columns 0 to c1; rows from r2 by columns from c1; and r1 to r2 by c1 to c2. The
    other way round is the mirror image, which holds the same. For each r1 and r2 only the best is looked at.
    """
    rows, columns = rows // guillotine.row_unit, columns // guillotine.column_unit
    best, down, across = guillotine.best, guillotine.rows.below, guillotine.columns.below
    tops, lefts = _points(guillotine.rows, rows), _points(guillotine.columns, columns)
    if len(tops) < 2 or len(lefts) < 2:
        return []
    between = across[np.maximum(lefts - lefts[:, None], 0)]
    lost = np.where(lefts > lefts[:, None], 0.0, np.inf)
    until, beyond = across[lefts], across[columns - lefts]
    found: list[tuple[float, int, int, int, int]] = []
    for k, r1 in enumerate(tops.tolist()):
        for r2 in tops[k + 1 :].tolist():
            one = best[down[rows - r1], until] + best[down[rows - r2], beyond]
            two = best[down[r1], until] + best[down[r2], beyond]
            value = one[:, None] + two + best[down[r2 - r1]][between] - lost
            at = int(value.argmax())
            if value.flat[at] > least:
                i, j = divmod(at, len(lefts))
                found.append((float(value.flat[at]), r1, r2, int(lefts[i]), int(lefts[j])))
    found.sort(key=lambda one: -one[0])
    return [_places(guillotine, rows, columns, *cuts) for _, *cuts in found[:most]]


def _points(axis: Axis, limit: int) -> IntArray:
    points = axis.points[(axis.points > 0) & (axis.points < limit)]
    some = np.linspace(0, len(points) - 1, min(len(points), _MOST_POINTS)).astype(np.int64)
    return points[some]


def _places(guillotine: Guillotine, rows: int, columns: int, r1: int, r2: int, c1: int, c2: int) -> Places:
    areas = (
        (0, 0, r1, c2),
        (0, c2, r2, columns),
        (r1, 0, rows, c1),
        (r2, c1, rows, columns),
        (r1, c1, r2, c2),
    )
    unit, across = guillotine.row_unit, guillotine.column_unit
    return tuple(
        place
        for top, left, bottom, right in areas
        for place in guillotine.pattern(
            (bottom - top) * unit, (right - left) * across, top * unit, left * across
        )
    )
