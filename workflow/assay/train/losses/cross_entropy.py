"""Cross-entropy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method


@method(
    "loss",
    "cross-entropy",
    summary="Cross-entropy with hard or soft targets",
    paper="label smoothing: Szegedy et al. 2016, arXiv:1512.00567, section 7",
    options={
        "label-smoothing": Option(0.0, "share of each target spread evenly over all classes", at_least=0, below=1)
    },
    shapes="logits [B,K], targets [B,K] -> [B]",
)
def cross_entropy(logits: Tensor, targets: Tensor, counts: Tensor, *, label_smoothing: float) -> Tensor:  # noqa: ARG001
    """`-sum_k t_k log p_k` in nats, with `t = (1 - s) targets + s / K`.

    Args:
        logits: float32 `[B,K]`.
        targets: float32 `[B,K]`, rows that sum to 1.
        counts: int64 `[K]`, train images of each class; not used here.
        label_smoothing: s.
    """
    return F.cross_entropy(logits, targets, reduction="none", label_smoothing=label_smoothing)
