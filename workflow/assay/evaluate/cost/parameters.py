"""How many weights a model holds, and in how many bytes."""

from __future__ import annotations

from torch import Tensor, nn

from assay.models.integers import Integers


def parameters(model: nn.Module) -> int:
    """Weights of the model, zeros and those stored as integers included; running means and the like are not weights."""
    return sum(weight.numel() for weight in _weights(model))


def nonzero_parameters(model: nn.Module) -> int:
    """Weights of the model that are not zero."""
    return sum(int(weight.count_nonzero()) for weight in _weights(model))


def _weights(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *(part.weight for part in model.modules() if isinstance(part, Integers))]


def weight_bytes(model: nn.Module) -> int:
    """Bytes of all weights and buffers of the model as they lie in memory; zeros count in full."""
    return sum(tensor.numel() * tensor.element_size() for tensor in [*model.parameters(), *model.buffers()])
