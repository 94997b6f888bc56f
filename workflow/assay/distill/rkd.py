"""Relational knowledge distillation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "rkd",
    summary="Match distances between the features of pairs of images, and angles of triples",
    paper="Park et al. 2019, arXiv:1904.05068",
    options={
        "distance": Option(25.0, "weight of the distances", at_least=0),
        "angle": Option(50.0, "weight of the angles", at_least=0),
    },
    shapes="features [B,D] and [B,E], loss [B] -> scalar",
)
def rkd(student: Output, teacher: Output, batch: Batch, *, distance: float, angle: float) -> Tensor:
    """`loss + distance L_D + angle L_A` (section 3).

    `L_D` is the mean over pairs (i,j) of Huber's loss between `|f_i - f_j| / mu` of both networks, where mu is the mean
    distance in the batch; `L_A` the mean over triples of that between `cos(angle ijk)`. Both are 0 where the student's
    features are those of the teacher moved, turned or scaled. Means are over all B^2 pairs and B^3 triples, as in the
    authors' code, whose memory thus grows with the third power of the batch. Weights are those of Tian et al. 2020
    (arXiv:1910.10699), in whose experiments on small images this is compared.

    Args:
        student, teacher: hold `features` float32 `[B,D]` and `[B,E]`.
        batch: holds the task's `loss` of each image, `[B]`.
        distance, angle: see the options.
    """
    total = batch.loss.mean()
    if distance:
        total = total + distance * F.smooth_l1_loss(distances(student.features), distances(teacher.features))
    if angle:
        total = total + angle * F.smooth_l1_loss(angles(student.features), angles(teacher.features))
    return total


def distances(features: Tensor) -> Tensor:
    """Euclidean distances `[B,B]` of features `[B,D]`, divided by the mean of those that are not 0."""
    squares = features.square().sum(dim=1)
    between = (squares[:, None] + squares - 2 * features @ features.T).clamp_min(1e-12)
    off = ~torch.eye(len(features), dtype=torch.bool, device=features.device)
    # The root of 0 has no slope, so the diagonal is left out before it is taken.
    found = torch.where(off, between, 1.0).sqrt() * off
    return found / found[off].mean().clamp_min(1e-12) if len(features) > 1 else found


def angles(features: Tensor) -> Tensor:
    """`cos(angle jik)` at [i,j,k], `[B,B,B]`, of features `[B,D]`; 0 where two of three coincide."""
    sides = F.normalize(features[None] - features[:, None], dim=2)
    return sides @ sides.transpose(1, 2)
