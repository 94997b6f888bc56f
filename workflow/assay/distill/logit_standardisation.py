"""Knowledge distillation on standardised logits."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output
from assay.distill.soft import divergence


@method(
    "distill",
    "logit-standardisation",
    summary="Match the teacher's probabilities after bringing the logits of both to mean 0 and deviation 1",
    paper="Sun et al. 2024, arXiv:2403.01427",
    options={
        "temperature": Option(2.0, "what standardised logits are divided by; the paper's base temperature", above=0),
        "weight": Option(9.0, "weight of the teacher beside the task's loss", at_least=0),
        "task": Option(0.1, "weight of the task's loss", at_least=0),
    },
    shapes="logits [B,K] twice, loss [B] -> scalar",
)
def logit_standardisation(
    student: Output, teacher: Output, batch: Batch, *, temperature: float, weight: float, task: float
) -> Tensor:
    """`weight T^2 KL(softmax(Z(teacher) / T) || softmax(Z(student) / T)) + task loss`, means over the batch, in nats.

    `Z(z) = (z - mean z) / sd z` over the classes of each image (algorithm 1), so that the student need not reach the
    teacher's scale of logits, only their relations. The deviation is taken with K - 1, and 1e-7 is added to it, as in
    the authors' code; weights are those that it uses for KD.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: holds the task's `loss` of each image, `[B]`.
        temperature: T.
        weight, task: see the options.
    """
    taught = divergence(standardised(student.logits), standardised(teacher.logits), temperature).mean()
    return weight * taught + task * batch.loss.mean()


def standardised(logits: Tensor) -> Tensor:
    """Logits `[B,K]` with mean 0 and standard deviation 1 in each row."""
    return (logits - logits.mean(dim=1, keepdim=True)) / (logits.std(dim=1, keepdim=True) + 1e-7)
