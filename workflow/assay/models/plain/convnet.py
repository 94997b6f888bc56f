"""The network that condensed sets are learnt with."""

from __future__ import annotations

import torch
from torch import nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.sizes import at_least


@method(
    "model",
    "convnet",
    summary="Blocks of a 3x3 convolution, instance normalisation and pooling: the ConvNet-3 of dataset condensation",
    paper="Gidaris and Komodakis 2018, arXiv:1804.09458; Zhao et al. 2021, arXiv:2006.05929, section 4",
    options={
        "width": Option(128, "channels of every convolution", at_least=1),
        "depth": Option(3, "blocks; 0 leaves the pixels as features", at_least=0),
    },
    shapes="images [B,C,H,W], at least 2^depth pixels a side -> features [B,width*(H/2^depth)*(W/2^depth)]",
)
def convnet(channels: int, classes: int, size: int, *, width: int, depth: int) -> Classifier:
    """Each block halves the image: convolution, normalisation by image and channel, ReLU, 2x2 mean pooling.

    The features are all places of the last block. Images of 28 pixels stay as they are, where Zhao et al. pad to 32.

    Raises:
        MethodError: images of which pooling leaves nothing.
    """
    at_least("convnet", size, 2**depth)
    blocks: list[nn.Module] = []
    inputs = channels
    for _ in range(depth):
        blocks += [
            nn.Conv2d(inputs, width, 3, padding=1),
            InstanceNorm(width, affine=True),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(2),
        ]
        inputs = width
    side = size // 2**depth
    return Classifier(nn.Sequential(*blocks, nn.Flatten()), inputs * side * side, channels, classes)


class InstanceNorm(nn.InstanceNorm2d):
    """What the authors write as one group a channel, which on a CPU takes ten times as long in channels-last layout."""

    def initialise(self, generator: torch.Generator) -> None:  # noqa: ARG002
        """Scale 1, shift 0."""
        self.reset_parameters()
