"""A dense model made into a problem of Monarch factors, with its weights."""

from sbdopt.projection.operators import Projection, pattern_of
from sbdopt.projection.plan import Choice, Plan, uniform_plan

__all__ = ["Choice", "Plan", "Projection", "pattern_of", "uniform_plan"]
