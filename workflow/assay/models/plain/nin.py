"""Network in network."""

from __future__ import annotations

from torch import nn

from assay import method
from assay.models.classifier import Classifier


@method(
    "model",
    "nin",
    summary="Network in network: convolutions each followed by 1x1 ones",
    paper="Lin et al. 2013, arXiv:1312.4400",
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,192]",
)
def nin(channels: int, classes: int, size: int) -> Classifier:  # noqa: ARG001
    """The network for CIFAR-10 of Lin et al. 2013, with the widths of their published configuration.

    The last 1x1 convolution before global averaging is here the head after it, which is the same function but for its
    ReLU. Dropout is left out.
    """
    layers = [
        *_unit(channels, 5, [192, 160, 96]),
        nn.MaxPool2d(3, 2, padding=1),
        *_unit(96, 5, [192, 192, 192]),
        nn.AvgPool2d(3, 2, padding=1),
        *_unit(192, 3, [192, 192]),
    ]
    return Classifier(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 192, channels, classes)


def _unit(inputs: int, kernel: int, widths: list[int]) -> list[nn.Module]:
    """A convolution and 1x1 ones after it: a small network that slides over the image."""
    layers: list[nn.Module] = []
    for outputs in widths:
        layers += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]
        inputs, kernel = outputs, 1
    return layers
