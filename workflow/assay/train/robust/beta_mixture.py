"""A mixture of two Beta distributions over losses, one for right labels and one for wrong ones."""

from __future__ import annotations

import numpy as np
import torch

#: Into how many parts the range of losses is cut where the posterior is looked up.
RESOLUTION = 100

#: Losses are kept this far from 0 and 1, where the density may be infinite.
_EDGE = 1e-4


class BetaMixture:
    """Fitted by expectation and maximisation (Arazo et al. 2019, arXiv:1904.11238, section 3.1).

    Attributes:
        alpha, beta, weight: float64 `[2]`; the second component is that of high losses.
    """

    def __init__(self) -> None:
        self.alpha, self.beta = np.array([1.0, 2.0]), np.array([2.0, 1.0])
        self.weight = np.array([0.5, 0.5])

    def fit(self, x: np.ndarray, steps: int = 10) -> BetaMixture:
        """Fit to values in 0..1, float64 `[N]`; the maximisation matches weighted moments, as the paper does.

        Values that are all alike have no such fit; then the parameters stay at their last good values.
        """
        x = x.clip(_EDGE, 1 - _EDGE)
        for _ in range(steps):
            joint = np.maximum(self._joint(x), 1e-12)
            share = joint / joint.sum(axis=0)
            mean = share @ x / share.sum(axis=1)
            variance = (share * (x - mean[:, None]) ** 2).sum(axis=1) / share.sum(axis=1)
            if (variance < 1e-12).any():
                break
            alpha = mean * (mean * (1 - mean) / variance - 1)
            if (alpha <= 0).any():
                break
            self.alpha, self.beta = alpha, alpha * (1 - mean) / mean
            self.weight = share.sum(axis=1) / len(x)
        return self

    def posterior(self, x: np.ndarray) -> np.ndarray:
        """Probability that values in 0..1 are of the second component, float64 `[N]`."""
        joint = self._joint(x.clip(_EDGE, 1 - _EDGE))
        made: np.ndarray = joint[1] / np.maximum(joint.sum(axis=0), 1e-12)
        return made

    def lookup(self) -> np.ndarray:
        """The posterior at `RESOLUTION` places from 0 to 1, held at its maximum beyond where that is.

        Beyond it the densities of both components vanish, and their ratio would say that the highest losses are right.
        """
        table = self.posterior(np.linspace(0, 1, RESOLUTION))
        table[table.argmax() :] = table.max()
        return table

    def _joint(self, x: np.ndarray) -> np.ndarray:
        """Weight times density of both components, `[2,N]`."""
        a, b = torch.from_numpy(self.alpha), torch.from_numpy(self.beta)
        constant = (torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)).numpy()
        log_density = np.outer(self.alpha - 1, np.log(x)) + np.outer(self.beta - 1, np.log1p(-x)) + constant[:, None]
        return self.weight[:, None] * np.exp(log_density)
