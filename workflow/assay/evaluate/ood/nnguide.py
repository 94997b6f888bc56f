"""NNGuide (Park et al. 2023, arXiv:2309.14888)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

from assay.errors import MethodError
from assay.evaluate.ood.features import check_features
from assay.evaluate.ood.nearest import largest_products, unit
from assay.evaluate.result import UndefinedError
from assay.study.registry import Option, method


@method(
    "detector",
    "nnguide",
    summary="the energy of the logits, guided by cosines with the nearest train images",
    paper="Park et al. 2023, arXiv:2309.14888",
    options={
        "k": Option(10, "nearest train images; the paper uses 10", at_least=1, grid=[1, 5, 10, 20, 50, 100]),
        "bank": Option(
            12_812, "train images that are compared with, evenly spaced in the split; the paper takes 1% of ImageNet's",
            at_least=1,
        ),
    },
    shapes="features [N,D], logits [N,K] -> scores [N]",
)  # fmt: skip
class NearestNeighbourGuidance:
    """`s(x) = -E(x) mean_(i in top k) E(x_i) cos(f(x), f(x_i))`, with `E = log sum_k exp(z_k)`, over a bank of `x_i`.

    The top k are those of `E(x_i) cos(f(x), f(x_i))` (equations 3 to 5).
    """

    def __init__(self, k: int, bank: int):
        self.k = k
        self.bank = bank

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Keep the features [N,D] of a part of the train images, and the energies of their logits [N,K].

        Raises:
            MethodError: no features, or fewer than k images in the bank.
            UndefinedError: no images, or features or logits that are not finite.
        """
        check_features("nnguide", features)
        count = min(self.bank, len(features))
        if count < self.k:
            raise MethodError(f"nnguide has k = {self.k}, but its bank holds {count} train images")
        chosen = np.arange(count) * len(features) // count
        energies = logsumexp(np.asarray(logits[chosen], np.float64), axis=1)
        if not np.isfinite(energies).all():
            raise UndefinedError("nnguide needs train images whose logits are finite")
        self.bank_ = unit(features[chosen]) * np.asarray(energies, np.float32)[:, None]

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] and logits [N,K] to scores float64 [N]; NaN where a feature is not finite."""
        values, _ = largest_products(unit(features), self.bank_, self.k, lambda block, _: block)
        energies = logsumexp(np.asarray(logits, np.float64), axis=1)
        return np.asarray(-energies * values.mean(axis=1, dtype=np.float64))
