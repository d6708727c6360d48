"""The table of methods: a new one is a file and a line here."""

from __future__ import annotations

from typing import Final

from sbdopt.search.annealing import anneal
from sbdopt.search.auto import auto
from sbdopt.search.baselines import densemap, linear, sparsemap
from sbdopt.search.exact import exact
from sbdopt.search.greedy import greedy
from sbdopt.search.improve import improve
from sbdopt.search.method import Method
from sbdopt.search.pack import pack

METHODS: Final[dict[str, Method]] = {
    "linear": linear,
    "sparsemap": sparsemap,
    "densemap": densemap,
    "greedy": greedy,
    "pack": pack,
    "improve": improve,
    "anneal": anneal,
    "exact": exact,
    "auto": auto,
}
"""Name and callable of every method."""
