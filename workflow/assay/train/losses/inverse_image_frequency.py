"""Inverse image frequency."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import method
from assay.train.losses.weights import log_prior


@method(
    "loss",
    "inverse-image-frequency",
    summary="Cross-entropy of logits that are multiplied by the logarithm of the classes' inverse shares",
    paper="Alexandridis et al. 2023, arXiv:2209.04861 (variant `raw` of the authors' code)",
    needs={"adjust": "inverse-image-frequency"},
    shapes="logits [B,K], targets [B,K] -> [B]",
)
def inverse_image_frequency(logits: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
    """`-sum_k t_k log softmax(z log(N / n))_k` in nats: a margin that multiplies, as a rare word counts more in a text.

    The logits that it trains are `z log(N / n)`: the arm's `adjust` of the same name puts the factor into the head, or
    rare classes would come out rarer than without the loss. The counts are those of all images trained on, `adjust`
    sees those of the train split, so synthetic images do not go with it.

    Args:
        logits: z, float32 `[B,K]`.
        targets: t, float32 `[B,K]`, rows that sum to 1.
        counts: n, int64 `[K]`, train images of each class; N is their sum.
    """
    return F.cross_entropy(-log_prior(counts) * logits, targets, reduction="none")
