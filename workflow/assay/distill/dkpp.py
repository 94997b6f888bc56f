"""Dark knowledge with permuted predictions (DKPP)."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "dkpp",
    summary="Match the teacher's largest probability, and the others in random order",
    paper="Furlanello et al. 2018, arXiv:1805.04770",
    shapes="logits [B,K] twice -> scalar",
)
def dkpp(student: Output, teacher: Output, batch: Batch) -> Tensor:
    """`-sum_i phi(p)_i log q_i`, the mean over the batch, in nats (section 3).

    phi leaves the largest probability of the teacher where it is and permutes the others, anew each time an image is
    drawn. So the teacher tells how sure it is and nothing of which other classes are alike: what is left of its gain is
    not dark knowledge. Labels play no part.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: has the random numbers.
    """
    p = permuted(teacher.logits.softmax(dim=1), batch.draw.uniform(teacher.logits.shape[1]))
    return -(p * student.logits.log_softmax(dim=1)).sum(dim=1).mean()


def permuted(p: Tensor, uniform: Tensor) -> Tensor:
    """Probabilities `[B,K]` of which all but the largest change places, in the order of random numbers `[B,K]`."""
    largest = p.argmax(dim=1, keepdim=True)
    # The largest comes first both times, so it is put where it was.
    places = uniform.scatter(1, largest, -1.0).argsort(dim=1, stable=True)
    others = torch.zeros_like(p).scatter(1, largest, -1.0).argsort(dim=1, stable=True)
    return torch.empty_like(p).scatter(1, places, p.gather(1, others))
