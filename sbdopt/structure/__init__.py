"""Trained models: find the blocks of their matrices, and make problems of them."""

from __future__ import annotations

from sbdopt.structure.find import Structure, find_structure
from sbdopt.structure.importing import Imported, import_model, weights_path
from sbdopt.structure.plan import Plan, plan_of

__all__ = ["Imported", "Plan", "Structure", "find_structure", "import_model", "plan_of", "weights_path"]
