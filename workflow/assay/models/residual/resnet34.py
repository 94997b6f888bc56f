"""The 34-layer residual network of ImageNet, with a stem for small images."""

from __future__ import annotations

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.residual.imagenet_resnet import imagenet_resnet


@method(
    "model",
    "resnet34",
    summary="Residual network of 34 layers in four stages, with a stem for small images (3x3, no pooling)",
    paper="He et al. 2015, arXiv:1512.03385",
    options={
        "width": Option(64, "channels of the first stage; each later stage has twice as many", at_least=1),
    },
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,8*width]",
)
def resnet34(channels: int, classes: int, size: int, *, width: int) -> Classifier:  # noqa: ARG001
    """ResNet-34; He et al. 2015, table 1, where the stem is a 3x3 convolution of stride 1 and nothing is pooled."""
    backbone, dimension = imagenet_resnet(channels, "basic", [3, 4, 6, 3], width)
    return Classifier(backbone, dimension, channels, classes)
