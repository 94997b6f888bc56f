"""Focal loss."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method


@method(
    "loss",
    "focal",
    summary="Cross-entropy that fades for samples that are already right",
    paper="Lin et al. 2017, arXiv:1708.02002, eq. 4, with softmax",
    options={"gamma": Option(2.0, "how fast easy samples fade; 0 is cross-entropy", at_least=0)},
    shapes="logits [B,K], targets [B,K] -> [B]",
)
def focal(logits: Tensor, targets: Tensor, counts: Tensor, *, gamma: float) -> Tensor:  # noqa: ARG001
    """`-sum_k t_k (1 - p_k)^gamma log p_k` in nats.

    Args:
        logits: float32 `[B,K]`.
        targets: float32 `[B,K]`, rows that sum to 1.
        counts: int64 `[K]`, train images of each class; not used here.
        gamma: the focusing parameter.
    """
    log_p = F.log_softmax(logits, dim=1)
    # (1 - p)^gamma has an infinite slope at p = 1 for gamma < 1; the floor keeps the gradient finite.
    fade = (1 - log_p.exp()).clamp_min(1e-8) ** gamma
    return -(targets * fade * log_p).sum(dim=1)
