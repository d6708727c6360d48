"""The arrays as they are made: a precision, and what was drawn for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbdopt.simulate.precision import Precision


@dataclass(frozen=True)
class Chip:
    """Arrays of a precision. All that is random follows from `lot`: the same chip has the same noise.

    What is drawn for an array, or for a step, depends on which one it is, and not on what ran before.
    """

    precision: Precision
    lot: int

    @classmethod
    def made(cls, precision: Precision, rng: np.random.Generator) -> Chip:
        """A chip of this precision, drawn from `rng`."""
        return cls(precision, int(rng.integers(2**63)))

    def draw(self, *place: int) -> np.random.Generator:
        """The generator for one place, named by whole numbers."""
        return np.random.default_rng([self.lot, *(number % 2**64 for number in place)])


IDEAL = Chip(Precision(), 0)
"""Every number is stored, driven and read as it is."""
