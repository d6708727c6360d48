"""How far outputs are off in finite precision, one operator at a time and one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbdopt.blocks import Blocks
from sbdopt.check import check_digest
from sbdopt.placement import Placement
from sbdopt.problem import Hardware, Operator, Problem
from sbdopt.simulate import (
    Chip,
    Coding,
    Precision,
    StepBits,
    product,
    simulate,
    standing_placement,
    step_bits,
)
from sbdopt.solution import Solution
from sbdopt.weights.references import make_inputs, read_references
from sbdopt.weights.store import LARGEST_MADE, Weights, make_weights, read_weights
from sbdopt.weights.tensors import FloatArray


@dataclass(frozen=True)
class Error:
    """How far outputs y are off from wanted ones: |.| over the root mean square of what is wanted."""

    rms: float
    """Root mean square of y - wanted; infinite if only 0 is wanted and something else comes."""
    worst: float
    """The largest |y - wanted|."""

    @classmethod
    def of(cls, outputs: list[FloatArray], wanted: list[FloatArray]) -> Error:
        """The error of all outputs together; arrays of any shape, pairwise alike."""
        off = np.concatenate([(y - right).ravel() for y, right in zip(outputs, wanted, strict=True)])
        size = _rms(np.concatenate([right.ravel() for right in wanted]))
        largest = float(np.abs(off).max(initial=0.0))
        if size == 0:
            return cls(*([np.inf if largest else 0.0] * 2))
        return cls(_rms(off) / size, largest / size)


@dataclass(frozen=True)
class OperatorAccuracy:
    """How far an operator is off."""

    operator: str
    error: Error
    """With exact inputs, against x W."""
    error_one_bit_fewer: Error | None
    """The same, were there one ADC bit fewer; None if there is none to lose."""
    error_in_chain: Error
    """With the outputs of its predecessors as inputs, against the same in exact arithmetic."""


@dataclass(frozen=True)
class Accuracy:
    """What a precision does to a solution."""

    precision: Precision
    assumptions: tuple[str, ...]
    """What the problem leaves open, and what was taken instead, a sentence each."""
    operators: tuple[OperatorAccuracy, ...]
    steps: tuple[StepBits, ...]
    """The ADC bits that each step needs to lose nothing; none if weights or inputs are not rounded."""
    chain: Error
    """Of the outputs that no operator reads, with operators run one after the other."""
    chain_length: int
    """The most crossbar operators that are run one after the other."""


def accuracy(
    problem: Problem,
    solution: Solution,
    precision: Precision,
    *,
    reference: Path | None = None,
    seed: int = 0,
) -> Accuracy:
    """Simulate a solution in finite precision, and compare with x W in double precision.

    Weights come from the file that the problem names, inputs from the file of reference outputs; what there
    is not, is made from `seed`: whole numbers that fit the bits, so that they lose nothing by rounding.
    Raises InputError if the solution is of another problem, a file cannot be used, or the slices of the
    precision do not fit the hardware.
    """
    check_digest(problem, solution)
    assumptions = tuple(_assumptions(Coding.of(precision, problem.hardware), problem.hardware))
    weights, inputs = _numbers(problem, precision, reference, np.random.default_rng(seed))
    blocks = Blocks.of(problem)
    placement = standing_placement(blocks, solution)
    chip = Chip.made(precision, np.random.default_rng(precision.seed))
    errors = _errors(blocks, placement, weights, inputs, chip)
    fewer: Mapping[str, Error] = {}
    if precision.adc_bits is not None and precision.adc_bits > 1:
        coarser = precision.model_copy(update={"adc_bits": precision.adc_bits - 1})
        fewer = _errors(blocks, placement, weights, inputs, Chip(coarser, chip.lot))
    chain = _Chain(blocks, placement, weights, chip)
    chain.run(inputs)
    return Accuracy(
        precision=precision,
        assumptions=assumptions,
        operators=tuple(
            OperatorAccuracy(
                name, error, fewer.get(name), Error.of([chain.outputs[name]], [chain.wanted[name]])
            )
            for name, error in errors.items()
        ),
        steps=tuple(step_bits(blocks, placement, precision)),
        chain=chain.error(),
        chain_length=len(chain.levels),
    )


def _numbers(
    problem: Problem, precision: Precision, reference: Path | None, rng: np.random.Generator
) -> tuple[Weights, dict[str, FloatArray]]:
    """Weights and inputs, read from files or made."""
    path = problem.weights_path
    weights = (
        make_weights(problem, rng, largest=_largest(precision.weight_bits))
        if path is None
        else read_weights(problem, path)
    )
    references = None if reference is None else read_references(problem, reference)
    inputs = make_inputs(problem, rng, references=references, largest=_largest(precision.input_bits))
    return weights, inputs


def _errors(
    blocks: Blocks,
    placement: Placement,
    weights: Weights,
    inputs: Mapping[str, FloatArray],
    chip: Chip,
) -> dict[str, Error]:
    outputs = simulate(blocks, placement, weights, inputs, chip=chip)
    return {
        operator.name: Error.of(
            [outputs[operator.name]],
            [product(blocks, number, weights[operator.name], inputs[operator.name])[0]],
        )
        for number, operator in enumerate(blocks.problem.operators)
        if operator.name in outputs
    }


class _Chain:
    """Operators one after the other, on a chip and in exact arithmetic side by side.

    The input of an operator is the sum of the outputs of the crossbar operators that it comes after, directly
    or through digital ones (which pass on what they get), as far as those are as long as its input. If none
    is, it is the input it was given. Operators that read one vector get what the first of them to run gets.
    Sums are scaled by a power of two, the same on both sides, so that the largest wanted one is near 1.
    """

    def __init__(self, blocks: Blocks, placement: Placement, weights: Weights, chip: Chip) -> None:
        self._blocks, self._placement, self._weights, self._chip = blocks, placement, weights, chip
        operators = blocks.problem.operators
        self._sources: dict[int, set[int]] = {}
        """For each operator the crossbar operators whose outputs reach it."""
        level: dict[int, int] = {}
        readers: dict[str, list[int]] = {}
        for number in blocks.order:
            self._sources[number] = set()
            for before in blocks.predecessors[number]:
                self._sources[number] |= {before} if operators[before].shape else self._sources[before]
            vector = operators[number].input
            if operators[number].shape:
                readers.setdefault(f"{number}" if vector is None else f"vector {vector}", []).append(number)
                level[number] = 1 + max((level[source] for source in self._sources[number]), default=-1)
        self._readers = [sorted(group, key=level.__getitem__) for group in readers.values()]
        self.levels = [
            [number for number in level if level[number] == depth]
            for depth in range(max(level.values(), default=-1) + 1)
        ]
        self.outputs: dict[str, FloatArray] = {}
        self.wanted: dict[str, FloatArray] = {}
        self._used: set[int] = set()

    def run(self, inputs: Mapping[str, FloatArray]) -> None:
        """Run level after level; inputs (batch, inputs) by name."""
        real, exact = dict(inputs), dict(inputs)
        operators = self._blocks.problem.operators
        for level in self.levels:
            for readers in self._readers:
                if readers[0] in level:
                    self._feed(readers, real, exact)
            names = [operators[number].name for number in level]
            self.outputs |= simulate(
                self._blocks, self._placement, self._weights, real, chip=self._chip, operators=names
            )
            for number, name in zip(level, names, strict=True):
                self.wanted[name], _ = product(self._blocks, number, self._weights[name], exact[name])

    def _feed(self, readers: list[int], real: dict[str, FloatArray], exact: dict[str, FloatArray]) -> None:
        """Give the readers of one vector what reaches the first of them."""
        operators = self._blocks.problem.operators
        length = max(exact[operators[number].name].shape[1] for number in readers)
        fitting = [
            source for source in sorted(self._sources[readers[0]]) if _outputs(operators[source]) == length
        ]
        if not fitting:
            return
        self._used.update(fitting)
        names = [operators[source].name for source in fitting]
        x, right = (np.sum([side[name] for name in names], axis=0) for side in (self.outputs, self.wanted))
        scale = -int(np.frexp(np.abs(right).max())[1])
        for number in readers:
            name = operators[number].name
            inputs = exact[name].shape[1]
            real[name], exact[name] = np.ldexp(x[:, :inputs], scale), np.ldexp(right[:, :inputs], scale)

    def error(self) -> Error:
        """Of all outputs that no operator has read."""
        operators = self._blocks.problem.operators
        last = [operators[n].name for level in self.levels for n in level if n not in self._used]
        return Error.of([self.outputs[name] for name in last], [self.wanted[name] for name in last])


def _assumptions(coding: Coding, hardware: Hardware) -> list[str]:
    said = []
    planes, slices = len(coding.plane_scales), len(coding.slice_scales)
    if coding.folded > 1:
        said.append(
            f"a weight takes {planes} columns of cells, but columns_per_weight is 1: they are folded into "
            "the one column, so that arrays and cycles are counted as if it held a whole weight"
        )
    if slices > hardware.input_slices:
        said.append(
            f"an input takes {slices} slices, but input_slices is 1: they are driven one after the other "
            "within the cycles of one"
        )
    return said


def _outputs(operator: Operator) -> int:
    return 0 if operator.shape is None else operator.shape[1]


def _largest(bits: int | None) -> int:
    return LARGEST_MADE if bits is None else 2 ** (bits - 1) - 1


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0
