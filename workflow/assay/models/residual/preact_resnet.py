"""Residual networks with activations before convolutions, and wide ones, for small images.

He et al. 2016 (arXiv:1603.05027) move normalisation and activation before each convolution; Zagoruyko and Komodakis
2016 (arXiv:1605.07146) make such networks wider and less deep.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from assay.models.residual.cifar_resnet import zero_padded


class PreactBlock(nn.Module):
    """`shortcut(x) + conv(relu(norm(conv(relu(norm(x))))))`.

    Where the shape changes the shortcut starts from `relu(norm(x))`: "A" subsamples and pads the new channels with
    zeros, "B" projects by a 1x1 convolution. So it does in the first block of a network (`first`), whose input nothing
    has activated (He et al. 2016, appendix).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, shortcut: str, first: bool):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.stride = stride
        self.new = outputs - inputs
        self.changes = stride != 1 or self.new != 0
        self.first = first
        self.project = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if shortcut == "B" and self.changes else None

    def forward(self, x: Tensor) -> Tensor:
        """`[B,inputs,H,W]` to `[B,outputs,H/stride,W/stride]`."""
        active = F.relu(self.norm1(x), inplace=True)
        y = self.conv2(F.relu(self.norm2(self.conv1(active)), inplace=True))
        return y + self._shortcut(active if self.first or self.changes else x)

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.project is not None:
            projected: Tensor = self.project(x)
            return projected
        if not self.changes:
            return x
        return zero_padded(x, self.stride, self.new)


def preact_resnet(channels: int, blocks: int, stem: int, widths: list[int], shortcut: str) -> tuple[nn.Module, int]:
    """The backbone, and the dimension of its features.

    A 3x3 convolution to `stem` channels, a stage of `blocks` blocks for each of `widths` that but for the first halves
    the image, a last normalisation and activation, then global average pooling.
    """
    layers: list[nn.Module] = [nn.Conv2d(channels, stem, 3, padding=1, bias=False)]
    inputs = stem
    for stage, width in enumerate(widths):
        for index in range(blocks):
            stride = 2 if stage and not index else 1
            layers.append(PreactBlock(inputs, width, stride, shortcut, first=len(layers) == 1))
            inputs = width
    layers += [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), inputs


def wide_resnet(channels: int, blocks: int, widen: int) -> tuple[nn.Module, int]:
    """WRN of `6 * blocks + 4` layers: pre-activation blocks at `16, 32, 64` times `widen` channels, projections (B)."""
    return preact_resnet(channels, blocks, 16, [16 * widen, 32 * widen, 64 * widen], "B")
