"""A dense model made into a problem of Monarch factors, with its weights."""

from sbdopt.projection.operators import Moments, Projection, factors_of
from sbdopt.projection.plan import Choice, Plan, uniform_plan

__all__ = ["Choice", "Moments", "Plan", "Projection", "factors_of", "uniform_plan"]
