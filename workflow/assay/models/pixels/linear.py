"""Multinomial logistic regression on the pixels."""

from __future__ import annotations

from torch import nn

from assay import method
from assay.models.classifier import Classifier


@method(
    "model",
    "linear",
    summary="Multinomial logistic regression on the pixels",
    shapes="images [B,C,H,W], any size -> features [B,C*H*W]",
)
def linear(channels: int, classes: int, size: int) -> Classifier:
    """The normalised pixels are the features, so the head is the whole model."""
    return Classifier(nn.Flatten(), channels * size * size, channels, classes)
