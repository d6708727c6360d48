"""Monarch products as layers of PyTorch models: fine-tuning, and the way onto the arrays. Needs torch."""

from sbdopt.errors import InputError

try:
    import torch  # noqa: F401
except ImportError as error:
    raise InputError("sbdopt.tuning needs PyTorch; install it with pip install 'sbdopt[torch]'") from error

from sbdopt.tuning.distil import Recipe, Said, distil
from sbdopt.tuning.importance import gather_importance
from sbdopt.tuning.linear import MonarchLinear, dense_weight
from sbdopt.tuning.mapped import MappedLinear, map_model
from sbdopt.tuning.modules import patterns_of, save_problem, understand_module
from sbdopt.tuning.moments import Moments, gather_moments
from sbdopt.tuning.regress import regress
from sbdopt.tuning.replace import Patterns, monarchize

__all__ = [
    "MappedLinear",
    "Moments",
    "MonarchLinear",
    "Patterns",
    "Recipe",
    "Said",
    "dense_weight",
    "distil",
    "gather_importance",
    "gather_moments",
    "map_model",
    "monarchize",
    "patterns_of",
    "regress",
    "save_problem",
    "understand_module",
]
