"""Trained models as they lie in files, and what their tensors are in a model. Knows nothing of arrays."""

from sbdopt.checkpoints.files import Checkpoint, open_checkpoint
from sbdopt.checkpoints.layouts import LAYOUTS, Layout, load_layout
from sbdopt.checkpoints.model import DenseWeight, Model, understand
from sbdopt.checkpoints.moments import Moments

__all__ = [
    "LAYOUTS",
    "Checkpoint",
    "DenseWeight",
    "Layout",
    "Model",
    "Moments",
    "load_layout",
    "open_checkpoint",
    "understand",
]
