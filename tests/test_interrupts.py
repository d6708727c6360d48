"""An interrupt arrives as what it is, wherever a search is at that moment."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from sbdopt.cli.interrupts import Interrupts


def test_numpy_does_not_swallow_an_interrupt():
    table = np.arange(100).reshape(2, 50) % 7
    np.unique(table, axis=1)  # what is imported by that must not be interrupted
    for turn in range(300):
        with Interrupts() as interrupts:
            interrupts.search_begins(1000)
            with pytest.raises(KeyboardInterrupt):
                _count_for_ever(table, 1e-4 + turn * 1e-6)


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
