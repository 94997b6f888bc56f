"""Knowledge distillation."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output
from assay.distill.soft import divergence


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
def kd(student: Output, teacher: Output, batch: Batch, *, temperature: float, alpha: float) -> Tensor:
    """`alpha T^2 KL(softmax(teacher / T) || softmax(student / T)) + (1 - alpha) loss`, means over the batch, in nats.

    With `alpha: 1` labels play no part, as on images that have none.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: holds the task's `loss` of each image, `[B]`.
        temperature: T.
        alpha: weight of the teacher.
    """
    taught = divergence(student.logits, teacher.logits, temperature).mean()
    return alpha * taught + (1 - alpha) * batch.loss.mean()
