"""A network small enough to be a student."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.models.classifier import Classifier


@method(
    "model",
    "tiny-cnn",
    summary="Two 3x3 convolutions, each with batch normalisation and pooling",
    options={"width": Option(16, "channels of the first convolution; the second has twice as many", at_least=1)},
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,2*width]",
)
def tiny_cnn(channels: int, classes: int, size: int, *, width: int) -> Classifier:  # noqa: ARG001
    """Two blocks of convolution, batch normalisation, ReLU and 2x2 maximum pooling, then global average pooling."""
    backbone = nn.Sequential(*_block(channels, width), *_block(width, 2 * width), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Classifier(backbone, 2 * width, channels, classes)


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    ]
