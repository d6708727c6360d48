"""Fill many arrays with rectangles of few sizes: patterns, and how often each is used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sbdopt.problem import ArrayKind
from sbdopt.search.packing import Sizes

_MOST_SIZES = 40
_MOST_POINTS = 1 << 16
_LONGEST = 1 << 13


def few_sizes(kinds: Sequence[ArrayKind], sizes: Sizes) -> bool:
    """Whether sizes are so few, and sums of them so few on each axis, that patterns can be priced soon."""
    if not 0 < len(sizes.count) <= _MOST_SIZES:
        return False
    rows = max(kind.rows for kind in kinds) // int(np.gcd.reduce(sizes.height))
    columns = max(kind.columns for kind in kinds) // int(np.gcd.reduce(sizes.width))
    return max(rows, columns) <= _LONGEST and rows * columns <= _MOST_POINTS
