"""Train a model to say what another says: distillation, for as many steps as asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Batch = TypeVar("Batch")


class Said(NamedTuple):
    """What a model says to a batch."""

    result: Tensor
    """(batch, size): what is to point the same way as the other model's."""
    hidden: tuple[Tensor, ...] = ()
    """(rows, size) each: what lies between, which is to be near the other model's."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train."""

    steps: int
    rate: float = 2e-3
    """Highest learning rate: reached after the warm-up, then falling to 0 as a cosine does."""
    warm_up: float = 0.05
    """Share of the steps in which the rate rises."""
    hidden: float = 1.0
    """What the error of what lies between counts at first; it counts less and less, at the end nothing."""
    seed: int = 0
    """Of the order of the batches."""

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        share = step / self.steps
        rise = min(1.0, (step + 1) / max(1.0, self.warm_up * self.steps))
        return self.rate * rise * (1 + math.cos(math.pi * share)) / 2


def distil(
    teacher: nn.Module,
    student: nn.Module,
    batches: Sequence[Batch],
    ask: Callable[[nn.Module, Batch], Said],
    recipe: Recipe,
    told: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Train whatever of `student` requires a gradient to say what `teacher` says; both are asked by `ask`.

    The loss is 1 - cosine of the results plus the relative squared error of what lies between (as in Jiao et
    al., TinyBERT, EMNLP 2020 Findings, arXiv 1909.10351). What the teacher says is kept, as float16 between,
    so that it is asked once a batch. Batches come in an order of their own in each round. Dropout is off.
    `told` hears the number of each step and 1 - cosine in it.
    """
    student.eval()
    trained = [parameter for parameter in student.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.0)
    kept: dict[int, Said] = {}
    rng = np.random.default_rng(recipe.seed)
    order: list[int] = []
    for step in range(recipe.steps):
        order = order or rng.permutation(len(batches)).tolist()
        number = order.pop()
        if number not in kept:
            kept[number] = _teach(teacher, batches[number], ask)
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate_at(step)
        said, wanted = ask(student, batches[number]), kept[number]
        off = 1 - nn.functional.cosine_similarity(said.result, wanted.result).mean()
        loss = off + recipe.hidden * (1 - step / recipe.steps) * _between(said, wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        told(step, float(off.detach()))


@torch.no_grad()
def _teach(teacher: nn.Module, batch: Batch, ask: Callable[[nn.Module, Batch], Said]) -> Said:
    said = ask(teacher.eval(), batch)
    return Said(said.result, tuple(part.half() for part in said.hidden))


def _between(said: Said, wanted: Said) -> Tensor | float:
    """Mean over what lies between of |student - teacher|^2 / |teacher|^2."""
    off: Tensor | float = 0.0
    for mine, stored in zip(said.hidden, wanted.hidden, strict=True):
        other = stored.float()
        off = off + (mine - other).square().sum() / other.square().sum() / len(said.hidden)
    return off
