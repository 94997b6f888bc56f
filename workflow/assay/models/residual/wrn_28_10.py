"""The wide residual network WRN-28-10."""

from __future__ import annotations

from assay import method
from assay.models.classifier import Classifier
from assay.models.residual.preact_resnet import wide_resnet


@method(
    "model",
    "wrn-28-10",
    summary="Wide residual network of 28 layers, 10 times as wide as ResNet for small images",
    paper="Zagoruyko and Komodakis 2016, arXiv:1605.07146",
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,640]",
)
def wrn_28_10(channels: int, classes: int, size: int) -> Classifier:  # noqa: ARG001
    """WRN-28-10 without dropout; Zagoruyko and Komodakis 2016, table 1 with N = 4 and k = 10."""
    backbone, dimension = wide_resnet(channels, 4, 10)
    return Classifier(backbone, dimension, channels, classes)
