"""Compute every operator's output cell by cell, as the arrays would, and compare it with what it should be.

Nothing here knows when a placement is legal. Blocks are written into cells, rows are driven, columns are
read, and whatever comes out is the output: where blocks disturb one another it is wrong.
"""

from sbdopt.simulate.compare import Agreement, compare
from sbdopt.simulate.run import simulate, standing_placement

__all__ = ["Agreement", "compare", "simulate", "standing_placement"]
