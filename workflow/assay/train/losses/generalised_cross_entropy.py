"""Generalised cross-entropy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method


@method(
    "loss",
    "generalised-cross-entropy",
    summary="Between cross-entropy and mean absolute error, which wrong labels move less",
    paper="Zhang and Sabuncu 2018, arXiv:1805.07836",
    options={"q": Option(0.7, "towards 0 it is cross-entropy, at 1 half the absolute error", above=0, at_most=1)},
    shapes="logits [B,K], targets [B,K] -> [B]",
)
def generalised_cross_entropy(logits: Tensor, targets: Tensor, counts: Tensor, *, q: float) -> Tensor:  # noqa: ARG001
    """`sum_k t_k (1 - p_k^q) / q`.

    Args:
        logits: float32 `[B,K]`.
        targets: t, float32 `[B,K]`, rows that sum to 1.
        counts: int64 `[K]`, train images of each class; not used here.
        q: see the option.
    """
    return -(targets * (q * F.log_softmax(logits, dim=1)).expm1()).sum(dim=1) / q
