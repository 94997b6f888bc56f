"""The MLP-Mixer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.layers import PatchConv2d
from assay.models.patches.encoder import Flat
from assay.models.sizes import tokens


class XavierLinear(nn.Linear):
    """A linear layer with uniform weights in `±sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio 2010), shift 0."""

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights."""
        nn.init.xavier_uniform_(self.weight, generator=generator)
        nn.init.zeros_(self.bias)


class MixerBlock(nn.Module):
    """A perceptron over places for each channel, then one over channels for each place, both with shortcuts (eq. 1)."""

    def __init__(self, count: int, width: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.places = _perceptron(count, width // 2)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.channels = _perceptron(width, 4 * width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens `[B,N,D]` to tokens `[B,N,D]`."""
        x = x + self.places(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mean(nn.Module):
    """The mean of tokens `[B,N,D]`: `[B,D]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Take it."""
        return x.mean(dim=1)


def _perceptron(inputs: int, hidden: int) -> nn.Module:
    return nn.Sequential(XavierLinear(inputs, hidden), nn.GELU(), XavierLinear(hidden, inputs))


@method(
    "model",
    "mlp-mixer",
    summary="MLP-Mixer: perceptrons over places and over channels take turns; small by default",
    paper="Tolstikhin et al. 2021, arXiv:2105.01601",
    options={
        "patch": Option(4, "pixels a side of a patch", at_least=1),
        "depth": Option(8, "layers", at_least=1),
        "width": Option(256, "channels of a token; hidden units are half and four times as many", at_least=2),
    },
    shapes="images [B,C,H,W], sizes that patches tile -> features [B,width]",
)
def mlp_mixer(channels: int, classes: int, size: int, *, patch: int, depth: int, width: int) -> Classifier:
    """Mixer with the proportions of S in table 1 of Tolstikhin et al. 2021, by default at half its width.

    Initial weights as in the authors' code: Glorot's uniform for perceptrons, LeCun's normal for patches.

    Raises:
        MethodError: patches that do not tile the image.
    """
    count = tokens("mlp-mixer", size, patch)
    backbone = nn.Sequential(
        PatchConv2d(channels, width, patch, patch),
        Flat(),
        *(MixerBlock(count, width) for _ in range(depth)),
        nn.LayerNorm(width, eps=1e-6),
        Mean(),
    )
    return Classifier(backbone, width, channels, classes)
