"""Monarch products: what they are, and the nearest one of a dense weight. Knows nothing of arrays."""

from sbdopt.monarch.nearest import errors_by_rank, project
from sbdopt.monarch.pattern import Monarch, Pattern

__all__ = ["Monarch", "Pattern", "errors_by_rank", "project"]
