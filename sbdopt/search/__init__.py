"""Ways to find placements; nothing here knows of files, the judge or the terminal."""

from __future__ import annotations

from typing import Final

from sbdopt.search.auto import auto
from sbdopt.search.baselines import densemap, linear, sparsemap
from sbdopt.search.exact import exact
from sbdopt.search.greedy import greedy
from sbdopt.search.method import Method

METHODS: Final[dict[str, Method]] = {
    "linear": linear,
    "sparsemap": sparsemap,
    "densemap": densemap,
    "greedy": greedy,
    "exact": exact,
    "auto": auto,
}
"""Name of every method; a new one is a file and a line here."""
