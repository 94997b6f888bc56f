"""Defer by the distance to what right predictions of the class look like.

"When to Accept Automated Predictions and When to Defer to Human Judgment?" (Sikar et al. 2024).
"""

from __future__ import annotations

import numpy as np

from assay.errors import MethodError
from assay.evaluate.probabilities import probabilities
from assay.study.registry import method


@method(
    "defer",
    "softmax-centroid",
    summary="confidence is nearness of the probabilities to the mean of the class's right predictions",
    paper="Sikar et al. 2024, When to Accept Automated Predictions and When to Defer to Human Judgment?",
    shapes="logits [N,K] -> confidence [N]",
)
class SoftmaxCentroid:
    """`-||p - c_k||`, k the predicted class and c_k the mean of p over validation images rightly predicted as k.

    The paper sets a threshold for each class; here one ranking holds for all, as for every other rule.

    The centroid of a class without any is its corner of the simplex. `note_` names how many there are.
    """

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> None:
        """Find the centroids float64 [K,K] on logits [N,K] and labels int64 [N] of the validation split.

        Raises:
            MethodError: no validation images.
        """
        if len(logits) == 0:
            raise MethodError("softmax-centroid needs validation images; the validation split is empty")
        given = probabilities(logits)
        predicted = given.argmax(axis=1)
        self.centroids_ = np.eye(given.shape[1])
        without = 0
        for number in range(given.shape[1]):
            right = (predicted == number) & (labels == number)
            if right.any():
                self.centroids_[number] = given[right].mean(axis=0)
            else:
                without += 1
        self.note_ = f"{without} classes have no right prediction on val; their corner stands in" if without else None

    def confidence(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to confidences float64 [N].

        Raises:
            UndefinedError: a row has no softmax.
        """
        given = probabilities(logits)
        result: np.ndarray = -np.linalg.norm(given - self.centroids_[given.argmax(axis=1)], axis=1)
        return result
