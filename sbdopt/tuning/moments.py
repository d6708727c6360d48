"""What a linear layer is given, and what it is to yield, gathered from calibration inputs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sbdopt.monarch.pattern import Array


@dataclass(eq=False)
class Moments:
    """Sums over the calibration inputs of one layer."""

    count: int
    mean: Array
    """(inputs,)"""
    second: Array
    """E[x^T x], (inputs, inputs)"""

    @property
    def covariance(self) -> Array:
        """E[(x - mean)^T (x - mean)], (inputs, inputs): what counts if a bias can take the mean's error."""
        around: Array = self.second - np.outer(self.mean, self.mean)
        return around

    def error(self, weight: Array, other: Array) -> float:
        """|x W - x M| / |x W| for these inputs without their mean; both weights (inputs, outputs)."""
        covariance, off = self.covariance, weight - other
        whole = float(np.sum(weight * (covariance @ weight)))
        return max(0.0, float(np.sum(off * (covariance @ off)))) ** 0.5 / whole**0.5 if whole > 0 else 0.0


def gather_moments(model: nn.Module, names: Collection[str], run: Callable[[], object]) -> dict[str, Moments]:
    """Moments of the inputs of the layers called `names` while `run()` sends calibration inputs through.

    Modules that are given the same tensor, as q, k and v are, share their moments and the work for them.
    """
    sums: dict[str, list[Tensor]] = {}
    last: list[tuple[Tensor, list[Tensor]]] = []

    def hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def add(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            x = given[0].detach()
            if not last or last[-1][0] is not given[0]:
                rows = x.reshape(-1, x.shape[-1])
                parts = [torch.tensor(len(rows)), rows.sum(0).double(), (rows.T @ rows).double()]
                last[:] = [(given[0], parts)]
            before = sums.get(name)
            new = last[-1][1]
            sums[name] = new if before is None else [a + b for a, b in zip(before, new, strict=True)]

        return add

    modules = dict(model.named_modules())
    handles = [modules[name].register_forward_pre_hook(hook(name)) for name in names]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return {
        name: Moments(int(count), (mean / count).numpy(), (second / count).numpy())
        for name, (count, mean, second) in sums.items()
    }
