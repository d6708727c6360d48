"""Compute every operator's output cell by cell, as the arrays would, and compare it with what it should be.

Nothing here knows when a placement is legal. Blocks are written into cells, rows are driven, columns are
read, and whatever comes out is the output: where blocks disturb one another it is wrong.
"""

from sbdopt.simulate.chip import IDEAL, Chip
from sbdopt.simulate.coding import Coding
from sbdopt.simulate.compare import Agreement, compare, product
from sbdopt.simulate.precision import Precision
from sbdopt.simulate.run import StepBits, simulate, standing_placement, step_bits

__all__ = [
    "IDEAL",
    "Agreement",
    "Chip",
    "Coding",
    "Precision",
    "StepBits",
    "compare",
    "product",
    "simulate",
    "standing_placement",
    "step_bits",
]
