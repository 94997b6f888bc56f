"""Labels weighted by the teacher's confidence (CWTM)."""

from __future__ import annotations

from torch import Tensor

from assay import method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "cwtm",
    summary="Weight each image's own loss by how sure the teacher is, and tell nothing else of it",
    paper="Furlanello et al. 2018, arXiv:1805.04770",
    shapes="logits [B,K], loss [B] -> scalar",
    reads=["labels"],
)
def cwtm(student: Output, teacher: Output, batch: Batch) -> Tensor:  # noqa: ARG001
    """`sum_s w_s loss_s / sum_u w_u` with `w_s = max_i p_i` of the teacher (section 3).

    Confidence weighted by teacher max: what is left of distillation when the teacher only says which images count more.

    Args:
        student: not looked at.
        teacher: holds `logits` float32 `[B,K]`.
        batch: holds the task's `loss` of each image, `[B]`.
    """
    weight = teacher.logits.softmax(dim=1).amax(dim=1)
    return (weight * batch.loss).sum() / weight.sum()
