"""The network of airbench94."""

from __future__ import annotations

from assay import Option, method
from assay.models.airbench.network import airbench
from assay.models.classifier import Classifier


@method(
    "model",
    "airbench94",
    summary="Network of cifar10-airbench for 94%: two convolutions a group",
    paper="Jordan 2024, arXiv:2404.00498",
    options={
        "script": Option(
            "paper",
            "whose factor on logits and initial head and whitening shift it has: the paper's, or those of the script "
            "with Muon, where logits are divided by the number of features and the head has a deviation of 1",
            choices=["paper", "muon"],
        ),
    },
    shapes="images [B,C,H,W], sizes 9 to 64 -> features [B,256]",
)
def airbench94(channels: int, classes: int, size: int, *, script: str) -> Classifier:
    """The network of airbench94; Jordan 2024. What a recipe must do for it is in `network`."""
    return airbench("airbench94", channels, classes, size, [64, 256, 256], 2, momentum=0.4, muon=script == "muon")
