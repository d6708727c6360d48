"""Write problems/pruned.safetensors: a small checkpoint as pruning leaves it, for showing `sbdopt import`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

EXAMPLE = Path(__file__).parent.parent / "problems" / "pruned.safetensors"

Matrix = npt.NDArray[np.float16]


def weights(rng: np.random.Generator, *shape: int) -> Matrix:
    """Whole numbers, none of them zero, so that what arrays yield can be compared exactly."""
    return (rng.integers(1, 100, shape) * rng.choice([-1, 1], shape)).astype(np.float16)


def scrambled(rng: np.random.Generator) -> Matrix:
    """Six blocks of different sizes down the diagonal, four rows and six columns of nothing, all shuffled."""
    heights, widths = rng.integers(12, 25, 6), rng.integers(12, 25, 6)
    matrix = np.zeros((heights.sum() + 4, widths.sum() + 6), dtype=np.float16)
    for row, column, height, width in zip(
        np.cumsum(heights) - heights, np.cumsum(widths) - widths, heights, widths, strict=True
    ):
        matrix[row : row + height, column : column + width] = weights(rng, height, width)
    return np.ascontiguousarray(matrix[rng.permutation(len(matrix))][:, rng.permutation(matrix.shape[1])])


def tiles(rng: np.random.Generator) -> Matrix:
    """Three in ten tiles of 16 x 16, with some weights of theirs zero."""
    chosen = np.kron(rng.random((12, 6)) < 0.3, np.ones((16, 16))) * (rng.random((192, 96)) < 0.95)
    return (weights(rng, 192, 96) * chosen).astype(np.float16)


def main(path: Path = EXAMPLE) -> None:
    rng = np.random.default_rng(1)
    layers = {
        "scrambled.weight": scrambled(rng),
        "tiles.weight": tiles(rng),
        "whole.weight": weights(rng, 80, 96),
    }
    save_file({**layers, "whole.bias": np.zeros(80, dtype=np.float16)}, path)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
