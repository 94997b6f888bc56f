"""Poly-1 loss."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method


@method(
    "loss",
    "poly",
    summary="Cross-entropy with another coefficient for its first polynomial term",
    paper="Leng et al. 2022, arXiv:2204.12511 (Poly-1)",
    options={"epsilon": Option(1.0, "what is added to the coefficient of 1 - p; 0 is cross-entropy", at_least=-1)},
    shapes="logits [B,K], targets [B,K] -> [B]",
)
def poly(logits: Tensor, targets: Tensor, counts: Tensor, *, epsilon: float) -> Tensor:  # noqa: ARG001
    """`-sum_k t_k log p_k + epsilon (1 - sum_k t_k p_k)` in nats.

    Args:
        logits: float32 `[B,K]`.
        targets: float32 `[B,K]`, rows that sum to 1.
        counts: int64 `[K]`, train images of each class; not used here.
        epsilon: see the option.
    """
    right = (targets * logits.softmax(dim=1)).sum(dim=1)
    return F.cross_entropy(logits, targets, reduction="none") + epsilon * (1 - right)
