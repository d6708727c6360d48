"""Draw what stands on the arrays and what is read when; matplotlib is imported only to draw."""

from sbdopt.plot.figures import draw_comparison, draw_solution, save_figure

__all__ = ["draw_comparison", "draw_solution", "save_figure"]
