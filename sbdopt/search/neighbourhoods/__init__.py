"""Local search on where blocks stand: exchanges that keep every array legal and shorten what is busiest."""

from sbdopt.search.neighbourhoods.balance import Balance
from sbdopt.search.neighbourhoods.board import Board
from sbdopt.search.neighbourhoods.loads import Grouping, Loads, levels

__all__ = ["Balance", "Board", "Grouping", "Loads", "levels"]
