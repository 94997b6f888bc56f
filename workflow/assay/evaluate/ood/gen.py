"""Generalised entropy (Liu et al. 2023, CVPR, doi:10.1109/CVPR52729.2023.02293)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.probabilities import probabilities
from assay.study.registry import Option, method


@method(
    "detector",
    "gen",
    summary="a generalised entropy of the largest softmax probabilities",
    paper="Liu et al. 2023, doi:10.1109/CVPR52729.2023.02293",
    options={
        "gamma": Option(
            0.1, "exponent; the smaller, the more small probabilities count", above=0, below=1,
            grid=[0.01, 0.05, 0.1, 0.3, 0.5, 0.9],
        ),
        "classes": Option(100, "how many of the largest probabilities count; all where there are fewer", at_least=1),
    },
    shapes="logits [N,K] -> scores [N]",
)  # fmt: skip
class GeneralisedEntropy:
    """`s(x) = sum_(j <= M) p_(j)^gamma (1 - p_(j))^gamma` over the M largest probabilities (equations 3 and 4)."""

    def __init__(self, gamma: float, classes: int):
        self.gamma = gamma
        self.classes = classes

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing."""

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to scores float64 [N] of at least 0.

        Raises:
            UndefinedError: a row has no softmax.
        """
        found = probabilities(logits)
        likeliest = found.argmax(axis=1)[:, None]
        others = found.copy()
        np.put_along_axis(others, likeliest, 0.0, axis=1)
        # The largest is often so near to 1 that 1 - p would have no digits left; the sum of the others has.
        rest = 1 - found
        np.put_along_axis(rest, likeliest, others.sum(axis=1, keepdims=True), axis=1)
        terms = found * rest
        if self.classes < found.shape[1]:
            chosen = np.argpartition(found, -self.classes, axis=1)[:, -self.classes :]
            terms = np.take_along_axis(terms, chosen, axis=1)
        return np.asarray((terms**self.gamma).sum(axis=1))
