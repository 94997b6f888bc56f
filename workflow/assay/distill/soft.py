"""Softened probabilities."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """`T^2 KL(softmax(teacher / T) || softmax(student / T))` of logits `[B,K]`, in nats, `[B]`.

    T^2 keeps the gradient at the scale of the task's loss (Hinton et al. 2015, arXiv:1503.02531, section 2.1).
    """
    pointwise = F.kl_div(
        F.log_softmax(student / temperature, dim=1),
        F.log_softmax(teacher / temperature, dim=1),
        reduction="none",
        log_target=True,
    )
    return temperature**2 * pointwise.sum(dim=1)
