"""Choose for each weight of a model of what blocks it is to be made: of candidates, by CP-SAT."""

from sbdopt.design.candidates import Candidate, Candidates, candidates_of
from sbdopt.design.choose import Chooser
from sbdopt.design.designs import Design, design_for_arrays, design_for_error, design_front, pack
from sbdopt.design.importance import read_importance

__all__ = [
    "Candidate",
    "Candidates",
    "Chooser",
    "Design",
    "candidates_of",
    "design_for_arrays",
    "design_for_error",
    "design_front",
    "pack",
    "read_importance",
]
