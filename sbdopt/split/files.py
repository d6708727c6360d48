"""A split problem and its weights as files beside the solution."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sbdopt.problem import Problem
from sbdopt.solution import Solution
from sbdopt.split.cutting import Split
from sbdopt.weights.origin import Origin
from sbdopt.weights.store import OperatorWeights, Weights
from sbdopt.weights.tensors import Tensor
from sbdopt.weights.writing import StoredOperator, write_store


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
        _save_weights(original, split, weights, weights_path)
    split.problem.save(problem_path)
    solution.save(path)


def _save_weights(original: Problem, split: Split, weights: Weights, path: Path) -> None:
    """A block store of the pieces; what the operators were cut out of, and their scales, stay the same."""
    tensors = split_weights(original, split, weights)
    stored = []
    for operator in split.problem.operators:
        if operator.blocks is None or operator.shape is None:
            continue
        tensor, own = tensors[operator.name], weights[operator.name]
        origin = own.origin or Origin.whole(operator.shape)
        stored.append(
            StoredOperator(operator.name, operator.blocks, tensor.dtype, origin, [tensor.stored], own.scales)
        )
    write_store(path, stored)


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
