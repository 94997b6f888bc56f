"""A scale and a shift for each channel train."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrize

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.train.trainable.freeze import Finish, finish, freeze


class Scale(nn.Module):
    """`w -> scale * w` along the first axis, from scale 1."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(len(weight)))

    def forward(self, weight: Tensor) -> Tensor:
        """`[C,...]` to the same shape."""
        return weight * self.scale.view(-1, *[1] * (weight.ndim - 1))


class Shift(nn.Module):
    """`b -> b + shift`, from shift 0."""

    def __init__(self, bias: Tensor):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros_like(bias))

    def forward(self, bias: Tensor) -> Tensor:
        """`[C]` to `[C]`."""
        return bias + self.shift


@method(
    "trainable",
    "film",
    summary="A scale and a shift for each channel, added to the normalisation layers of a frozen model",
    paper="Perez et al. 2018, arXiv:1709.07871; Requeima et al. 2019, arXiv:1906.07697",
    options={"head": Option(True, "whether the linear head trains too")},
)
def film(model: Classifier, generator: torch.Generator, *, head: bool) -> Finish:  # noqa: ARG001
    """Train `scale` and `shift` `[C]` in `norm(x) = scale * w * x^ + b + shift` of every normalisation layer.

    w, b and the normalised x^ are as `init` brought them, with the running statistics of batch normalisation. In a
    backbone without normalisation layers, every convolution and linear layer is altered so, the shift only where it has
    a shift already. All start at the identity and are merged into w and b afterwards.

    Raises:
        MethodError: the backbone has no layer to alter.
    """
    freeze(model, head=head, still=True)
    layers = _layers(model.backbone, (_BatchNorm, nn.GroupNorm, nn.LayerNorm))
    layers = layers or _layers(model.backbone, (nn.Conv2d, nn.Linear))
    if not layers:
        raise MethodError("trainable: film, and the model has no layer before its head to alter; try head")
    changed = []
    for layer in layers:
        for name, part in (("weight", Scale), ("bias", Shift)):
            if getattr(layer, name) is not None:
                parametrize.register_parametrization(layer, name, part(getattr(layer, name)))
                changed.append((layer, name))
    return partial(finish, model, changed)


def _layers(backbone: nn.Module, kinds: tuple[type[nn.Module], ...]) -> list[nn.Module]:
    return [module for module in backbone.modules() if isinstance(module, kinds) and module.weight is not None]
