"""MobileNetV2 for small images."""

from __future__ import annotations

from torch import Tensor, nn

from assay import method
from assay.models.classifier import Classifier

#: Widening, channels, blocks and stride of each stage: table 2 of the paper, where the first stage of stride 2 and the
#: stem have stride 1, so that an image of 32 pixels ends at 4 and not at 1.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """Widen by a 1x1 convolution, filter each channel, narrow by a 1x1 convolution; a shortcut where shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, widening: int):
        super().__init__()
        hidden = inputs * widening
        layers: list[nn.Module] = _conv(inputs, hidden, 1) if widening != 1 else []
        layers += _conv(hidden, hidden, 3, stride, groups=hidden)
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """`[B,inputs,H,W]` to `[B,outputs,H/stride,W/stride]`."""
        y: Tensor = self.body(x)
        return x + y if self.residual else y

    def last_norm(self) -> nn.Module | None:
        """The layer whose scale, at zero, leaves the shortcut alone; None where there is no shortcut."""
        return self.body[-1] if self.residual else None


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    ]


@method(
    "model",
    "mobilenetv2",
    summary="MobileNetV2: inverted residuals with one filter a channel, with strides for small images",
    paper="Sandler et al. 2018, arXiv:1801.04381",
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,1280]",
)
def mobilenetv2(channels: int, classes: int, size: int) -> Classifier:  # noqa: ARG001
    """MobileNetV2 at width 1; Sandler et al. 2018, table 2, with other strides and without dropout."""
    layers = _conv(channels, 32, 3)
    inputs = 32
    for widening, outputs, blocks, stride in _STAGES:
        for index in range(blocks):
            layers.append(InvertedResidual(inputs, outputs, 1 if index else stride, widening))
            inputs = outputs
    layers += [*_conv(inputs, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return Classifier(nn.Sequential(*layers), 1280, channels, classes)
