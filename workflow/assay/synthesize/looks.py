"""What a judge sees in images: a trained network of the study, or the pixels themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

#: Images uint8 [N,H,W,C] -> logits float32 [N,K] and features float32 [N,D] of a trained network.
Judge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass
class Looks:
    """What was seen in some images.

    Attributes:
        features: float32 [N,D], of the network, or pixels in 0..1.
        probabilities: float64 [N,K] of the network; None where there is none.
    """

    features: np.ndarray
    probabilities: np.ndarray | None


def look(images: np.ndarray, judge: Judge | None) -> Looks:
    """Look at images uint8 [N,H,W,C]."""
    if judge is None:
        return Looks(pixels(images), None)
    logits, features = judge(images)
    shifted = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return Looks(features, shifted / shifted.sum(1, keepdims=True))


def pixels(images: np.ndarray) -> np.ndarray:
    """Pixels in 0..1, float32 [N,D]."""
    images = np.asarray(images)
    return images.reshape(len(images), int(np.prod(images.shape[1:]))).astype(np.float32) / 255


def linear(images: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray] | None:
    """Classes int64 [N] of images by a logistic regression on the pixels of others; None for fewer than two classes.

    Classes weigh the same, or it would know the frequent ones alone.
    """
    if len(np.unique(labels)) < 2:
        return None
    model = LogisticRegression(class_weight="balanced", max_iter=300).fit(pixels(images), labels)
    return lambda others: model.predict(pixels(others))
