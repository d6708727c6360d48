"""What the README shows is what happens: its commands, its Python, and the method it adds."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from sbdopt import METHODS, Budget, Problem, solve

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CI = (ROOT / ".ci" / "run").read_text()


def fenced(language: str, text: str = README) -> list[str]:
    """The blocks of the README in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def normalised(text: str) -> list[list[str]]:
    """The words of every line, without what differs every time.

    That is seconds, and, where CP-SAT searched with several threads, all metrics that are no goal.
    """
    if "CP-SAT" in text:
        text = re.sub(r"^(interval|steps|conversions|drives) .*$", r"\1", text, flags=re.MULTILINE)
    lines = [re.sub(r"\b\d+\.\d+ s\b", "TIME s", line) for line in text.strip().splitlines()]
    if lines and lines[0].endswith("  seconds"):
        lines = [lines[0], *(re.sub(r"\d+\.\d+$", "TIME", line) for line in lines[1:])]
    return [line.split() for line in lines]


def test_there_is_something_to_test():
    assert len(fenced("console")) >= 4
    assert len(fenced("python")) == 2
    assert len(fenced("sh")) == 3


def test_commands_print_what_is_shown(tmp_path):
    """One after another, in a folder that holds problems and solutions.

    Later ones read what earlier ones wrote.
    """
    for name in ("problems", "solutions"):
        (tmp_path / name).symlink_to(ROOT / name)
    for block in fenced("console"):
        first, shown = block.split("\n", 1)
        assert first.startswith("$ sbdopt ")
        command = [sys.executable, "-m", *shlex.split(first.removeprefix("$ "))]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert normalised(done.stdout) == normalised(shown), first


def test_comparing_output_can_fail():
    assert normalised("a 1.5 s\nb") == normalised("a  22.1 s\nb\n")
    assert normalised("a  seconds\nb 1.5") == normalised("a  seconds\nb 2.5")
    for other in ("a 1.5 s", "a 1.5 s\nc", "a 1.5 x\nb", "a b"):
        assert normalised("a 1.5 s\nb") != normalised(other)
    assert normalised("CP-SAT\nsteps 1") == normalised("CP-SAT\nsteps 2")
    assert normalised("CP-SAT\narrays 1") != normalised("CP-SAT\narrays 2")
    assert normalised("steps 1") != normalised("steps 2")
    assert normalised("a  second\nb 1.5") != normalised("a  second\nb 2.5")


def test_the_python_prints_what_is_shown(monkeypatch):
    monkeypatch.chdir(ROOT)
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    test = parser.get_doctest(fenced("python")[0], {}, "README", "README.md", 0)
    assert len(test.examples) == 5
    assert all(example.want for example in test.examples[-2:])
    assert runner.run(test).failed == 0


def test_the_python_of_the_page_on_weights_prints_what_is_shown(monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = fenced("python", (ROOT / "docs" / "weights.md").read_text())
    test = doctest.DocTestParser().get_doctest(code, {}, "weights", "docs/weights.md", 0)
    assert len(test.examples) == 18
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


def test_the_example_is_what_the_script_makes(tmp_path):
    done = [sys.executable, ROOT / "scripts" / "make_example.py", tmp_path / "example"]
    subprocess.run(done, check=True)
    assert (tmp_path / "example").read_bytes() == (ROOT / "problems" / "pruned.safetensors").read_bytes()


def test_the_method_it_adds_works(monkeypatch):
    names: dict[str, object] = {}
    exec(fenced("python")[1], names)
    monkeypatch.setitem(METHODS, "apart", names["apart"])
    problem = Problem.load(ROOT / "problems" / "digital-chain.json")
    apart, linear = (
        solve(problem, method=method, budget=Budget(seconds=60)).metrics for method in ("apart", "linear")
    )
    assert apart is not None
    assert apart == linear


def test_continuous_integration_runs_the_command_that_tests():
    (command,) = [
        line for line in README.splitlines() if line.startswith("python3 ") and line.endswith("pytest")
    ]
    assert command in fenced("sh")[1]
    (pattern,) = re.findall(r"grep -m 1 '(.*)' README.md", CI)
    assert re.search(pattern, README, re.MULTILINE).group() == command
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_method_and_verb_is_named():
    from sbdopt.cli.main import app

    for name in METHODS:
        assert f"`{name}`" in README
    for command in app.registered_commands:
        assert f"| `sbdopt {command.name or command.callback.__name__} " in README


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
