"""A layer as the product of two thinner ones."""

from __future__ import annotations

from torch import nn


def low_rank(layer: nn.Conv2d | nn.Linear, *, rank: int) -> nn.Sequential:
    """Two layers in place of one, with `rank` channels between them and a bias at the end.

    A linear layer becomes two. A convolution becomes one with the same kernel to `rank` channels, then one of 1x1.
    """
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Sequential(
            nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features, bias=bias)
        )
    first = nn.Conv2d(
        layer.in_channels,
        rank,
        layer.kernel_size,  # type: ignore[arg-type]
        layer.stride,  # type: ignore[arg-type]
        layer.padding,  # type: ignore[arg-type]
        layer.dilation,  # type: ignore[arg-type]
        bias=False,
        padding_mode=layer.padding_mode,
    )
    return nn.Sequential(first, nn.Conv2d(rank, layer.out_channels, 1, bias=bias))
