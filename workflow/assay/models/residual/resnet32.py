"""The 32-layer residual network for small images."""

from __future__ import annotations

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.residual.cifar_resnet import cifar_resnet


@method(
    "model",
    "resnet32",
    summary="Residual network of 32 layers for small images (five blocks a stage)",
    paper="He et al. 2015, arXiv:1512.03385",
    options={
        "width": Option(16, "channels of the first stage; later stages have twice and four times as many", at_least=1),
        "shortcut": Option(
            "A", "where shapes change: A pads with zeros, B projects by a 1x1 convolution", choices=["A", "B"]
        ),
    },
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,4*width]",
)
def resnet32(channels: int, classes: int, size: int, *, width: int, shortcut: str) -> Classifier:  # noqa: ARG001
    """ResNet-32, 6n+2 layers with n = 5; He et al. 2015, section 4.2."""
    backbone, dimension = cifar_resnet(channels, 5, width, shortcut)
    return Classifier(backbone, dimension, channels, classes)
