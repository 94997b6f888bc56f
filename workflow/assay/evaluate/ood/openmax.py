"""OpenMax (Bendale & Boult 2016, arXiv:1511.06233)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from assay.evaluate.result import UndefinedError
from assay.study.registry import Option, method

#: libMR, which the paper uses, moves distances by so much before it fits, so that none is near 0.
SHIFT = 10_000.0


@method(
    "detector",
    "openmax",
    summary="the probability of an unknown class, from distances to the classes' mean logits",
    paper="Bendale & Boult 2016, arXiv:1511.06233",
    options={
        "tail": Option(
            20, "largest distances of each class that its Weibull distribution is fitted to; the paper uses 20",
            at_least=2, grid=[10, 20, 30, 40, 50],
        ),
        "alpha": Option(
            10, "how many of the largest logits are revised; the paper uses 10", at_least=1, grid=[1, 3, 5, 10, 15, 20],
        ),
    },
    shapes="logits [N,K] -> scores [N]",
)  # fmt: skip
class OpenMax:
    """The softmax of the logits revised by algorithm 2, at the class that stands for all unknown ones.

    For each class, the distances of its rightly classified train images to their mean logits have a Weibull tail with
    the cumulative distribution `F_k`. The i-th largest logit `z_k` (i = 1..alpha) becomes
    `z_k (1 - w_k)` with `w_k = F_k(|z - m_k|) (alpha + 1 - i) / alpha`, and the unknown class gets `sum_k z_k w_k`.
    The rank counts as in the authors' code (the paper has `alpha - i`). Distances are Euclidean. A class without a
    rightly classified train image is far from everything: its `F_k` is 1.
    """

    def __init__(self, tail: int, alpha: int):
        self.tail = tail
        self.alpha = alpha

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Means and tails from the logits [N,K] and labels int64 [N] of train images.

        Raises:
            UndefinedError: no images, or logits that are not finite.
        """
        logits = np.asarray(logits, np.float64)
        if len(logits) == 0 or not np.isfinite(logits).all():
            raise UndefinedError("openmax needs train images whose logits are finite")
        right = logits.argmax(axis=1) == labels
        self.tails_: dict[int, tuple[np.ndarray, Tail]] = {}
        for k in np.unique(labels[right]):
            own = logits[right & (labels == k)]
            mean = own.mean(axis=0)
            self.tails_[int(k)] = mean, Tail(np.linalg.norm(own - mean, axis=1), self.tail)

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to scores float64 [N] in 0..1; NaN where a logit is not finite."""
        logits = np.asarray(logits, np.float64)
        count = logits.shape[1]
        revised = min(self.alpha, count)
        far = np.ones(logits.shape)
        for k, (mean, tail) in self.tails_.items():
            far[:, k] = tail.below(np.linalg.norm(logits - mean, axis=1))
        ranks = np.argsort(np.argsort(-logits, axis=1, kind="stable"), axis=1)
        weights = far * np.maximum(0.0, (revised - ranks) / revised)
        with np.errstate(invalid="ignore"):
            unknown = (logits * weights).sum(axis=1, keepdims=True)
            found: np.ndarray = softmax(np.concatenate([unknown, logits * (1 - weights)], axis=1), axis=1)[:, 0]
        found[~np.isfinite(logits).all(axis=1)] = np.nan
        return found


class Tail:
    """The Weibull distribution of the largest of some distances, by maximum likelihood.

    `x = d - min + 10000` is distributed as `F(x) = 1 - exp(-(x / l)^c)`, with min the least of the `count` largest
    distances (all, if there are fewer). The likelihood is at its highest where
    `sum x^c log x / sum x^c - 1 / c = mean log x`, and `l^c = mean x^c`. Logarithms are of x by its largest value,
    which changes neither equation and overflows nowhere. Distances that are all equal have no such c; F is then a step
    behind them.
    """

    def __init__(self, distances: np.ndarray, count: int):
        tail = np.sort(distances)[-count:]
        self.least, self.most = float(tail[0]), float(tail[-1])
        self.shape: float | None = None
        logs = self._logs(tail)
        if not logs.min() < -1e-15:
            return

        def slope(exponent: float) -> float:
            """Of the negated log-likelihood by the logarithm of c; it rises with c."""
            c = np.exp(exponent)
            powers = np.exp(c * logs)
            return float(c * ((powers @ logs) / powers.sum() - logs.mean()) - 1)

        self.shape = float(np.exp(brentq(slope, -10.0, np.log(1e3 / -logs.min()) + 10, xtol=1e-13)))
        self.scale = float(np.exp(self.shape * logs).mean())

    def below(self, distances: np.ndarray) -> np.ndarray:
        """F at distances [N], float64 [N]."""
        if self.shape is None:
            return (distances > self.most).astype(np.float64)
        with np.errstate(over="ignore"):
            return np.asarray(-np.expm1(-np.exp(self.shape * self._logs(distances)) / self.scale))

    def _logs(self, distances: np.ndarray) -> np.ndarray:
        # Below 10000 under the tail there is nothing left: F is 0 there.
        largest = self.most - self.least + SHIFT
        return np.asarray(np.log1p(np.maximum((distances - self.most) / largest, -1 + 1e-15)))
