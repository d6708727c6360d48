"""The command as a process: how it starts, is interrupted, and ends."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import blocks, good, one_line, said, write

from sbdopt import Blocks, Problem, Solution, judge
from sbdopt.cli import main

COMMAND = [sys.executable, "-m", "sbdopt"]


@pytest.mark.parametrize(
    ("command", "closed"),
    [
        ("make bert-large", "stdout"),
        ("solve p.json --json", "stdout"),
        ("show p.json", "stdout"),
        ("schema problem", "stdout"),
        ("solve p.json", "stderr"),
        ("solve none.json", "stderr"),
    ],
)
def test_a_reader_that_goes_away_ends_the_command_quietly(command, closed, folder):
    write(folder / "p.json", good())
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {closed: writer}
    with subprocess.Popen([*COMMAND, *command.split()], **streams) as process:
        os.close(writer)
        said = [text or b"" for text in process.communicate()]
    assert (process.returncode, said) == (2 if "none" in command else 141, [b"", b""])


def test_output_that_cannot_be_written_is_one_line(folder):
    with Path("/dev/full").open("w") as full:
        process = subprocess.run([*COMMAND, "make", "--list"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert process.returncode == 2
    assert "No space left" in one_line(process.stderr)


def test_help_and_import_are_fast_because_they_import_little():
    heavy = {"ortools", "torch", "scipy", "matplotlib", "pandas", "numpy"}
    code = f"""
import sys, sbdopt
from sbdopt.cli import main
assert main(["--help"]) == 0 and main(["solve", "--help"]) == 0
assert not {heavy} & set(sys.modules)
sbdopt.solve  # the check above can fail
assert "numpy" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_version_and_no_arguments(capsys):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", capsys.readouterr().out)
    assert main([]) == 0
    assert "Usage: sbdopt" in capsys.readouterr().out


def test_an_error_of_our_own_is_one_line_and_can_be_looked_into(folder, capsys, monkeypatch):
    def breaks(path: Path) -> None:
        raise ZeroDivisionError("x")

    monkeypatch.setattr(Problem, "load", breaks)
    line = said(capsys, "show", "p.json", code=1)
    assert "an error of sbdopt itself, ZeroDivisionError: x (SBDOPT_DEBUG=1 shows where)" in line
    monkeypatch.setenv("SBDOPT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["show", "p.json"])


def test_a_terminal_gets_a_table(folder):
    write(folder / "p.json", good())
    mine, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, "solve", "p.json"], stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while part := _read(mine):
            shown += part
    os.close(mine)
    assert process.returncode == 0
    assert "─" in shown.decode()
    assert "unused_cells" in shown.decode()


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 4096)
    except OSError:  # that is how a terminal says that nobody writes any more
        return b""


def hard_problem(folder: Path) -> Path:
    """Sixty blocks of all sizes, far beyond what can be proven."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(8, 33, (60, 2)).tolist()
    corners = np.cumsum([(0, 0), *sizes], axis=0).tolist()
    operators = []
    for number in range(6):
        chosen = range(10 * number, 10 * number + 10)
        table = blocks(*((*corners[i], *sizes[i]) for i in chosen))
        before = [operators[-1]["name"]] if operators else []
        operators.append({"name": f"o{number}", "after": before, "shape": corners[-1], "blocks": table})
    document = good() | {"operators": operators}
    document["hardware"]["arrays"][0].update(rows=64, columns=64)
    return write(folder / "hard.json", document)


@pytest.mark.parametrize(("number", "wait"), [(signal.SIGINT, 0), (signal.SIGTERM, 1.5)])
def test_an_interrupt_keeps_the_best_so_far(number, wait, folder):
    path = hard_problem(folder)
    arguments = [*COMMAND, "solve", str(path), "-o", "s.json", "--time-limit", "1000"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "unused_cells" in process.stderr.readline()
        time.sleep(wait)  # so that one comes while the exact model is made, the other while it is solved
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert re.match(r"good: feasible, \d+\.\d s, method auto, interrupted\n", out)
    solution = Solution.load(folder / "s.json")
    assert judge(Blocks.of(Problem.load(path)), solution).legal
    assert solution.bounds is not None
    assert solution.bounds.makespan
    assert main(["check", str(path), "s.json"]) == 0


def test_a_time_limit_ends_the_search(folder):
    path = hard_problem(folder)
    assert main(["solve", str(path), "-o", "s.json", "--quiet", "--time-limit", "2"]) == 0
    assert main(["check", str(path), "s.json"]) == 0
