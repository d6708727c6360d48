"""Replace linear layers of a PyTorch module by Monarch products."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from sbdopt.errors import InputError
from sbdopt.monarch import Pattern, project
from sbdopt.tuning.linear import MonarchLinear, dense_weight
from sbdopt.tuning.moments import Moments
from sbdopt.tuning.regress import regress

Patterns = Mapping[str, Pattern]
"""By the name of a linear layer, as in `model.named_modules()`, its pattern; layers left out stay dense."""


@torch.no_grad()
def monarchize(model: nn.Module, plan: Patterns, moments: Mapping[str, Moments] | None = None) -> None:
    """Replace the linear layers of a plan, in place, by the Monarch products nearest to them.

    `patterns_of` makes the plan out of what `sbdopt design` wrote.

    With `moments` of their inputs (`gather_moments`) nearest in the outputs for these inputs; what the mean
    of the inputs then adds goes into the bias, if the layer has one. Train the model on as any other: the
    factors are parameters. InputError: a name is no linear layer of the model, or a pattern does not fit.
    """
    modules = dict(model.named_modules())
    for name, pattern in plan.items():
        layer = modules.get(name)
        if not isinstance(layer, nn.Linear):
            kind = "no module" if layer is None else f"a {type(layer).__name__}"
            raise InputError(f"plan: {name!r} is {kind} of the model; it must be a torch.nn.Linear")
        try:
            new = _structured(layer, pattern, moments.get(name) if moments else None)
        except InputError as error:
            raise InputError(f"plan: {name!r}: {error}") from error
        parent, _, child = name.rpartition(".")
        setattr(modules[parent], child, new.to(layer.weight.device, layer.weight.dtype))


def _structured(layer: nn.Linear, pattern: Pattern, moments: Moments | None) -> MonarchLinear:
    new = MonarchLinear(layer.in_features, layer.out_features, pattern, layer.bias is not None)
    weight = dense_weight(layer)
    if moments is None:
        new.load(project(weight, pattern))
    elif layer.bias is None:
        new.load(regress(weight, pattern, moments.second))
    else:
        new.load(regress(weight, pattern, moments.covariance))
    if new.bias is not None:
        new.bias.copy_(layer.bias)
        if moments is not None:
            lost = moments.mean @ (weight - dense_weight(new))
            new.bias.add_(torch.from_numpy(lost))
    new.train(layer.training)
    return new
