"""Map block-diagonal weight matrices onto compute-in-memory arrays."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sbdopt.accuracy import accuracy
    from sbdopt.bench import bench
    from sbdopt.blocks import Blocks
    from sbdopt.check import check
    from sbdopt.cost import Cost, cost_of, load_preset
    from sbdopt.errors import InputError, SbdoptError
    from sbdopt.judge import judge
    from sbdopt.models import make_model
    from sbdopt.pareto import pareto
    from sbdopt.placement import Placement
    from sbdopt.problem import ArrayKind, BlockColumns, Hardware, Operator, Problem
    from sbdopt.program import compile_program, load_program, run_program, save_program
    from sbdopt.search import METHODS
    from sbdopt.search.budget import Budget
    from sbdopt.simulate import Precision, simulate
    from sbdopt.solution import Solution
    from sbdopt.solve import solve
    from sbdopt.split import split
    from sbdopt.structure import find_structure, import_model
    from sbdopt.trace import trace
    from sbdopt.weights.checkpoint import open_checkpoint
    from sbdopt.weights.reading import BlockStore
    from sbdopt.weights.writing import StoredOperator, write_store

    __version__: str

_HOME = {
    "ArrayKind": "sbdopt.problem",
    "BlockColumns": "sbdopt.problem",
    "BlockStore": "sbdopt.weights.reading",
    "Blocks": "sbdopt.blocks",
    "Budget": "sbdopt.search.budget",
    "Cost": "sbdopt.cost",
    "Hardware": "sbdopt.problem",
    "InputError": "sbdopt.errors",
    "METHODS": "sbdopt.search",
    "Operator": "sbdopt.problem",
    "Placement": "sbdopt.placement",
    "Precision": "sbdopt.simulate",
    "Problem": "sbdopt.problem",
    "SbdoptError": "sbdopt.errors",
    "Solution": "sbdopt.solution",
    "StoredOperator": "sbdopt.weights.writing",
    "accuracy": "sbdopt.accuracy",
    "bench": "sbdopt.bench",
    "check": "sbdopt.check",
    "compile_program": "sbdopt.program",
    "find_structure": "sbdopt.structure",
    "import_model": "sbdopt.structure",
    "judge": "sbdopt.judge",
    "load_program": "sbdopt.program",
    "cost_of": "sbdopt.cost",
    "load_preset": "sbdopt.cost",
    "make_model": "sbdopt.models",
    "open_checkpoint": "sbdopt.weights.checkpoint",
    "pareto": "sbdopt.pareto",
    "run_program": "sbdopt.program",
    "save_program": "sbdopt.program",
    "simulate": "sbdopt.simulate",
    "solve": "sbdopt.solve",
    "split": "sbdopt.split",
    "trace": "sbdopt.trace",
    "write_store": "sbdopt.weights.writing",
}
"""Where each public name lives; it is imported when it is first asked for."""

__all__ = [
    "METHODS",
    "ArrayKind",
    "BlockColumns",
    "BlockStore",
    "Blocks",
    "Budget",
    "Cost",
    "Hardware",
    "InputError",
    "Operator",
    "Placement",
    "Precision",
    "Problem",
    "SbdoptError",
    "Solution",
    "StoredOperator",
    "__version__",
    "accuracy",
    "bench",
    "check",
    "compile_program",
    "cost_of",
    "find_structure",
    "import_model",
    "judge",
    "load_preset",
    "load_program",
    "make_model",
    "open_checkpoint",
    "pareto",
    "run_program",
    "save_program",
    "simulate",
    "solve",
    "split",
    "trace",
    "write_store",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("sbdopt")
    if name not in _HOME:
        raise AttributeError(f"module 'sbdopt' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


class _Package(ModuleType):
    """Keeps `sbdopt.solve` the function, although importing the module `sbdopt.solve` would replace it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
