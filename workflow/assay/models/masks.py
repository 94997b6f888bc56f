"""Weights that a network goes without: masks over its kernels and matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from assay.errors import MethodError
from assay.models.classifier import Classifier


def prunable(model: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """All convolutions and linear layers by name, in the order of the network.

    Raises:
        MethodError: there is none, as in a network whose weights are integers.
    """
    found = _layers(model)
    if not found:
        raise MethodError("the model has no convolution or linear layer to work on; quantise it last")
    return found


def _layers(model: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    return {name: part for name, part in model.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)}


def weights(model: nn.Module) -> dict[str, Tensor]:
    """The weight of each layer of `prunable`, by the layer's name."""
    return {name: layer.weight for name, layer in prunable(model).items()}


def smallest(scores: list[Tensor], count: int) -> list[Tensor]:
    """Masks, true at the `count` of all scores together that are smallest, ties in the order of the tensors."""
    flat = torch.cat([score.detach().flatten() for score in scores])
    mask = torch.zeros_like(flat, dtype=torch.bool)
    mask[flat.argsort(stable=True)[:count]] = True
    parts = mask.split([score.numel() for score in scores])
    return [part.view(score.shape) for part, score in zip(parts, scores, strict=True)]


class Mask(nn.Module):
    """`w -> kept * w`, so that what is dropped has no gradient either."""

    kept: Tensor

    def __init__(self, kept: Tensor):
        super().__init__()
        self.register_buffer("kept", kept)

    def forward(self, weight: Tensor) -> Tensor:
        """A weight to the same without what is dropped."""
        return weight * self.kept


def mask(model: nn.Module, kept: Mapping[str, Tensor]) -> None:
    """Let layers compute with the weights that `kept` (layer to bool, of the weight's shape) says, until `unmask`.

    A dropped weight is zero whatever an optimiser does, and however weights are averaged.
    """
    drop(model, kept)
    for name, keep in kept.items():
        parametrize.register_parametrization(model.get_submodule(name), "weight", Mask(keep))


def unmask(model: nn.Module, kept: Mapping[str, Tensor]) -> None:
    """Make masked layers plain again; dropped weights are exactly zero."""
    for name in kept:
        parametrize.remove_parametrizations(model.get_submodule(name), "weight", leave_parametrized=True)


@contextmanager
def masked(model: nn.Module, kept: Mapping[str, Tensor]) -> Iterator[None]:
    """The model without what is dropped; afterwards it is plain, with zeros there."""
    mask(model, kept)
    yield
    unmask(model, kept)


def kept(model: nn.Module) -> dict[str, Tensor]:
    """Masks of what is not zero, for layers that have zeros."""
    return {name: layer.weight.detach() != 0 for name, layer in _layers(model).items() if (layer.weight == 0).any()}


@torch.no_grad()
def drop(model: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Set weights to zero where a mask (layer to bool) is not true; further training keeps them there."""
    for name, keep in masks.items():
        model.get_submodule(name).weight.masked_fill_(~keep, 0.0)  # type: ignore[operator]


def tell(model: Classifier) -> None:
    """Print how many weights are zero, in all and layer by layer."""
    found = {name: (int((weight == 0).sum()), weight.numel()) for name, weight in weights(model).items()}
    zeros, total = (sum(pair[which] for pair in found.values()) for which in (0, 1))
    print(f"{zeros} of {total} weights are zero ({zeros / total:.2%})")
    for name, (few, many) in found.items():
        print(f"  {name}: {few} of {many}")
