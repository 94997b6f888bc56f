"""Cluster-conditional conformal sets (Ding et al. 2023, arXiv:2306.09335)."""

from __future__ import annotations

import math

import numpy as np

from assay.evaluate.conformal.quantile import conformal_quantile
from assay.evaluate.conformal.scores import SCORES, of_labels
from assay.study.registry import Option, method

#: Levels at which the scores of a class are summed up; 1 - alpha joins them (section 2.2).
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)


@method(
    "conformal",
    "clustered",
    summary="classes whose scores are alike share a threshold: between one for all and one for each class",
    paper="Ding et al. 2023, arXiv:2306.09335",
    options={
        "score": Option("lac", "the score of a class: that of `lac` or `aps`", choices=["lac", "aps"]),
        "clusters": Option(
            None, "M; by default the paper's rule, from the images of the smallest class", type=int, at_least=1,
            optional=True,
        ),
        "share": Option(
            None, "gamma, share of the validation split that the clusters are found on; by default the paper's rule",
            type=float, above=0, below=1, optional=True,
        ),
    },
    shapes="probabilities [N,K] -> sets bool [N,K]",
)  # fmt: skip
class Clustered:
    """Part of the validation split sorts the classes into clusters, the rest gives each cluster its threshold.

    A class is described by the quantiles of its scores at 0.5, 0.6, ..., 0.9 and 1 - alpha, and k-means sorts these,
    weighted by the square root of the class's images. By the paper's rule (section 2.3), with n the images of the
    smallest class, at least 1/alpha - 1, and K classes: `gamma = K / (75 + K)` and `M = floor(gamma n / 2)`. A class
    with fewer than 1/alpha - 1 images in the first part, and every class when M < 2, gets the threshold of all images.
    Which part an image falls into follows from its id, and not from the draw that splits classes.

    Attributes:
        cluster_: int64 [K], the cluster of each class, -1 for those without.
        thresholds_: float64 [K].
    """

    def __init__(self, score: str, clusters: int | None, share: float | None):
        self.score = SCORES[score]
        self.clusters = clusters
        self.share = share

    def fit(self, probabilities: np.ndarray, labels: np.ndarray, alpha: float, draws: np.ndarray) -> None:
        """Find clusters and thresholds on probabilities [N,K], labels int64 [N] and draws [N] of the val split."""
        classes = probabilities.shape[1]
        least = math.ceil(1 / alpha - 1e-9) - 1
        smallest = max(int(np.bincount(labels, minlength=classes).min()), least)
        share = classes / (75 + classes) if self.share is None else self.share
        count = int(share * smallest / 2) if self.clusters is None else self.clusters
        own = of_labels(self.score(probabilities, draws), labels)
        first = second_draws(draws) < share
        self.cluster_ = _clusters(own[first], labels[first], classes, count, least, alpha)
        rest, of_image = own[~first], self.cluster_[labels[~first]]
        everywhere = conformal_quantile(rest, alpha)
        self.thresholds_ = np.array(
            [
                everywhere if number < 0 else conformal_quantile(rest[of_image == number], alpha)
                for number in self.cluster_
            ]
        )

    def sets(self, probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Probabilities [N,K], with draws [N] in [0, 1), to sets bool [N,K]."""
        held: np.ndarray = self.score(probabilities, draws) <= self.thresholds_
        return held


def second_draws(draws: np.ndarray) -> np.ndarray:
    """A further number in [0, 1) for each image, float64 [N]: the digits of its draw from the 21st bit on."""
    further: np.ndarray = np.modf(draws * 2.0**20)[0]
    return further


def _clusters(scores: np.ndarray, labels: np.ndarray, classes: int, count: int, least: int, alpha: float) -> np.ndarray:
    from sklearn.cluster import KMeans

    found = np.full(classes, -1)
    images = np.bincount(labels, minlength=classes)
    able = np.flatnonzero(images >= max(least, 1))
    count = min(count, len(able))
    if count < 2:
        return found
    levels = [*LEVELS, 1 - alpha]
    described = np.stack([np.quantile(scores[labels == number], levels) for number in able])
    means = KMeans(count, n_init=10, random_state=0).fit(described, sample_weight=np.sqrt(images[able]))
    found[able] = means.labels_
    return found
