"""Weighted soft labels."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output
from assay.distill.soft import divergence


@method(
    "distill",
    "wsld",
    summary="Listen to the teacher the less, the better the student already knows an image compared with it",
    paper="Zhou et al. 2021, arXiv:2102.00650",
    options={
        "temperature": Option(2.0, "what logits are divided by", above=0),
        "weight": Option(2.5, "weight of the teacher beside the task's loss", at_least=0),
    },
    shapes="logits [B,K] twice, targets [B,K], loss [B] -> scalar",
    reads=["labels"],
)
def wsld(student: Output, teacher: Output, batch: Batch, *, temperature: float, weight: float) -> Tensor:
    """`loss + weight T^2 (1 - exp(-c_S / c_T)) KL(softmax(teacher / T) || softmax(student / T))`, means over the batch.

    c is the cross-entropy of an image's label at temperature 1 under each network, in nats, through which no gradient
    runs. Where the student is much surer of the label than the teacher, soft labels add more bias than they take away
    variance, and the weight goes to 0.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: holds `targets` `[B,K]` and the task's `loss` of each image, `[B]`.
        temperature: T.
        weight: see the options.
    """
    own, its = (-(batch.targets * each.logits.detach().log_softmax(dim=1)).sum(dim=1) for each in (student, teacher))
    listening = 1 - (-own / its.clamp_min(1e-7)).exp()
    taught = divergence(student.logits, teacher.logits, temperature)
    return batch.loss.mean() + weight * (listening * taught).mean()
