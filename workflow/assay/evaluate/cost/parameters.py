"""How many weights a model holds, and in how many bytes."""

from __future__ import annotations

from torch import nn


def parameters(model: nn.Module) -> int:
    """Weights of the model, zeros included; buffers such as running means are not weights."""
    return sum(weight.numel() for weight in model.parameters())


def nonzero_parameters(model: nn.Module) -> int:
    """Weights of the model that are not zero."""
    return sum(int(weight.count_nonzero()) for weight in model.parameters())


def weight_bytes(model: nn.Module) -> int:
    """Bytes of all weights and buffers of the model as they lie in memory; zeros count in full."""
    return sum(tensor.numel() * tensor.element_size() for tensor in [*model.parameters(), *model.buffers()])
