"""Normalised knowledge distillation."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "nkd",
    summary="Match the teacher on the label's class and, brought to sum 1, on the other classes, each with its weight",
    paper="Yang et al. 2023, arXiv:2303.13005",
    options={
        "weight": Option(1.5, "gamma, weight of the other classes", at_least=0),
        "temperature": Option(1.0, "lambda, what logits of the other classes are divided by", above=0),
    },
    shapes="logits [B,K] twice, loss [B] -> scalar",
    reads=["labels"],
)
def nkd(student: Output, teacher: Output, batch: Batch, *, weight: float, temperature: float) -> Tensor:
    """`loss - p_t log q_t - gamma lambda^2 sum over i != t of p'_i log q'_i`, means over the batch, in nats.

    p and q are probabilities of teacher and student, t the label's class, and p', q' the probabilities of the other
    classes among themselves at the temperature, so that they sum to 1. A target that mixes classes weights the terms
    of each of its classes by its share.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: holds the task's `loss` of each image, `[B]`, and `targets` `[B,K]`.
        weight, temperature: see the options.
    """
    p, log_q = teacher.logits.softmax(dim=1), student.logits.log_softmax(dim=1)
    target = -(batch.targets * p * log_q).sum(dim=1)
    soft = (teacher.logits / temperature).softmax(dim=1)
    log_soft = (student.logits / temperature).log_softmax(dim=1)
    # Without class t, probabilities p_i / (1 - p_t) and log q_i - log(1 - q_t), for every t at once.
    others = soft.sum(dim=1, keepdim=True) - soft
    product = soft * log_soft
    left = (product.sum(dim=1, keepdim=True) - product) / others.clamp(min=1e-12)
    log_others = (1 - log_soft.exp()).clamp(min=1e-12).log()
    apart = -(batch.targets * (left - log_others)).sum(dim=1)
    return (batch.loss + target + weight * temperature**2 * apart).mean()
