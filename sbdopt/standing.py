"""What is on the chip already: blocks whose cells are written and need not be written again."""

from __future__ import annotations

from dataclasses import dataclass

from sbdopt.documents import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Standing:
    """Where blocks were put before, one row a block."""

    kind: IntArray
    array: IntArray
    row: IntArray
    column: IntArray
    stands: BoolArray
    """Blocks that are there as they are, and may stay."""
    fits: BoolArray
    """Those and others that may be put where they were: inside an array that exists, apart from its faults,
    and from each other. Elsewhere a row means nothing."""
