"""The densely connected network of 100 layers for small images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.models.classifier import Classifier


class DenseLayer(nn.Module):
    """`cat(x, conv3x3(relu(norm(conv1x1(relu(norm(x)))))))`: from `4 * growth` channels to `growth` new ones."""

    def __init__(self, inputs: int, growth: int):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """`[B,inputs,H,W]` to `[B,inputs+growth,H,W]`."""
        y = self.conv1(F.relu(self.norm1(x), inplace=True))
        return torch.cat([x, self.conv2(F.relu(self.norm2(y), inplace=True))], dim=1)


@method(
    "model",
    "densenet-bc-100-12",
    summary="Densely connected network of 100 layers with growth 12, bottlenecks and compression",
    paper="Huang et al. 2017, arXiv:1608.06993",
    options={"growth": Option(12, "new channels of each layer", at_least=2)},
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,D], D = 342 at growth 12",
)
def densenet_bc_100_12(channels: int, classes: int, size: int, *, growth: int) -> Classifier:  # noqa: ARG001
    """DenseNet-BC (L = 100, k = 12); Huang et al. 2017, sections 3 and 4.2.

    A 3x3 convolution to `2 * growth` channels, three blocks of 16 layers, between them a 1x1 convolution that halves
    the channels and 2x2 average pooling, then normalisation, activation and global average pooling.
    """
    width = 2 * growth
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
    for block in range(3):
        if block:
            layers += [
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                nn.Conv2d(width, width // 2, 1, bias=False),
                nn.AvgPool2d(2),
            ]
            width //= 2
        for _ in range(16):
            layers.append(DenseLayer(width, growth))
            width += growth
    layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return Classifier(nn.Sequential(*layers), width, channels, classes)
