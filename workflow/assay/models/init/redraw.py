"""What is drawn anew where an arm names an initialisation, and what stays as the model has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


def layers(model: nn.Module) -> Iterator[nn.Conv2d | nn.Linear]:
    """The convolutions and linear layers with weights to train, the head among them, in the order of the model."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and isinstance(module.weight, nn.Parameter):
            yield module


@torch.no_grad()
def redraw(model: nn.Module, draw: Callable[[Tensor], object]) -> None:
    """Fill the weights of all `layers` by `draw(weight)`, `[O,I]` or `[O,I,H,W]`, and set their shifts to zero.

    Norm layers, embeddings, tokens, and filters that are not trained stay as the model has drawn them.
    """
    for layer in layers(model):
        draw(layer.weight)
        if isinstance(layer.bias, nn.Parameter):
            layer.bias.zero_()


def fans(weight: Tensor) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input, of a weight `[O,I]` or `[O,I,H,W]`."""
    place = weight[0, 0].numel()
    return weight.shape[1] * place, weight.shape[0] * place
