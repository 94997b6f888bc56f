"""Decoupled knowledge distillation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "dkd",
    summary="Match the probability of the label and those of the other classes, each with a weight of its own",
    paper="Zhao et al. 2022, arXiv:2203.08679",
    options={
        "temperature": Option(4.0, "what logits are divided by", above=0),
        "alpha": Option(1.0, "weight of the label against all other classes", at_least=0),
        "beta": Option(8.0, "weight of the other classes among themselves; the paper takes 1 to 10", at_least=0),
        "warmup": Option(20, "epochs over which the weight of both grows from 0", at_least=0),
    },
    shapes="logits [B,K] twice, loss [B], targets [B,K] -> scalar",
    reads=["labels"],
)
class Dkd:
    """`loss + w T^2 (alpha TCKD + beta NCKD)`, means over the batch, in nats (equation 7).

    With label t and softened probabilities p, the target part is `TCKD = KL(b_T || b_S)` of `b = [p_t, 1 - p_t]` and
    the other part `NCKD = KL(q_T || q_S)` of `q`, p over the other classes alone, with the sum 1. KD itself is
    `TCKD + (1 - p_t of the teacher) NCKD` (equation 6), so that it heeds the other classes the less, the surer the
    teacher is; here beta takes that place. The weight w grows in equal steps a epoch, as in the authors' code. Where an
    augmentation mixes labels, the one with the larger share counts as the label.
    """

    def __init__(self, *, temperature: float, alpha: float, beta: float, warmup: int):
        self.temperature, self.alpha, self.beta, self.warmup = temperature, alpha, beta, warmup
        self.weight = 1.0

    def epoch(self, number: int, of: int) -> None:  # noqa: ARG002
        """Set the weight for an epoch, counted from 0."""
        self.weight = min(1.0, number / self.warmup) if self.warmup else 1.0

    def __call__(self, student: Output, teacher: Output, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        label = batch.targets.argmax(dim=1)
        target, rest = self.parts(student.logits, teacher.logits, label)
        taught = self.alpha * target.mean() + self.beta * rest.mean()
        return batch.loss.mean() + self.weight * self.temperature**2 * taught

    def parts(self, student: Tensor, teacher: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """TCKD and NCKD `[B]` of logits `[B,K]` and labels int64 `[B]`."""
        own = F.one_hot(label, student.shape[1]).bool()
        log_p, log_q = (logits / self.temperature for logits in (teacher, student))
        binary = [torch.stack([_inside(z, own), _inside(z, ~own)], dim=1) for z in (log_p, log_q)]
        others = [z.masked_fill(own, -torch.inf).log_softmax(dim=1).masked_fill(own, 0.0) for z in (log_p, log_q)]
        target = (binary[0].exp() * (binary[0] - binary[1])).sum(dim=1)
        rest = (others[0].exp() * (others[0] - others[1])).sum(dim=1)
        return target, rest


def _inside(logits: Tensor, chosen: Tensor) -> Tensor:
    """The logarithm `[B]` of the probability that logits `[B,K]` give to the chosen classes together."""
    return logits.masked_fill(~chosen, -torch.inf).logsumexp(dim=1) - logits.logsumexp(dim=1)
