"""Weighted transformed teacher matching."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "wttm",
    summary="Match the teacher's softened probabilities without softening, more where the teacher is unsure",
    paper="Zheng and Yang 2024, arXiv:2402.11148",
    options={
        "temperature": Option(4.0, "what the teacher's logits are divided by", at_least=1),
        "weight": Option(1.0, "beta, weight beside the task's loss", at_least=0),
        "weighted": Option(True, "whether images weigh by how unsure the teacher is; if not, the paper's TTM"),
    },
    shapes="logits [B,K] twice, loss [B] -> scalar",
)  # fmt: skip
def wttm(
    student: Output, teacher: Output, batch: Batch, *, temperature: float, weight: float, weighted: bool
) -> Tensor:
    """`loss + beta U KL(softmax(teacher / T) || softmax(student))` with `U = sum_i p_i^(1/T)`, mean over the batch.

    p are the teacher's probabilities as they are. The student's are not softened, which is the difference to `kd`. U is
    the power sum that brings `p^(1/T)` to sum 1: 1 for a teacher that is sure, more the less sure it is. In nats.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: holds the task's `loss` of each image, `[B]`.
        temperature, weight, weighted: see the options.
    """
    wanted = (teacher.logits / temperature).log_softmax(dim=1)
    apart = F.kl_div(student.logits.log_softmax(dim=1), wanted, reduction="none", log_target=True).sum(dim=1)
    if weighted:
        apart = apart * (teacher.logits.log_softmax(dim=1) / temperature).exp().sum(dim=1)
    return (batch.loss + weight * apart).mean()
