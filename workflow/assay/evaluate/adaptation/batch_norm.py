"""Batch normalisation by the statistics of the batch at hand, mixed with those of training."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from assay.evaluate.result import UndefinedError
from assay.models.classifier import Classifier


class BatchStatistics(nn.Module):
    """A layer of batch normalisation that trusts the batch.

    Mean and variance are `N/(N+n)` of those of training and `n/(N+n)` of those of the n images of the batch
    (Schneider et al. 2020, arXiv:2006.16971, equation 1). The variance of the batch is the biased one.

    Args:
        norm: the trained layer; its weights are shared.
        prior: N, >= 0; 0 trusts the batch alone.
    """

    def __init__(self, norm: _BatchNorm, prior: float):
        super().__init__()
        self.norm = norm
        self.prior = prior

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `[B,C,...]`."""
        axes = [axis for axis in range(x.dim()) if axis != 1]
        mean, variance = x.mean(axes), x.var(axes, unbiased=False)
        if self.prior and self.norm.running_mean is not None and self.norm.running_var is not None:
            kept = self.prior / (self.prior + len(x))
            mean = kept * self.norm.running_mean + (1 - kept) * mean
            variance = kept * self.norm.running_var + (1 - kept) * variance
        shape = [1, -1] + [1] * (x.dim() - 2)
        made = (x - mean.view(shape)) * torch.rsqrt(variance.view(shape) + self.norm.eps)
        if self.norm.weight is not None:
            made = made * self.norm.weight.view(shape)
        return made if self.norm.bias is None else made + self.norm.bias.view(shape)


def trusting(model: Classifier, prior: float) -> Classifier:
    """A copy of the model, in evaluation mode, whose batch normalisations trust the batch.

    Raises:
        UndefinedError: it has none.
    """
    made = copy.deepcopy(model).eval()
    count = 0
    for parent in list(made.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, _BatchNorm):
                setattr(parent, name, BatchStatistics(layer, prior))
                count += 1
    if not count:
        raise UndefinedError("the model has no batch normalisation to adapt")
    return made


def affine(model: Classifier) -> list[nn.Parameter]:
    """The scales and shifts of the batch normalisations; everything else is frozen.

    Raises:
        UndefinedError: they have none.
    """
    model.requires_grad_(False)
    found = [
        weight for layer in model.modules() if isinstance(layer, BatchStatistics) for weight in layer.norm.parameters()
    ]
    if not found:
        raise UndefinedError("the batch normalisations of the model have no scale and shift to adapt")
    for weight in found:
        weight.requires_grad_(True)
    return found


def entropy(logits: Tensor) -> Tensor:
    """The entropy of the prediction of each image in nats, `[B]`."""
    logs = logits.log_softmax(dim=1)
    return -(logs.exp() * logs).sum(dim=1)
