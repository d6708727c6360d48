"""A PyTorch module as a checkpoint: its layers are understood, and its factors made into a problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import nn

from sbdopt.checkpoints import Checkpoint, Layout, Model, understand
from sbdopt.checkpoints.layouts import Listing
from sbdopt.errors import InputError
from sbdopt.monarch import Monarch, Pattern
from sbdopt.problem import Hardware, Problem
from sbdopt.projection import Choice, Plan, Projection
from sbdopt.tuning.linear import MonarchLinear, dense_weight, is_linear
from sbdopt.weights.tensors import Tensor


class _Layers:
    """The weights of the linear layers of a module, named and stored as PyTorch does."""

    def __init__(self, model: nn.Module) -> None:
        self.path = Path(type(model).__name__)
        self._layers = {f"{name}.weight": one for name, one in model.named_modules() if is_linear(one)}

    def __contains__(self, name: object) -> bool:
        return name in self._layers

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def shape(self, name: str) -> tuple[int, ...]:
        """Outputs and inputs."""
        layer = self._layers[name]
        return layer.out_features, layer.in_features

    def dtype(self, name: str) -> str:
        """Factors are float32, and so is what is made of them."""
        return "F32"

    def tensor(self, name: str) -> Tensor:
        """The weight, (outputs, inputs); of a Monarch layer the product of its factors."""
        return Tensor.of(dense_weight(self._layers[name]).T.astype("float32", order="C"))


def understand_module(model: nn.Module, layout: Layout | Listing | None = None) -> Model:
    """The linear layers of a module in the order in which they run, by `layout` or their names.

    A weight `layer0.q` has as source the tensor `encoder.layer.0.attention.self.query.weight`, which is the
    name of the module with `.weight`. InputError: no layout that is known has such names (see `understand`).
    """
    layers = _Layers(model)
    return understand(Checkpoint(layers.path, dict.fromkeys(layers, layers), {}), layout)


def layers_of(model: Model) -> dict[str, str]:
    """For each weight of an understood module, as `layer0.q`, the name of its layer."""
    return {name: weight.source.tensor.removesuffix(".weight") for name, weight in model.weights.items()}


def operators_of_layers(model: nn.Module, problem: Problem) -> dict[str, list[str]]:
    """For each linear layer the operators of a problem that compute it: `layer0.q`, or its `.R` and `.L`.

    InputError: the names of the layers are of no layout that is known, or none is in the problem.
    """
    known = {operator.name for operator in problem.operators}
    found = {}
    for weight, layer in layers_of(understand_module(model)).items():
        for chain in ([weight], [f"{weight}.R", f"{weight}.L"]):
            if known.issuperset(chain):
                found[layer] = chain
    if not found:
        raise InputError(
            f"problem {problem.name!r} has no operator that is named as a layer of the model is; "
            "say by which operators each layer is computed"
        )
    return found


def plan_of(name: str, model: Model, layers: Mapping[str, nn.Module]) -> Plan:
    """The plan that the layers of a module already follow: the pattern of each Monarch layer, or dense."""
    weights = {}
    for weight, layer in layers_of(model).items():
        module, shape = layers[layer], list(model.weights[weight].shape)
        if isinstance(module, MonarchLinear):
            pattern = module.pattern
            blocks = [pattern.right_blocks, pattern.left_blocks]
            weights[weight] = Choice(shape=shape, blocks=blocks, rank=pattern.rank)
        else:
            weights[weight] = Choice(shape=shape)
    return Plan(model=name, weights=weights)


def patterns_of(model: nn.Module, plan: Plan, layout: Layout | Listing | None = None) -> dict[str, Pattern]:
    """The patterns of a plan, as `sbdopt design` writes it, by the names of layers; dense ones not.

    InputError: the plan is of another model, or pads a weight to a square, which a layer cannot be.
    """
    understood = understand_module(model, layout)
    plan.refuse_other({name: weight.shape for name, weight in understood.weights.items()})
    patterns = {}
    for weight, layer in layers_of(understood).items():
        choice = plan.weights[weight]
        if choice.padded is not None:
            raise InputError(f"plan: {weight!r} is padded to {choice.padded}; take a rectangular pattern")
        if choice.pattern is not None:
            patterns[layer] = choice.pattern
    return patterns


def save_problem(
    model: nn.Module, path: Path, name: str, hardware: Hardware, layout: Layout | Listing | None = None
) -> Problem:
    """Write a (monarchized, perhaps fine-tuned) model as a problem, and its factors as they are beside it.

    The same operators, blocks and file of weights as `sbdopt project` makes, so that what `map_model` reads
    is what was trained. Biases are not part of a problem. InputError: see `understand_module`.
    """
    understood = understand_module(model, layout)
    layers = dict(model.named_modules())
    names = layers_of(understood)

    def factors(weight: str) -> Monarch | None:
        layer = layers[names[weight]]
        return layer.monarch() if isinstance(layer, MonarchLinear) else None

    plan = plan_of(name, understood, layers)
    Projection(understood, plan, hardware, factors=factors).save(path)
    return Problem.load(path)
