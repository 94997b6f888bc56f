"""Residual networks for small images (He et al. 2015, arXiv:1512.03385, section 4.2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut: `relu(F(x) + shortcut(x))`.

    Where the shape changes, shortcut "A" subsamples and pads the new channels with zeros (no parameters) and "B"
    projects by a 1x1 convolution.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, shortcut: str):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.new = outputs - inputs
        self.project = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if shortcut == "B" and (stride != 1 or self.new)
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[B,inputs,H,W]` to `[B,outputs,H/stride,W/stride]`."""
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        return F.relu(y + self._shortcut(x), inplace=True)

    def last_norm(self) -> nn.Module:
        """The layer whose scale, at zero, leaves the shortcut alone."""
        return self.norm2

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.project is not None:
            projected: Tensor = self.project(x)
            return projected
        if self.stride == 1 and not self.new:
            return x
        return zero_padded(x, self.stride, self.new)


def zero_padded(x: Tensor, stride: int, new: int) -> Tensor:
    """Shortcut "A": `[B,C,H,W]` subsampled to `[B,C+new,H/stride,W/stride]`, half of the new channels on each side.

    Pooling of single pixels does what slices would, but its gradient stays channels-last: that of slices does not, and
    the layer before them takes ten times as long to go back through.
    """
    return F.pad(F.avg_pool2d(x, 1, stride), (0, 0, 0, 0, new // 2, new - new // 2))


def cifar_resnet(channels: int, blocks: int, width: int, shortcut: str) -> tuple[nn.Module, int]:
    """The backbone with `6 * blocks + 2` layers, and the dimension of its features.

    Three stages of `blocks` blocks at `width`, `2 * width` and `4 * width` channels, each but the first halving the
    image, then global average pooling.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]
    inputs = width
    for stage in range(3):
        for index in range(blocks):
            stride = 2 if stage and not index else 1
            layers.append(Block(inputs, width * 2**stage, stride, shortcut))
            inputs = width * 2**stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), inputs
