"""Draw what stands on the arrays and what is read when; matplotlib is imported only to draw."""

from sbdopt.plot.designs import draw_designs
from sbdopt.plot.figures import check_suffix, draw_comparison, draw_solution, save_figure
from sbdopt.plot.fronts import draw_front

__all__ = ["check_suffix", "draw_comparison", "draw_designs", "draw_front", "draw_solution", "save_figure"]
