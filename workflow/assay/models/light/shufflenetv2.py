"""ShuffleNetV2 for small images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay import Option, method
from assay.models.classifier import Classifier

#: Channels of the stem, the three stages and the last convolution by width: table 5 of the paper.
_WIDTHS = {
    0.5: (24, 48, 96, 192, 1024),
    1.0: (24, 116, 232, 464, 1024),
    1.5: (24, 176, 352, 704, 1024),
    2.0: (24, 244, 488, 976, 2048),
}


class Unit(nn.Module):
    """One half of the channels is filtered, then both are shuffled; with stride 2 each half is made of all channels."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        half = outputs // 2
        self.split = stride == 1
        self.left = None if self.split else nn.Sequential(*_depthwise(inputs, stride), *_pointwise(inputs, half))
        self.right = nn.Sequential(
            *_pointwise(half if self.split else inputs, half), *_depthwise(half, stride), *_pointwise(half, half)
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[B,inputs,H,W]` to `[B,outputs,H/stride,W/stride]`."""
        left, right = x.chunk(2, dim=1) if self.left is None else (self.left(x), x)
        # Stacking the halves in a new innermost axis is the shuffle: channels of left and right take turns.
        return torch.stack([left, self.right(right)], dim=2).flatten(1, 2)


def _pointwise(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _depthwise(width: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(width, width, 3, stride, padding=1, groups=width, bias=False), nn.BatchNorm2d(width)]


@method(
    "model",
    "shufflenetv2",
    summary="ShuffleNetV2: half the channels are filtered, then all are shuffled; with a stem for small images",
    paper="Ma et al. 2018, arXiv:1807.11164",
    options={"width": Option(1.0, "width of the paper's table 5", choices=[0.5, 1.0, 1.5, 2.0])},
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,1024], 2048 at width 2",
)
def shufflenetv2(channels: int, classes: int, size: int, *, width: float) -> Classifier:  # noqa: ARG001
    """ShuffleNetV2; Ma et al. 2018, table 5, where the stem is a 3x3 convolution of stride 1 and nothing is pooled."""
    stem, *stages, last = _WIDTHS[width]
    layers: list[nn.Module] = [
        nn.Conv2d(channels, stem, 3, padding=1, bias=False),
        nn.BatchNorm2d(stem),
        nn.ReLU(inplace=True),
    ]
    inputs = stem
    for outputs, units in zip(stages, (4, 8, 4), strict=True):
        for index in range(units):
            layers.append(Unit(inputs, outputs, 1 if index else 2))
            inputs = outputs
    layers += [*_pointwise(inputs, last), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return Classifier(nn.Sequential(*layers), last, channels, classes)
