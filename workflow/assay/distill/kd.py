"""Knowledge distillation."""

from __future__ import annotations

from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method


class Output(Protocol):
    """What a network gave for a batch."""

    logits: Tensor


@method(
    "distill",
    "kd",
    summary="Match the teacher's softened probabilities",
    paper="Hinton et al. 2015, arXiv:1503.02531",
    options={
        "temperature": Option(4.0, "what logits are divided by", above=0),
        "alpha": Option(0.9, "weight of the teacher; the task's loss has the rest", at_least=0, at_most=1),
    },
    shapes="logits [B,K] twice, loss [B] -> scalar",
)
def kd(student: Output, teacher: Output, loss: Tensor, *, temperature: float, alpha: float) -> Tensor:
    """`alpha T^2 KL(softmax(teacher / T) || softmax(student / T)) + (1 - alpha) loss`, means over the batch, in nats.

    T^2 keeps the gradient of the first term at the scale of the second (section 2.1).

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        loss: the task's loss of each sample, `[B]`.
        temperature: T.
        alpha: weight of the teacher.
    """
    divergence = F.kl_div(
        F.log_softmax(student.logits / temperature, dim=1),
        F.log_softmax(teacher.logits / temperature, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return alpha * temperature**2 * divergence + (1 - alpha) * loss.mean()
