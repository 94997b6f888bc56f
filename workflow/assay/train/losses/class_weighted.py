"""Cross-entropy weighted by class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.train.losses.weights import effective_number, inverse


@method(
    "loss",
    "class-weighted",
    summary="Cross-entropy in which rare classes weigh more",
    paper="Cui et al. 2019, arXiv:1901.05555; deferred: Cao et al. 2019, arXiv:1906.07413",
    options={
        "by": Option(
            "effective-number",
            "what the weights are inverse to: the classes' counts or their effective numbers",
            choices=["inverse", "effective-number"],
        ),
        "beta": Option(0.9999, "of the effective number; 0 weighs all alike, towards 1 inverse", at_least=0, below=1),
        "defer": Option(0.0, "share of the epochs that go by before the weights begin", at_least=0, at_most=1),
    },
    shapes="logits [B,K], targets [B,K] -> [B]",
)
class ClassWeighted:
    """`-sum_k w_k t_k log p_k` in nats, with weights whose mean over the classes is 1.

    With `defer` it is plain cross-entropy until that share of the epochs is over: deferred re-weighting.
    """

    def __init__(self, *, by: str, beta: float, defer: float):
        self.by = by
        self.beta = beta
        self.defer = defer
        self.weighs = defer == 0

    def epoch(self, number: int, of: int) -> None:
        """Epoch `number`, counted from 0, of `of` begins."""
        self.weighs = number >= self.defer * of

    def __call__(self, logits: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
        """The loss of each sample.

        Args:
            logits: float32 `[B,K]`.
            targets: float32 `[B,K]`, rows that sum to 1.
            counts: int64 `[K]`, train images of each class.
        """
        if not self.weighs:
            weight = torch.ones_like(logits[0])
        else:
            weight = inverse(counts) if self.by == "inverse" else effective_number(counts, self.beta)
        return -(weight * targets * F.log_softmax(logits, dim=1)).sum(dim=1)
