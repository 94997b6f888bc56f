"""Norm loss, a pull of weights to the sphere in place of one to zero."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


@torch.no_grad()
def add_norm_loss(parameters: Iterable[nn.Parameter], strength: float) -> None:
    """Add to the gradients that of `strength * sum_o (1 - |w_o|)^2`, where w_o are the weights of one output.

    Georgiou et al. 2021, arXiv:2103.06583. Vectors, such as biases, are left alone. At `|w_o| = 0` there is no gradient
    and none is added.

    Args:
        parameters: `[O,...]` each, with their gradients.
        strength: the factor on the loss, which is not part of the logged one.
    """
    for parameter in parameters:
        if parameter.ndim > 1 and parameter.grad is not None:
            rows = tuple(range(1, parameter.ndim))
            norm = torch.linalg.vector_norm(parameter, dim=rows, keepdim=True)
            factor = torch.where(norm > 0, 2 * strength * (1 - 1 / norm), 0.0)
            parameter.grad.addcmul_(parameter, factor)
