"""Conformal sets under label shift (Podkopaev & Ramdas 2021, arXiv:2103.03323)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.conformal.scores import SCORES, of_labels
from assay.evaluate.result import UndefinedError
from assay.study.registry import Option, method


@method(
    "conformal",
    "label-shift",
    summary="validation images weighted by how much more frequent their class is at test, told from unlabelled images",
    paper="Podkopaev & Ramdas 2021, arXiv:2103.03323",
    options={"score": Option("lac", "the score of a class: that of `lac` or `aps`", choices=["lac", "aps"])},
    shapes="probabilities [N,K] -> sets bool [N,K]",
)
class LabelShift:
    """The set holds class k when its score is at most the weighted quantile of the validation scores.

    Image i has the weight `w(y_i)` and the test image `w(k)` at infinity, with `w` the ratio of the class's shares at
    test and in validation (equation 9). The weights are estimated without a test label, by black-box shift estimation
    (Lipton et al. 2018, arXiv:1802.03916): `w = C^-1 m`, C the shares of validation images by prediction and class, m
    the shares of test images by prediction; negative weights become 0. The promise holds as far as the weights do. With
    equal weights the set is that of the plain score.

    Attributes:
        weights_: float64 [K], estimated when sets are made.
    """

    def __init__(self, score: str):
        self.score = SCORES[score]

    def fit(self, probabilities: np.ndarray, labels: np.ndarray, alpha: float, draws: np.ndarray) -> None:
        """Keep scores, labels and the confusion of the validation split: probabilities [N,K] and labels int64 [N]."""
        classes = probabilities.shape[1]
        cells = probabilities.argmax(axis=1) * classes + labels
        self.joint_ = np.bincount(cells, minlength=classes**2).reshape(classes, classes) / max(1, len(labels))
        self.scores_, self.labels_, self.alpha = of_labels(self.score(probabilities, draws), labels), labels, alpha

    def sets(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Probabilities [N,K], with draws [N] in [0, 1), to sets bool [N,K].

        Raises:
            UndefinedError: the confusion of the validation split cannot be inverted.
        """
        self.weights_ = shift_weights(self.joint_, probabilities)
        thresholds = weighted_quantiles(self.scores_, self.weights_[self.labels_], self.weights_, self.alpha)
        held: np.ndarray = self.score(probabilities, draws) <= thresholds
        return held


def shift_weights(joint: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """How many times more frequent each class is at test, float64 [K].

    Args:
        joint: float64 [K,K], shares of validation images by predicted (row) and true class (column).
        probabilities: float64 [N,K] of the test images.

    Raises:
        UndefinedError: `joint` has no inverse, as where a class has no validation images or is never predicted.
    """
    classes = len(joint)
    if len(probabilities) == 0:
        raise UndefinedError("there are no images")
    if np.linalg.matrix_rank(joint) < classes:
        raise UndefinedError("the shift cannot be told: the confusion matrix of the validation split has no inverse")
    predicted = np.bincount(probabilities.argmax(axis=1), minlength=classes) / len(probabilities)
    weights: np.ndarray = np.maximum(0.0, np.linalg.solve(joint, predicted))
    return weights


def weighted_quantiles(scores: np.ndarray, weights: np.ndarray, own: np.ndarray, alpha: float) -> np.ndarray:
    """For each test weight in `own` [K] the smallest score with at least `1 - alpha` of the weight up to it, [K].

    `scores` and `weights` [N] are those of the validation images; `own` lies at infinity, which is the answer where the
    validation images alone do not reach.
    """
    order = np.argsort(scores, kind="stable")
    reached, total = np.cumsum(weights[order]), weights.sum() + own
    needed = (1 - alpha) * total
    at = np.searchsorted(reached, needed - 1e-9 * np.maximum(1.0, total), side="left")
    return np.append(scores[order], np.inf)[at]
