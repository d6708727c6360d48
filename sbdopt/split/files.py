"""A split problem and its weights as files beside the solution."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sbdopt.documents import write_atomically
from sbdopt.problem import Problem
from sbdopt.solution import Solution
from sbdopt.split.cutting import Split
from sbdopt.weights.store import OperatorWeights, Weights
from sbdopt.weights.tensors import Tensor, to_safetensors


def split_paths(solution: Path) -> tuple[Path, Path]:
    """Where the split problem and its weights lie: `X.problem.json`, `X.safetensors` beside `X.json`."""
    return solution.with_name(f"{solution.stem}.problem.json"), solution.with_suffix(".safetensors")


def save_split(
    original: Problem, split: Split, solution: Solution, path: Path, weights: Weights | None
) -> None:
    """Write the solution to `path`, and before that the split problem and its weights beside it.

    `weights` are those of the original problem.
    """
    problem_path, weights_path = split_paths(path)
    if weights is not None:
        write_atomically(weights_path, to_safetensors(split_weights(original, split, weights)))
    split.problem.save(problem_path)
    solution.save(path)


def split_weights(original: Problem, split: Split, weights: Weights) -> dict[str, Tensor]:
    """The weights of each operator's pieces, each row-major, in the type in which they are stored."""
    pieces = split.pieces
    result, first = {}, 0
    for operator in original.operators:
        if operator.blocks is None:
            continue
        mine = np.flatnonzero((pieces.block >= first) & (pieces.block < first + len(operator.blocks)))
        own = weights[operator.name]
        parts = [own.tensor.stored[:0]]
        for piece in mine.tolist():
            block = _stored_block(own, int(pieces.block[piece]) - first)
            top, left = int(pieces.top[piece]), int(pieces.left[piece])
            part = block[top : top + int(pieces.height[piece]), left : left + int(pieces.width[piece])]
            parts.append(part.reshape(-1))
        stored = np.concatenate(parts)
        result[operator.name] = Tensor(stored, stored.shape, own.tensor.dtype)
        first += len(operator.blocks)
    return result


def _stored_block(weights: OperatorWeights, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    begin, height, width = (int(column[index]) for column in (weights.begin, weights.height, weights.width))
    return weights.tensor.stored[begin : begin + height * width].reshape(height, width)
