"""Multi-sample dropout."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw


@method(
    "dropout",
    "multi-sample-dropout",
    summary="Several dropout masks on the features, one head, and the mean of the losses",
    paper="Inoue 2019, arXiv:1905.09788",
    options={
        "samples": Option(8, "masks of each image and step; 1 is ordinary dropout", at_least=1),
        "rate": Option(0.5, "share of features that a mask sets to 0", at_least=0, below=1),
    },
    shapes="features [B,D] -> [S,B,D]",
)
def multi_sample_dropout(features: Tensor, draw: Draw, *, samples: int, rate: float) -> Tensor:
    """`m_s * z / (1 - rate)` for S masks of `m ~ Bernoulli(1 - rate)`, each drawn for each image.

    The paper duplicates dropout and the layers after it with shared weights; here the layer after it is the linear
    head. What is in front of the features is computed once.
    """
    kept = draw.uniform(samples * features.shape[1]).view(len(features), samples, -1) >= rate
    dropped: Tensor = features * kept.transpose(0, 1) / (1 - rate)
    return dropped
