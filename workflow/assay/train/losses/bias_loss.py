"""Bias loss."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from assay import Option, method


@method(
    "loss",
    "bias-loss",
    summary="Cross-entropy that weighs more where an image's features vary more",
    paper="Abrahamyan et al. 2021, arXiv:2107.11170, section 3.2",
    options={
        "alpha": Option(0.3, "how fast the weight grows with the variance", at_least=0),
        "beta": Option(0.3, "what is taken off the weight; with alpha 0, 0 is cross-entropy", at_least=0, at_most=1),
    },
    reads=["features"],
    shapes="logits [B,K], targets [B,K], features [B,D] -> [B]",
)
class BiasLoss:
    """`z CE` in nats with `z = exp(alpha v) - beta`, v the variance of the features, from 0 to 1 within the batch.

    The variance of one image is over its D features, unbiased; `v = (var - min) / (max - min)` over the batch. No
    gradient goes through the weight. The paper unrolls the last feature map before it is pooled; here it is what the
    head reads, since that is what every architecture has.
    """

    features = True

    def __init__(self, *, alpha: float, beta: float):
        self.alpha = alpha
        self.beta = beta

    def __call__(self, logits: Tensor, targets: Tensor, counts: Tensor, features: Tensor) -> Tensor:  # noqa: ARG002
        """The loss of each sample.

        Args:
            logits: float32 `[B,K]`.
            targets: float32 `[B,K]`, rows that sum to 1.
            counts: int64 `[K]`; not used here.
            features: float32 `[B,D]`; one feature, or a batch whose images vary alike, counts as variance 0.
        """
        variance = features.detach().var(dim=1, correction=min(1, features.shape[1] - 1))
        low, high = variance.aminmax()
        scaled = (variance - low) / (high - low).clamp_min(1e-12)
        return ((self.alpha * scaled).exp() - self.beta) * F.cross_entropy(logits, targets, reduction="none")
