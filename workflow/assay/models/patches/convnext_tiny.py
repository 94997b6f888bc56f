"""ConvNeXt-T with a stem for small images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.layers import TruncatedConv2d, TruncatedLinear
from assay.models.sizes import at_least

_DEPTHS, _WIDTHS = (3, 3, 9, 3), (96, 192, 384, 768)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each place, `[B,D,H,W]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    """`x + scale * mlp(norm(conv7x7(x)))`, one filter a channel, the perceptron over channels at each place.

    `scale` `[D,1,1]` starts at 1e-6.
    """

    def __init__(self, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.empty(width, 1, 1))
        self.filter = TruncatedConv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.widen = TruncatedLinear(width, 4 * width)
        self.narrow = TruncatedLinear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """`[B,D,H,W]` to the same shape."""
        y = self.norm(self.filter(x).permute(0, 2, 3, 1))
        y = self.narrow(F.gelu(self.widen(y)))
        return x + self.scale * y.permute(0, 3, 1, 2)

    def initialise(self, generator: torch.Generator) -> None:  # noqa: ARG002
        """Set the scale; nothing is drawn."""
        nn.init.constant_(self.scale, 1e-6)


@method(
    "model",
    "convnext-tiny",
    summary="ConvNeXt-T: a convolutional network made after transformers, with a stem of small patches",
    paper="Liu et al. 2022, arXiv:2201.03545",
    options={"patch": Option(2, "pixels a side of the stem's patches", at_least=1)},
    shapes="images [B,C,H,W], size at least 8*patch -> features [B,768]",
)
def convnext_tiny(channels: int, classes: int, size: int, *, patch: int) -> Classifier:
    """ConvNeXt-T; Liu et al. 2022, table 9, with patches of `patch` pixels in place of 4 and without stochastic depth.

    Initial weights as there: truncated normals of deviation 0.02, scales 1e-6.

    Raises:
        MethodError: images that four stages shrink to nothing.
    """
    at_least(f"convnext-tiny with patches of {patch}", size, 8 * patch)
    layers: list[nn.Module] = []
    inputs = channels
    for depth, width in zip(_DEPTHS, _WIDTHS, strict=True):
        if inputs == channels:
            layers += [TruncatedConv2d(channels, width, patch, patch), ChannelNorm(width, eps=1e-6)]
        else:
            layers += [ChannelNorm(inputs, eps=1e-6), TruncatedConv2d(inputs, width, 2, 2)]
        layers += [ConvNextBlock(width) for _ in range(depth)]
        inputs = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(inputs, eps=1e-6)]
    return Classifier(nn.Sequential(*layers), inputs, channels, classes, TruncatedLinear(inputs, classes))
