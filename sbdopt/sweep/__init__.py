"""Solve the product of problems, arrays, converters, methods and goals; what is done is never done again.

spec     what is to be swept (a JSON document), and its points
solving  one point: its problem, solved, as a row
running  all points that are not done, in processes of this machine or on a Dask cluster
results  the log of what is done, and the table of it as CSV and Parquet
"""

from sbdopt.sweep.results import Results
from sbdopt.sweep.running import run_sweep
from sbdopt.sweep.solving import PointRow
from sbdopt.sweep.spec import Point, Spec

__all__ = ["Point", "PointRow", "Results", "Spec", "run_sweep"]
