"""Quantisation-aware training."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from assay import Option, method
from assay.compress.quantise import bounds, codes_of, convert, grid, scales
from assay.models.classifier import Classifier
from assay.models.integers import LEVELS
from assay.models.masks import drop, kept, mask, prunable


class FineTune(Protocol):
    """Trains a model in place and gives train images."""

    def __call__(self, model: Classifier, *, epochs: int, lr: float, hold: bool) -> None:
        """See `assay.train.finetune`."""

    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """Images `[B,C,H,W]` in 0..1 without augmentation, and targets."""


class Rounded(nn.Module):
    """A weight as its integers will have it; the gradient passes as if it were not rounded (straight through)."""

    def __init__(self, bits: int):
        super().__init__()
        self.bits = bits

    def forward(self, weight: Tensor) -> Tensor:
        """A weight to its nearest representable one, at the steps that its channels have now."""
        scale = scales(weight, self.bits, cut=False)
        near = codes_of(weight.detach(), scale, self.bits) * scale.view(-1, *[1] * (weight.ndim - 1))
        return weight + (near - weight).detach()


@method(
    "compress",
    "qat",
    summary="Train further with weights rounded to integers of 8 or 4 bits, activations too if asked",
    paper="Jacob et al. 2018, arXiv:1712.05877, section 3; straight through: Bengio et al. 2013, arXiv:1308.3432",
    options={
        "bits": Option(4, "of a weight", choices=[8, 4]),
        "activations": Option(False, "whether the input of each layer is rounded to 8 bits too"),
        "images": Option(512, "train images that set the bounds of activations", at_least=1),
        "epochs": Option(10, "epochs of training", at_least=1),
        "lr": Option(0.01, "highest learning rate of it", above=0),
    },
)
def qat(
    model: Classifier, finetune: FineTune, *, bits: int, activations: bool, images: int, epochs: int, lr: float
) -> Classifier:
    """Forward passes see rounded weights, the optimiser moves the floats behind them; then the integers are stored.

    Steps are those of `ptq` without cutting, taken anew in each pass. Bounds of inputs are set before training.

    Args:
        model: changed in place and returned.
        finetune: trains the model and gives train images.
        bits, activations, images, epochs, lr: see the options.
    """
    inputs = bounds(model.eval(), finetune.sample(images)[0], 0.0) if activations else None
    layers, pruned = prunable(model), kept(model)
    mask(model, pruned)
    hooks = []
    for name, layer in layers.items():
        parametrize.register_parametrization(layer, "weight", Rounded(bits))
        if inputs is not None:
            step, zero = grid(*inputs[name])
            hooks.append(layer.register_forward_pre_hook(partial(_round, step, zero)))
    # A weight that is rounded to zero for now is not pruned.
    finetune(model, epochs=epochs, lr=lr, hold=False)
    for hook in hooks:
        hook.remove()
    for layer in layers.values():
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    drop(model, pruned)
    return convert(model.eval(), bits, cut=False, inputs=inputs)


def _round(step: float, zero: int, _: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return (torch.fake_quantize_per_tensor_affine(given[0], step, zero, 0, LEVELS), *given[1:])
