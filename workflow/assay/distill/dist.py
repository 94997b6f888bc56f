"""Distillation from a stronger teacher (DIST)."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "dist",
    summary="Correlate with the teacher's probabilities, within each image and within each class",
    paper="Huang et al. 2022, arXiv:2205.10536",
    options={
        "temperature": Option(
            4.0, "what logits are divided by; 4 on CIFAR-100 and 1 on ImageNet in the paper", above=0
        ),
        "inter": Option(2.0, "weight of the relation between the classes of an image", at_least=0),
        "intra": Option(2.0, "weight of the relation between the images of a batch in a class", at_least=0),
    },
    shapes="logits [B,K] twice, loss [B] -> scalar",
)
def dist(student: Output, teacher: Output, batch: Batch, *, temperature: float, inter: float, intra: float) -> Tensor:
    """`loss + inter T^2 (1 - r(rows)) + intra T^2 (1 - r(columns))` (section 3).

    r is Pearson's correlation of softened probabilities `[B,K]` of student and teacher, its mean over the images (rows)
    or over the classes (columns). A student need not match the probabilities of a teacher much stronger than itself,
    only their order and relative size. T^2 as in the authors' code.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: holds the task's `loss` of each image, `[B]`.
        temperature: T.
        inter, intra: weights of the two relations.
    """
    q, p = ((each.logits / temperature).softmax(dim=1) for each in (student, teacher))
    taught = inter * (1 - correlation(q, p).mean()) + intra * (1 - correlation(q.T, p.T).mean())
    return batch.loss.mean() + temperature**2 * taught


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation `[N]` of the rows of two `[N,M]`; 0 where a row is constant."""
    a, b = a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True)
    return (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1) + 1e-8)
