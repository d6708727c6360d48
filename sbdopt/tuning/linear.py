"""A linear layer whose weight is a Monarch product."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor, nn

from sbdopt.monarch import Monarch, Pattern


class MonarchLinear(nn.Module):
    """y = x R P L + bias, with the factors R and L as parameters: a drop-in for `nn.Linear`.

    Two batched products, and one permutation between them. `right` is (p, height, q, k) and `left` is
    (q, p, k, width), as in `Monarch`; what pads the weight stays zero, since it is neither used nor trained.
    """

    def __init__(self, inputs: int, outputs: int, pattern: Pattern, bias: bool = True) -> None:
        """Factors are zero until `load` gives them values. InputError: the pattern does not fit."""
        super().__init__()
        height, width = pattern.slice_shape(inputs, outputs)
        p, q, k = pattern.right_blocks, pattern.left_blocks, pattern.rank
        self.in_features, self.out_features, self.pattern = inputs, outputs, pattern
        self.right = nn.Parameter(torch.zeros(p, height, q, k))
        self.left = nn.Parameter(torch.zeros(q, p, k, width))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    @torch.no_grad()
    def load(self, monarch: Monarch) -> None:
        """Take the factors of a product of the same pattern and shape."""
        self.right.copy_(torch.from_numpy(monarch.right))
        self.left.copy_(torch.from_numpy(monarch.left))

    def monarch(self) -> Monarch:
        """The factors as they are now."""
        right, left = (part.detach().cpu().numpy().copy() for part in (self.right, self.left))
        return Monarch(right, left, self.in_features, self.out_features)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        p, height, q, k = self.right.shape
        width = self.left.shape[3]
        rows = x.reshape(-1, self.in_features)
        if p * height > self.in_features:
            rows = nn.functional.pad(rows, (0, p * height - self.in_features))
        blocks = rows.view(-1, p, height).transpose(0, 1)
        middle = torch.bmm(blocks, self.right.view(p, height, q * k))
        turned = middle.view(p, -1, q, k).permute(2, 1, 0, 3).reshape(q, -1, p * k)
        y = torch.bmm(turned, self.left.view(q, p * k, width)).transpose(0, 1).reshape(-1, q * width)
        y = y[:, : self.out_features]
        if self.bias is not None:
            y = y + self.bias
        return y.view(*x.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        """What `print` says of it."""
        return (
            f"{self.in_features}, {self.out_features}, pattern={self.pattern}, bias={self.bias is not None}"
        )


def is_linear(module: nn.Module | None) -> TypeGuard[nn.Linear | MonarchLinear]:
    """Whether it is a linear layer, dense or a Monarch product."""
    return isinstance(module, nn.Linear | MonarchLinear)


def dense_weight(layer: nn.Linear | MonarchLinear) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The weight of a linear layer as one matrix, (inputs, outputs)."""
    if isinstance(layer, MonarchLinear):
        return layer.monarch().dense().astype(np.float64)
    return layer.weight.detach().cpu().double().numpy().T
