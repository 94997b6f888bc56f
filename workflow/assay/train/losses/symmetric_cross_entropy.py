"""Symmetric cross-entropy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method


@method(
    "loss",
    "symmetric-cross-entropy",
    summary="Cross-entropy and its reverse, in which prediction and label change places",
    paper="Wang et al. 2019, arXiv:1908.06112",
    options={
        "alpha": Option(0.1, "weight of the cross-entropy", at_least=0),
        "beta": Option(1.0, "weight of the reverse", at_least=0),
        "log-zero": Option(-4.0, "what stands for the logarithm of a target of 0, in nats", below=0),
    },
    shapes="logits [B,K], targets [B,K] -> [B]",
)
def symmetric_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    counts: Tensor,  # noqa: ARG001
    *,
    alpha: float,
    beta: float,
    log_zero: float,
) -> Tensor:
    """`-alpha sum_k t_k log p_k - beta sum_k p_k log t_k` in nats, with `log t_k` no less than `log_zero`.

    Args:
        logits: float32 `[B,K]`.
        targets: t, float32 `[B,K]`, rows that sum to 1.
        counts: int64 `[K]`, train images of each class; not used here.
        alpha, beta, log_zero: see the options.
    """
    reverse = -(logits.softmax(dim=1) * targets.log().clamp_min(log_zero)).sum(dim=1)
    return alpha * F.cross_entropy(logits, targets, reduction="none") + beta * reverse
