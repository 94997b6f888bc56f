"""The network of airbench96."""

from __future__ import annotations

from assay import method
from assay.models.airbench.network import airbench
from assay.models.classifier import Classifier


@method(
    "model",
    "airbench96",
    summary="Network of cifar10-airbench for 96%: three convolutions a group, with shortcuts",
    paper="Jordan 2024, arXiv:2404.00498",
    shapes="images [B,C,H,W], sizes 9 to 64 -> features [B,512]",
)
def airbench96(channels: int, classes: int, size: int) -> Classifier:
    """The network of airbench96; Jordan 2024. What a recipe must do for it is in `network`."""
    return airbench("airbench96", channels, classes, size, [128, 384, 512], 3, momentum=0.1)
