"""What an error of each layer does to what a model says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from sbdopt.errors import InputError
from sbdopt.monarch import Pattern
from sbdopt.tuning.linear import dense_weight, is_linear
from sbdopt.tuning.moments import Moments
from sbdopt.tuning.replace import Patterns, monarchize

_LEAST_ERROR = 1e-3
"""Smaller relative errors drown in those of rounding."""


@torch.no_grad()
def gather_importance(
    model: nn.Module,
    plan: Patterns,
    moments: Mapping[str, Moments],
    loss: Callable[[nn.Module], float],
) -> dict[str, float]:
    """By how much `loss` rises for each layer of a plan, by the squared relative error of its outputs.

    One layer at a time is replaced by its Monarch product, as `monarchize` does it, while all others stay
    dense; the rise of the loss is divided by the square of `Moments.error`. Near a minimum of the loss this
    quotient hardly depends on the pattern, so that one pattern a layer tells of all: it is what `design`
    needs to weigh errors of several layers against each other (`Chooser`). `loss` should be that of
    calibration inputs, least at the model as it is, such as 1 - cosine to what it says. The model is the
    same after as before. Importance is at least 0; keys are those of the plan.

    InputError: a plan that `monarchize` refuses, a layer without moments, or a pattern that leaves no error.
    """
    least = loss(model)
    found = {}
    for name, pattern in plan.items():
        if name not in moments:
            raise InputError(f"moments: there are none of layer {name!r}; gather them for every layer")
        error, raised = _with_one_replaced(model, name, pattern, moments, loss)
        if error < _LEAST_ERROR:
            raise InputError(
                f"plan: {name!r} with {pattern} is off by {error:.1e} only, too little to measure what "
                "errors do; take a smaller pattern"
            )
        found[name] = max(raised - least, 0.0) / error**2
    return found


def _with_one_replaced(
    model: nn.Module,
    name: str,
    pattern: Pattern,
    moments: Mapping[str, Moments],
    loss: Callable[[nn.Module], float],
) -> tuple[float, float]:
    """The relative error of a layer's outputs, and the loss, while it alone is its Monarch product."""
    modules = dict(model.named_modules())
    layer = modules.get(name)
    monarchize(model, {name: pattern}, moments)
    assert isinstance(layer, nn.Linear)
    parent, _, child = name.rpartition(".")
    try:
        new = model.get_submodule(name)
        assert is_linear(new)
        return moments[name].error(dense_weight(layer), dense_weight(new)), loss(model)
    finally:
        setattr(modules[parent], child, layer)
