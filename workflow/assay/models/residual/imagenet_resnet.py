"""Residual networks in four stages (He et al. 2015, arXiv:1512.03385, table 1), with a stem for small images."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from assay.models.residual.cifar_resnet import Block


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions, of which the last widens four times, and a shortcut.

    The 3x3 convolution has the stride, as in torchvision; in the paper the first one has it.
    """

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        outputs = 4 * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(outputs)
        self.project = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride != 1 or inputs != outputs
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[B,inputs,H,W]` to `[B,4*width,H/stride,W/stride]`."""
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = F.relu(self.norm2(self.conv2(y)), inplace=True)
        y = self.norm3(self.conv3(y))
        return F.relu(y + (x if self.project is None else self.project(x)), inplace=True)

    def last_norm(self) -> nn.Module:
        """The layer whose scale, at zero, leaves the shortcut alone."""
        return self.norm3


def imagenet_resnet(channels: int, block: str, counts: list[int], width: int) -> tuple[nn.Module, int]:
    """The backbone, and the dimension of its features.

    Args:
        channels: of the images.
        block: "basic" (two 3x3 convolutions, projections where shapes change) or "bottleneck".
        counts: blocks of each stage; each stage but the first halves the image.
        width: of the first stage; each later one has twice as many channels.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]
    inputs = width
    for stage, count in enumerate(counts):
        for index in range(count):
            stride = 2 if stage and not index else 1
            if block == "basic":
                layers.append(Block(inputs, width * 2**stage, stride, "B"))
                inputs = width * 2**stage
            else:
                layers.append(Bottleneck(inputs, width * 2**stage, stride))
                inputs = 4 * width * 2**stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), inputs
