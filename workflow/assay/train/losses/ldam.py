"""Label-distribution-aware margins."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.train.losses.weights import effective_number


@method(
    "loss",
    "ldam",
    summary="Cross-entropy with a margin that is wider for rare classes, which later weigh more too",
    paper="Cao et al. 2019, arXiv:1906.07413 (DRW)",
    options={
        "max-margin": Option(0.5, "margin of the rarest class", at_least=0),
        "scale": Option(1.0, "what logits are multiplied by once the margin is taken off", above=0),
        "defer": Option(
            0.8, "share of the epochs before rare classes weigh more; 1 leaves that out", at_least=0, at_most=1
        ),
        "beta": Option(0.9999, "of the effective number that weights are inverse to", at_least=0, below=1),
    },
    shapes="logits [B,K], targets [B,K] -> [B]",
)
class Ldam:
    """`-w_y log softmax(s (z - m_y e_y))_y` in nats, with `m_j` proportional to `n_j^(-1/4)` and w as `class-weighted`.

    The paper puts it on logits that are cosines of normalised features and weights, times `s = 30`. Here logits are
    those of a linear head, which are larger already, so the scale is 1 unless the config says more.

    A soft target takes the margin of each class in its share.
    """

    def __init__(self, *, max_margin: float, scale: float, defer: float, beta: float):
        self.max_margin = max_margin
        self.scale = scale
        self.defer = defer
        self.beta = beta
        self.weighs = defer == 0

    def epoch(self, number: int, of: int) -> None:
        """Epoch `number`, counted from 0, of `of` begins."""
        self.weighs = number >= self.defer * of

    def __call__(self, logits: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
        """The loss of each sample.

        Args:
            logits: z, float32 `[B,K]`.
            targets: float32 `[B,K]`, rows that sum to 1.
            counts: n, int64 `[K]`, train images of each class; one without any counts as having one.
        """
        margins = counts.clamp_min(1) ** -0.25
        margins = margins * (self.max_margin / margins.max())
        loss = F.cross_entropy(self.scale * (logits - targets * margins), targets, reduction="none")
        if not self.weighs:
            return loss
        return loss * (targets @ effective_number(counts, self.beta))
