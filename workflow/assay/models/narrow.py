"""A layer with fewer channels."""

from __future__ import annotations

from torch import nn


def narrow(layer: nn.Module, *, inputs: int, outputs: int) -> nn.Module:
    """The same kind of layer from `inputs` to `outputs` channels; for batch normalisation both are the same."""
    if isinstance(layer, nn.Linear):
        return nn.Linear(inputs, outputs, bias=layer.bias is not None)
    if isinstance(layer, nn.BatchNorm2d):
        return nn.BatchNorm2d(outputs, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
    assert isinstance(layer, nn.Conv2d)
    return nn.Conv2d(
        inputs,
        outputs,
        layer.kernel_size,  # type: ignore[arg-type]
        layer.stride,  # type: ignore[arg-type]
        layer.padding,  # type: ignore[arg-type]
        layer.dilation,  # type: ignore[arg-type]
        bias=layer.bias is not None,
        padding_mode=layer.padding_mode,
    )
