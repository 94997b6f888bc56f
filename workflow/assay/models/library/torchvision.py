"""Any classification network of torchvision."""

from __future__ import annotations

from functools import partial

from torch import nn

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.library.adapter import adapt


@method(
    "model",
    "torchvision",
    summary="Any classification network of torchvision, untrained; `torchvision/resnet18` is short for it",
    options={"name": Option(..., "torchvision's name of the network", type=str)},
    shapes="images [B,C,H,W], what the network takes -> features [B,D] that its last linear layer reads",
)
def from_torchvision(channels: int, classes: int, size: int, *, name: str) -> Classifier:
    """The network with as many input channels as the images have, told their size where it asks for one.

    Strides are those of large images, so small ones shrink fast. No weights are ever fetched.

    Raises:
        MethodError: torchvision has no such network, or it does not take such images, or its last layer is not linear.
    """
    import difflib

    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise MethodError(f"torchvision has no network {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    backbone, dimension = adapt(f"torchvision/{name}", partial(_make, name, channels, size), channels, size)
    return Classifier(backbone, dimension, channels, classes)


def _make(name: str, channels: int, size: int) -> nn.Module:
    from torchvision import models

    network: nn.Module = models.get_model(
        name, weights=None, **({"image_size": size} if name.startswith("vit_") else {})
    )
    layers = list(network.named_modules())
    first, stem = next((path, module) for path, module in layers if isinstance(module, nn.Conv2d))
    if stem.in_channels != channels:
        network.set_submodule(first, _with_inputs(stem, channels))
    linear = [(path, module) for path, module in layers if isinstance(module, nn.Linear)]
    if not linear or linear[-1][1].out_features != 1000:
        raise ValueError("its last layer is not linear")
    last, _ = linear[-1]
    network.set_submodule(last, nn.Identity())
    return network


def _with_inputs(stem: nn.Conv2d, channels: int) -> nn.Conv2d:
    """The first convolution for images with other channels."""
    return nn.Conv2d(
        channels,
        stem.out_channels,
        stem.kernel_size,  # type: ignore[arg-type]
        stem.stride,  # type: ignore[arg-type]
        stem.padding,  # type: ignore[arg-type]
        bias=stem.bias is not None,
    )
