"""Ways to find placements; nothing here knows of files, the judge or the terminal."""

from sbdopt.search.methods import METHODS

__all__ = ["METHODS"]
