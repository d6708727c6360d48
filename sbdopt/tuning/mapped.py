"""Linear layers that compute through the arrays of a solution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from sbdopt.blocks import Blocks
from sbdopt.check import check_digest
from sbdopt.errors import InputError
from sbdopt.placement import Placement
from sbdopt.problem import Problem
from sbdopt.simulate import simulate, standing_placement
from sbdopt.solution import Solution
from sbdopt.tuning.linear import MonarchLinear, is_linear
from sbdopt.tuning.modules import operators_of_layers
from sbdopt.weights.origin import Origin
from sbdopt.weights.store import Weights, read_weights
from sbdopt.weights.tensors import FloatArray


class Chip:
    """Arrays as a solution fills them, of which single operators are run."""

    def __init__(self, problem: Problem, solution: Solution) -> None:
        """InputError: the solution is of another problem, or there are no weights that can be used."""
        check_digest(problem, solution)
        path = problem.weights_path
        if path is None:
            raise InputError(f"problem {problem.name!r} names no weights; a model computes with its own")
        self.blocks = Blocks.of(problem)
        self.weights: Weights = read_weights(problem, path)
        self.placement = standing_placement(self.blocks, solution)
        self.numbers = {operator.name: number for number, operator in enumerate(problem.operators)}

    def origin(self, name: str) -> Origin:
        """Of which inputs and outputs of what matrix an operator is made."""
        known = self.weights[name].origin
        shape = self.blocks.problem.operators[self.numbers[name]].shape
        assert shape is not None
        return known or Origin.whole(shape)

    def run(self, name: str, x: FloatArray) -> FloatArray:
        """What the arrays yield for an operator, (batch, outputs), if its vector is x (batch, inputs).

        All that stands on its arrays is written on them, and all their steps run; what other operators read
        is zero, unless it is the same vector.
        """
        own, blocks = self.numbers[name], self.blocks
        operators = blocks.problem.operators
        vector = operators[own].input
        inputs = {}
        for operator in operators:
            if operator.shape is not None:
                given = np.zeros((len(x), operator.shape[0]))
                if operator.name == name or (vector is not None and operator.input == vector):
                    size = min(operator.shape[0], x.shape[1])
                    given[:, :size] = x[:, :size]
                inputs[operator.name] = given
        y = simulate(blocks, self._arrays_of(own), self.weights, inputs)[name]
        scales = self.weights[name].scales
        return y if scales is None else y * scales

    def _arrays_of(self, operator: int) -> Placement:
        """The placement without the arrays on which an operator has no block."""
        key = self.placement.kind * (1 << 32) + self.placement.array
        own = np.isin(key, key[self.blocks.operator == operator])
        return replace(self.placement, array=np.where(own, self.placement.array, -1))


class MappedLinear(nn.Module):
    """y = x W + bias, where the arrays compute x W: operator after operator, in float64."""

    def __init__(self, chip: Chip, operators: Sequence[str], layer: nn.Linear | MonarchLinear) -> None:
        """In the place of a linear layer, whose bias it keeps; `operators` are R and L, or one of W."""
        super().__init__()
        self.chip, self.operators = chip, tuple(operators)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.bias: nn.Parameter | None = layer.bias
        first, last = chip.origin(self.operators[0]).shape[0], chip.origin(self.operators[-1]).shape[1]
        if first < self.in_features or last < self.out_features:
            raise InputError(
                f"operators {', '.join(self.operators)} lead from {first} inputs to {last} outputs, but the "
                f"layer is {self.in_features} x {self.out_features}; map the model that the problem is of"
            )

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs); nothing to train here, so no gradient."""
        y = x.detach().cpu().double().reshape(-1, x.shape[-1]).numpy()
        for name in self.operators:
            origin = self.chip.origin(name)
            missing = origin.shape[0] - y.shape[1]
            y = origin.scatter(self.chip.run(name, origin.gather(np.pad(y, ((0, 0), (0, max(missing, 0)))))))
        whole = torch.from_numpy(y[:, : self.out_features]).to(x)
        if self.bias is not None:
            whole = whole + self.bias
        return whole.reshape(*x.shape[:-1], self.out_features)


def map_model(
    model: nn.Module,
    problem: Problem,
    solution: Solution,
    operators: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Make linear layers of a model compute through the arrays, in place.

    Weights are those of the problem's file, cell by cell where the solution puts them; biases stay with the
    model. `operators` names for each layer, as in `model.named_modules()`, the operators that compute it, one
    after the other; without it they are found by the names of a known layout (see `understand_module`). All
    other parts of the model (norms, attention, embeddings) compute as before. InputError: the solution is
    of another problem, the problem has no weights, or operators and layers do not fit.
    """
    chip = Chip(problem, solution)
    chosen = operators_of_layers(model, problem) if operators is None else operators
    modules = dict(model.named_modules())
    for name, chain in chosen.items():
        layer = modules.get(name)
        if not is_linear(layer):
            raise InputError(f"{name!r} is no linear layer of the model, so that nothing can be mapped there")
        for operator in chain:
            if operator not in chip.weights:
                raise InputError(f"layer {name!r}: problem {problem.name!r} has no operator {operator!r}")
        parent, _, child = name.rpartition(".")
        setattr(modules[parent], child, MappedLinear(chip, chain, layer).train(model.training))
