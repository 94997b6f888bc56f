"""The network of airbench95."""

from __future__ import annotations

from assay import method
from assay.models.airbench.network import airbench
from assay.models.classifier import Classifier


@method(
    "model",
    "airbench95",
    summary="Network of cifar10-airbench for 95%: as airbench94 and wider",
    paper="Jordan 2024, arXiv:2404.00498",
    shapes="images [B,C,H,W], sizes 9 to 64 -> features [B,384]",
)
def airbench95(channels: int, classes: int, size: int) -> Classifier:
    """The network of airbench95; Jordan 2024. What a recipe must do for it is in `network`."""
    return airbench("airbench95", channels, classes, size, [128, 384, 384], 2, momentum=0.4)
