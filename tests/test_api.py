"""The public names: `__all__` is what is there, sorted, and stays so whatever is imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import sbdopt


def declared() -> set[str]:
    """What a type checker sees: the names that are imported, or annotated, under TYPE_CHECKING."""
    tree = ast.parse(Path(sbdopt.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    annotated = {node.target.id for node in block.body if isinstance(node, ast.AnnAssign)}
    return imported | annotated


def test_all_is_what_is_there():
    assert declared() == set(sbdopt.__all__)
    assert len(sbdopt.__all__) == len(set(sbdopt.__all__))
    for name in sbdopt.__all__:
        assert not isinstance(getattr(sbdopt, name), ModuleType), name
    assert not hasattr(sbdopt, "nonsense")


def test_all_is_sorted():
    """Constants, classes, then functions, as the linter sorts them."""
    kinds = [0 if name.isupper() else 1 if name[0].isupper() else 2 for name in sbdopt.__all__]
    assert list(zip(kinds, sbdopt.__all__, strict=True)) == sorted(zip(kinds, sbdopt.__all__, strict=True))


def test_a_function_is_not_hidden_by_the_module_of_its_name():
    code = """
import sys
import sbdopt.bench, sbdopt.check, sbdopt.judge, sbdopt.simulate, sbdopt.solve
for name in sbdopt.__all__:
    assert not isinstance(getattr(sbdopt, name), type(sys)), name
assert sbdopt.solve is sys.modules["sbdopt.solve"].solve
assert isinstance(sbdopt.goals, type(sys))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
