"""Distance to the k-th nearest train image (Sun et al. 2022, arXiv:2204.06507)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.errors import MethodError
from assay.evaluate.ood.features import check_features
from assay.evaluate.ood.nearest import largest_products, unit
from assay.study.registry import Option, method


@method(
    "detector",
    "knn",
    summary="the distance of the unit-length features to the k-th nearest train image",
    paper="Sun et al. 2022, arXiv:2204.06507",
    options={
        "k": Option(
            50, "which neighbour; the paper uses 50 for CIFAR-10, 200 for CIFAR-100", at_least=1,
            grid=[1, 5, 10, 20, 50, 100, 200],
        ),
    },
    shapes="features [N,D] -> scores [N]",
)  # fmt: skip
class KNearestNeighbours:
    """`s(x) = ||u - u_(k)||` with `u = f(x) / ||f(x)||` and `u_(k)` its k-th nearest among the train images.

    The search is exact but for rounding: it compares cosines in single precision, by blocks, and takes the distance to
    the neighbour that it finds in double precision.
    """

    def __init__(self, k: int):
        self.k = k

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Keep the train images' features [N,D].

        Raises:
            MethodError: no features, or fewer than k images.
            UndefinedError: no images, or features that are not finite.
        """
        check_features("knn", features)
        if len(features) < self.k:
            raise MethodError(f"knn has k = {self.k}, but there are {len(features)} train images")
        self.train_ = features

    def score(self, features: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Features [N,D] to scores float64 [N] in 0..2; NaN where a feature is not finite."""
        values, places = largest_products(unit(features), self.train_, self.k, lambda block, _: unit(block))
        # On the unit sphere the largest cosines are the smallest distances.
        farthest = np.take_along_axis(places, values.argmin(axis=1)[:, None], axis=1)[:, 0]
        return np.asarray(np.linalg.norm(_exactly(features) - _exactly(self.train_[farthest]), axis=1))


def _exactly(features: np.ndarray) -> np.ndarray:
    """Rows float64 [N,D] at unit length; a row of zeros stays zero."""
    features = np.asarray(features, np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12))
