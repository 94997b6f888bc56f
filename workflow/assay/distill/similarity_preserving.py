"""Similarity-preserving knowledge distillation."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "similarity-preserving",
    summary="Make pairs of images as alike or unlike as they are to the teacher",
    paper="Tung and Mori 2019, arXiv:1907.09682",
    options={"weight": Option(3000.0, "weight beside the task's loss", at_least=0)},
    shapes="maps [B,C,h,w] each, loss [B] -> scalar",
    reads=["maps"],
)
def similarity_preserving(student: Output, teacher: Output, batch: Batch, *, weight: float) -> Tensor:
    """`loss + weight |G_T - G_S|_F^2 / B^2` with `G = rows of (A A^T) of norm 1` (section 3).

    A `[B,Chw]` is the last feature map of each network, in which the paper compares the last layer of convolutions. Any
    rotation of A leaves G as it is, and the two networks may differ in channels and size of the map.

    Args:
        student, teacher: hold `maps`.
        batch: holds the task's `loss` of each image, `[B]`.
        weight: gamma; 3000 in the paper.
    """
    difference = similarities(teacher.maps[-1].flatten(1)) - similarities(student.maps[-1].flatten(1))
    return batch.loss.mean() + weight * difference.square().mean()


def similarities(activations: Tensor) -> Tensor:
    """Similarity of each image to each, `[B,B]`, of activations `[B,M]`; each row has the norm 1."""
    return F.normalize(activations @ activations.T, dim=1)
