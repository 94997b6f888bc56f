"""Cohen's kappa, plain and weighted (Cohen 1960, 1968, doi:10.1037/h0026256)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError

#: How much a confusion of class i with class j counts, by the distance of their numbers.
POWERS = {"none": 0, "linear": 1, "quadratic": 2}


def kappa(confusion: np.ndarray, weights: str = "none") -> float:
    """`1 - sum w_ij n_ij / sum w_ij e_ij`, from the confusion matrix int [K,K].

    e is what chance would give with the same counts of true and predicted classes. `w_ij` is `[i != j]`, `|i - j|` or
    `(i - j)^2`; the last two are for classes that stand in an order, that of their numbers.

    Raises:
        UndefinedError: no images, or all of one class and predicted as it.
    """
    counts = confusion.astype(np.float64)
    total = counts.sum()
    if total == 0:
        raise UndefinedError("there are no images")
    number = np.arange(len(counts))
    distance = np.abs(number[:, None] - number)
    weight = (distance > 0).astype(np.float64) if weights == "none" else distance.astype(np.float64) ** POWERS[weights]
    chance = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    expected = float((weight * chance).sum())
    if expected == 0:
        raise UndefinedError("all images are of one class and predicted as it, so nothing is left to chance")
    return float(1 - (weight * counts).sum() / expected)
