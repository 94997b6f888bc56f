"""Progressively balanced sampling."""

from __future__ import annotations

import numpy as np

from assay import method


@method(
    "rebalance",
    "progressive",
    summary="Draw images alike at first and classes alike at last, moving evenly from one to the other",
    paper="Kang et al. 2020, arXiv:1910.09217, eq. 2",
    shapes="labels [N] -> indices [N]",
)
class Progressive:
    """A draw has class j with probability `(1 - t/T) n_j / N + (t/T) / K`, and images of a class are alike.

    t is the epoch and T the last one, both counted from 0, so that the last epoch is class-balanced.
    """

    def __init__(self) -> None:
        self.progress = 0.0

    def epoch(self, number: int, of: int) -> None:
        """Epoch `number`, counted from 0, of `of` begins."""
        self.progress = number / max(1, of - 1)

    def __call__(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The images of an epoch, drawn with replacement.

        Args:
            labels: int64 `[N]`.
            rng: of this epoch.
        """
        _, members, counts = np.unique(labels, return_inverse=True, return_counts=True)
        share = (1 - self.progress) * counts / len(labels) + self.progress / len(counts)
        weight = (share / counts)[members]
        return rng.choice(len(labels), len(labels), p=weight / weight.sum())
