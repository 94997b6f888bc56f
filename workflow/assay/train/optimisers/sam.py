"""Sharpness-aware minimisation, for any optimiser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def ascent(model: nn.Module, rho: float) -> Iterator[None]:
    """The model with its weights moved by `rho g / |g|` (Foret et al. 2021, arXiv:2010.01412, eq. 2 with p = 2).

    |g| is the norm of all gradients together. A gradient taken while the context is open is that of eq. 3. Afterwards
    weights and buffers, such as running statistics, are as before.
    """
    moved: list[Tensor] = [parameter for parameter in model.parameters() if parameter.grad is not None]
    own = [parameter.detach().clone() for parameter in moved]
    buffers = [buffer.clone() for buffer in model.buffers()]
    gradients = [parameter.grad for parameter in moved if parameter.grad is not None]
    away = torch._foreach_mul(gradients, rho / (nn.utils.get_total_norm(gradients) + 1e-12))
    with torch.no_grad():
        torch._foreach_add_(moved, list(away))
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(moved, own)
            for buffer, kept in zip(model.buffers(), buffers, strict=True):
                buffer.copy_(kept)
