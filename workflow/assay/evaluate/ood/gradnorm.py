"""GradNorm (Huang et al. 2021, arXiv:2110.00218)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.ood.features import check_features
from assay.evaluate.probabilities import probabilities
from assay.study.registry import Option, method


@method(
    "detector",
    "gradnorm",
    summary="the L1 norm of the last layer's gradient of the divergence from a uniform softmax, negated",
    paper="Huang et al. 2021, arXiv:2110.00218",
    options={"temperature": Option(1.0, "T of the softmax; the paper uses 1", above=0)},
    shapes="features [N,D], logits [N,K] -> scores [N]",
)
class GradNorm:
    """`s(x) = -|| d KL(u || softmax(z / T)) / dW ||_1` for the weights W of the last layer (equations 3 and 5).

    With `z = W f + b` the gradient is the outer product of `(softmax(z / T) - 1/K) / T` and f, so that its norm is
    `sum_k |p_k - 1/K| * sum_d |f_d| / T` (section 5): no backward pass is needed.
    """

    def __init__(self, temperature: float):
        self.temperature = temperature

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing.

        Raises:
            MethodError: no features.
            UndefinedError: no images, or features that are not finite.
        """
        check_features("gradnorm", features)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] and logits [N,K] to scores float64 [N] of at most 0.

        Raises:
            UndefinedError: a row has no softmax.
        """
        found = probabilities(np.asarray(logits, np.float64) / self.temperature)
        certain = np.abs(found - 1 / found.shape[1]).sum(axis=1)
        size = np.abs(features).sum(axis=1, dtype=np.float64)
        return -certain * size / self.temperature
