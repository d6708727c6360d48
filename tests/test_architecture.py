"""The import contract holds, and breaks as it should."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINT = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command as lint; lint()",
    "--no-cache",
]


def broken_contracts(folder: Path) -> list[str]:
    """The contracts of the project in `folder` that do not hold."""
    done = subprocess.run(LINT, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder)})
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    broken = re.findall(r"^(.*) BROKEN", said, re.MULTILINE)
    assert f" kept, {len(broken)} broken." in said, said + done.stderr
    assert (done.returncode == 0) == (not broken)
    return broken


def test_the_contract_holds():
    assert broken_contracts(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("timing.py", "import sbdopt.search.greedy", "Imports point downwards"),
        ("errors.py", "import sbdopt.cli", "Imports point downwards"),
        ("plot/panels.py", "import sbdopt.bench", "Imports point downwards"),
        ("utils.py", "import sys", "Imports point downwards"),
        ("search/greedy.py", "import sbdopt.judge", "The methods do not know their judge"),
        ("bounds/cells.py", "import sbdopt.judge.rules", "The methods do not know their judge"),
        ("judge/rules.py", "import sbdopt.timing", "The judge shares no code with the methods"),
        ("judge/rules.py", "import sbdopt.search.schedule", "The judge shares no code with the methods"),
        ("simulate/run.py", "import sbdopt.judge", "The simulator knows nothing of the rules"),
        ("program/machine.py", "import sbdopt.blocks", "A program runs with nothing else"),
        ("search/greedy.py", "import ortools.sat", "OR-Tools only in search.exact and design.choose"),
        ("solve.py", "import matplotlib.figure", "Matplotlib only in plot"),
        ("solve.py", "import torch", "PyTorch only in tuning, and to load a pickle"),
        ("solve.py", "import rich.table", "The terminal only in cli"),
        ("check.py", "import typer", "The terminal only in cli"),
    ],
)
def test_the_contract_breaks(file, line, contract, tmp_path):
    shutil.copytree(ROOT / "sbdopt", tmp_path / "sbdopt", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / "sbdopt" / file
    path.write_text((path.read_text() if path.exists() else '"""New."""\n') + f"\n{line}\n")
    assert contract in broken_contracts(tmp_path)
