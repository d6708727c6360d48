"""Fixtures of the tests of the command."""

from __future__ import annotations

import time
from pathlib import Path

import pytest


@pytest.fixture
def process_begins_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sbdopt.cli.solve.BEGIN", time.monotonic())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process_begins_now: None) -> Path:
    """An empty working directory, in a process that has just begun."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
