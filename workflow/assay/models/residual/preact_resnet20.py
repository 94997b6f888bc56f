"""The 20-layer residual network for small images, with activations before convolutions."""

from __future__ import annotations

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.residual.preact_resnet import preact_resnet


@method(
    "model",
    "preact-resnet20",
    summary="Pre-activation residual network of 20 layers for small images (three blocks a stage)",
    paper="He et al. 2016, arXiv:1603.05027",
    options={
        "width": Option(16, "channels of the first stage; later stages have twice and four times as many", at_least=1),
        "shortcut": Option(
            "A", "where shapes change: A pads with zeros, B projects by a 1x1 convolution", choices=["A", "B"]
        ),
    },
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,4*width]",
)
def preact_resnet20(channels: int, classes: int, size: int, *, width: int, shortcut: str) -> Classifier:  # noqa: ARG001
    """Pre-activation ResNet-20, 6n+2 layers with n = 3; He et al. 2016, table 2."""
    backbone, dimension = preact_resnet(channels, 3, width, [width, 2 * width, 4 * width], shortcut)
    return Classifier(backbone, dimension, channels, classes)
