"""Balanced softmax."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import method


@method(
    "loss",
    "balanced-softmax",
    summary="Cross-entropy of a softmax that counts each class as often as it has train images",
    paper="Ren et al. 2020, arXiv:2007.10740",
    shapes="logits [B,K], targets [B,K] -> [B]",
)
def balanced_softmax(logits: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
    """`-sum_k t_k log(n_k exp z_k / sum_i n_i exp z_i)` in nats.

    The same loss as `logit-adjusted` with tau 1, which was derived in another way.

    Args:
        logits: z, float32 `[B,K]`.
        targets: t, float32 `[B,K]`, rows that sum to 1.
        counts: n, int64 `[K]`, train images of each class; a class without any counts as having one.
    """
    counted = logits + counts.clamp_min(1).log()
    return -(targets * (counted - torch.logsumexp(counted, dim=1, keepdim=True))).sum(dim=1)
