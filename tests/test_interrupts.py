"""An interrupt arrives as what it is, wherever a search is at that moment."""

from __future__ import annotations

import importlib
import signal
import sys
import time

import numpy as np
import pytest
from commands import good, said, write

from sbdopt import Blocks
from sbdopt.cli.interrupts import Interrupts


def test_numpy_does_not_swallow_an_interrupt():
    table = np.arange(100).reshape(2, 50) % 7
    np.unique(table, axis=1)  # what is imported by that must not be interrupted
    for turn in range(300):
        with Interrupts() as interrupts:
            interrupts.search_begins(1000)
            with pytest.raises(KeyboardInterrupt):
                _count_for_ever(table, 1e-4 + turn * 1e-6)


def test_an_import_is_not_interrupted_but_what_comes_after(folder, monkeypatch):
    lines = "import signal", "signal.raise_signal(signal.SIGINT)", "done = True"
    (folder / "slow_module.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(folder)
    with Interrupts() as interrupts:
        interrupts.search_begins(1000)
        with pytest.raises(KeyboardInterrupt):
            _import_and_wait()
    assert sys.modules.pop("slow_module").done


def _import_and_wait():
    importlib.import_module("slow_module")
    time.sleep(10)


def _count_for_ever(table, seconds):
    signal.setitimer(signal.ITIMER_REAL, seconds)
    while True:
        np.unique(table, axis=1)


def test_a_search_is_interrupted_once_and_its_end_not_at_all():
    with Interrupts() as interrupts:
        interrupts.search_begins(1000)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        interrupts.search_begins(1000)
        interrupts.search_ended()
        signal.raise_signal(signal.SIGINT)
        assert interrupts.asked


def test_a_search_that_never_begins_has_found_nothing(folder, capsys, monkeypatch):
    def interrupted(problem):
        raise KeyboardInterrupt

    write(folder / "p.json", good())
    monkeypatch.setattr(Blocks, "of", interrupted)
    for split in ([], ["--split"]):
        assert "good: unknown: there was no time" in said(capsys, "solve", "p.json", *split, code=1)
