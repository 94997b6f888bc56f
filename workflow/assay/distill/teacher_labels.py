"""Distillation by the teacher's labels alone, for images without labels of their own."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "teacher-labels",
    summary="Cross-entropy with the teacher's softened probabilities, on images that need no labels",
    paper="Chen et al. 2020, arXiv:2006.10029",
    options={
        "temperature": Option(1.0, "what logits are divided by", above=0),
        "alpha": Option(
            1.0, "weight of the teacher; labels, where there are any, have the rest", at_least=0, at_most=1
        ),
    },
    shapes="logits [B,K] twice, loss [B] -> scalar",
)
def teacher_labels(student: Output, teacher: Output, batch: Batch, *, temperature: float, alpha: float) -> Tensor:
    """`-alpha sum_i p_i(T) log q_i(T) + (1 - alpha) loss`, means over the batch, in nats (section 2.2).

    The last step of SimCLRv2: a large network, trained without labels and tuned on few, teaches a student (or itself
    anew) on all images. Unlike `kd` its gradient is not scaled by T^2. The key `images` beside the method says which
    images are seen; those without a label have the loss 0.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: holds the task's `loss` of each image, `[B]`.
        temperature: T.
        alpha: weight of the teacher.
    """
    p = (teacher.logits / temperature).softmax(dim=1)
    taught = -(p * (student.logits / temperature).log_softmax(dim=1)).sum(dim=1).mean()
    return alpha * taught + (1 - alpha) * batch.loss.mean()
