"""The operators that a dense model becomes, and the weights in their blocks, one weight after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sbdopt.checkpoints import DenseWeight, Model
from sbdopt.documents import IntArray
from sbdopt.errors import InputError
from sbdopt.fitting import cut_blocks, largest_block
from sbdopt.monarch import Monarch, Pattern, project
from sbdopt.monarch.pattern import Array
from sbdopt.problem import BlockColumns, Hardware, Operator, Problem
from sbdopt.projection.plan import Choice, Plan
from sbdopt.transformers import DigitalCycles, Factor, Factors
from sbdopt.weights.origin import Origin
from sbdopt.weights.writing import StoredOperator, write_store

Moments = Callable[[str], Array | None]
"""The second moment of the inputs of a weight, by its name; None: not known."""


@dataclass
class Projection:
    """A model, and the plan by which its weights become Monarch factors.

    A weight `layer0.q` becomes the operators `layer0.q.R` and `layer0.q.L`, or stays `layer0.q`. What L reads
    is what R yields, permuted; the permutation stands in the block store, as the inputs of L's origin.
    """

    model: Model
    plan: Plan
    hardware: Hardware
    cycles: DigitalCycles = field(default_factory=DigitalCycles)
    moments: Moments = lambda name: None
    factors: Callable[[str], Monarch | None] = lambda name: None
    """The factors of a weight, by its name, if they are known; else the weight is projected."""

    def __post_init__(self) -> None:
        self.plan.refuse_other({name: weight.shape for name, weight in self.model.weights.items()})

    def problem(self) -> Problem:
        """The problem, without weights."""
        made: dict[tuple[object, ...], Factors] = {}  # weights of the same blocks share their columns

        def factors(name: str) -> Factors:
            choice = self.plan.weights[name]
            key = (choice.stored_shape, choice.pattern)
            if key not in made:
                made[key] = factors_of(choice, self.hardware)
            return made[key]

        operators = self.model.operators(factors, self.cycles)
        return Problem(name=self.plan.model, hardware=self.hardware, operators=operators)

    def save(self, path: Path, told: Callable[[str, float], None] = lambda name, error: None) -> Problem:
        """Write the problem to `path` and before that its weights beside it, `X.safetensors` for `X.json`.

        The weights are read, projected and written one at a time; `told` hears the relative error of each,
        |W - M| / |W|, as it is done. InputError: a weight holds NaN or infinite numbers; nothing is left.
        """
        weights = path.with_suffix(".safetensors")
        if weights == path:
            raise InputError(
                f"{path}: is the name for the weights; give the problem another suffix, as .json"
            )
        problem = self.problem().model_copy(update={"weights": weights.name})
        operators = {operator.name: operator for operator in problem.operators}
        stored: list[StoredOperator] = []
        for name, weight in self.model.weights.items():
            stored += self._stored(name, weight, operators, told)
        write_store(weights, stored)
        problem.save(path)
        return problem

    def _stored(
        self,
        name: str,
        weight: DenseWeight,
        operators: Mapping[str, Operator],
        told: Callable[[str, float], None],
    ) -> list[StoredOperator]:
        """The operators of a weight, whose values are made when the first of them is written."""
        choice, pattern = self.plan.weights[name], self.plan.weights[name].pattern
        dtype = weight.dtype
        if pattern is None:
            operator = _blocks(operators[name])
            values = (weight.read()[_place(operator, k)].reshape(-1) for k in range(len(operator)))
            return [StoredOperator(name, operator, dtype, Origin.whole(choice.stored_shape), values)]
        done: list[Monarch] = []

        def monarch() -> Monarch:
            if not done:
                done.append(self._projected(name, weight, choice, pattern, told))
            return done[0]

        right, left = _blocks(operators[f"{name}.R"]), _blocks(operators[f"{name}.L"])
        middle = pattern.permutation()
        outputs = choice.stored_shape[1]
        turned = Origin((len(middle), outputs), middle, np.arange(outputs))
        whole = Origin.whole((choice.stored_shape[0], len(middle)))
        return [
            StoredOperator(f"{name}.R", right, dtype, whole, _pieces(right, lambda: _right(monarch()))),
            StoredOperator(
                f"{name}.L", left, dtype, turned, _pieces(left, lambda: _left(monarch()), done.clear)
            ),
        ]

    def _projected(
        self,
        name: str,
        weight: DenseWeight,
        choice: Choice,
        pattern: Pattern,
        told: Callable[[str, float], None],
    ) -> Monarch:
        known = self.factors(name)
        if known is not None:
            return known
        whole, moment = weight.read(), self.moments(name)
        inputs, outputs = choice.stored_shape
        if choice.padded is not None:
            padding = [(0, inputs - len(whole)), (0, outputs - whole.shape[1])]
            moment = None if moment is None else np.pad(moment, padding[:1] * moment.ndim)
            whole = np.pad(whole, padding)
        try:
            found = project(whole, pattern, moment)
        except InputError as error:
            raise InputError(f"weight {name!r}: {error}") from error
        told(name, relative_error(weight.read(), found))
        return found


def relative_error(weight: Array, monarch: Monarch) -> float:
    """|W - M| / |W|, Frobenius, a block of R at a time; 0 if W is zero. Padding of M does not count."""
    height = monarch.right.shape[1]
    off = total = 0.0
    for i in range(len(monarch.right)):
        rows = weight[i * height : (i + 1) * height]
        if not len(rows):
            break
        one = Monarch(monarch.right[i : i + 1], monarch.left[:, i : i + 1], len(rows), weight.shape[1])
        off += float(((rows - one.dense()) ** 2).sum(dtype=np.float64))
        total += float((rows**2).sum(dtype=np.float64))
    return float(np.sqrt(off / total)) if total else 0.0


def pattern_of(choice: Choice) -> dict[str, tuple[IntArray, IntArray, IntArray, IntArray]]:
    """The blocks (input, output, height, width) of the operators of a weight, before they are cut."""
    inputs, outputs = choice.stored_shape
    if choice.pattern is None:
        zero = np.zeros(1, dtype=np.int64)
        return {"": (zero, zero, np.array([inputs]), np.array([outputs]))}
    p, q, k = choice.pattern.right_blocks, choice.pattern.left_blocks, choice.pattern.rank
    height, width = choice.pattern.slice_shape(inputs, outputs)
    i, j = np.arange(p), np.arange(q)
    return {
        ".R": (i * height, i * q * k, np.minimum(inputs - i * height, height), np.full(p, q * k)),
        ".L": (j * p * k, j * width, np.full(q, p * k), np.minimum(outputs - j * width, width)),
    }


def factors_of(choice: Choice, hardware: Hardware) -> Factors:
    """Shapes and blocks of the operators of a weight, cut to the size of an array."""
    factors: dict[str, Factor] = {}
    for suffix, blocks in pattern_of(choice).items():
        shape = [int((blocks[0] + blocks[2]).max()), int((blocks[1] + blocks[3]).max())]
        factors[suffix] = (shape, cut_blocks(*blocks, *largest_block(hardware)))
    return factors


def _blocks(operator: Operator) -> BlockColumns:
    assert operator.blocks is not None
    return operator.blocks


def _place(blocks: BlockColumns, k: int) -> tuple[slice, slice]:
    top, left = int(blocks.input[k]), int(blocks.output[k])
    return slice(top, top + int(blocks.height[k])), slice(left, left + int(blocks.width[k]))


def _right(monarch: Monarch) -> Array:
    """Blocks of R, (p, height, q k)."""
    return monarch.right.reshape(*monarch.right.shape[:2], -1)


def _left(monarch: Monarch) -> Array:
    """Blocks of L, (q, p k, width)."""
    return monarch.left.reshape(len(monarch.left), -1, monarch.left.shape[3])


def _pieces(
    blocks: BlockColumns, factor: Callable[[], Array], done: Callable[[], None] = lambda: None
) -> Iterator[Array]:
    """The values of each piece of a block-diagonal factor (blocks, height, width)."""
    values = factor()
    _, height, width = values.shape
    for k in range(len(blocks)):
        rows, columns = _place(blocks, k)
        block = values[rows.start // height]
        top, left = rows.start % height, columns.start % width
        part = block[top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]
        yield part.reshape(-1)
    done()
