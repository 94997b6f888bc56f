"""Logit-adjusted cross-entropy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.train.losses.weights import log_prior


@method(
    "loss",
    "logit-adjusted",
    summary="Cross-entropy of logits to which the logarithm of the class shares is added while training",
    paper="Menon et al. 2021, arXiv:2007.07314, eq. 10",
    options={"tau": Option(1.0, "how much of the shares is added; 0 is cross-entropy", at_least=0)},
    shapes="logits [B,K], targets [B,K] -> [B]",
)
def logit_adjusted(logits: Tensor, targets: Tensor, counts: Tensor, *, tau: float) -> Tensor:
    """`-sum_k t_k log softmax(z + tau log prior)_k` in nats.

    The network then learns logits for classes that are equally frequent, and predicts with them unchanged.

    Args:
        logits: z, float32 `[B,K]`.
        targets: float32 `[B,K]`, rows that sum to 1.
        counts: int64 `[K]`, train images of each class.
        tau: see the option.
    """
    return F.cross_entropy(logits + tau * log_prior(counts), targets, reduction="none")
