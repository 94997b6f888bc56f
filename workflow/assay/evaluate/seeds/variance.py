"""Variance of accuracy between trainings, on the test set and on its distribution (Jordan 2023, arXiv:2304.01910)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def test_set_variance(right: np.ndarray) -> float:
    """Variance of the test accuracy over seeds, without bias: `1/(S-1) sum_s (a_s - mean a)^2`.

    Args:
        right: bool [S,N], whether each of S seeds predicts each of N images rightly.

    Raises:
        UndefinedError: no images, or fewer than two seeds.
    """
    _several(right)
    return float(right.mean(axis=1).var(ddof=1))


def distribution_variance(right: np.ndarray) -> float:
    """Variance over seeds that accuracy would have on infinitely many images, without bias.

    `N/(N-1) (V - 1/N^2 sum_i v_i)`, V the variance on the test set and v_i the variance of whether image i is right:
    the mean covariance of two different images. Two images drawn afresh share nothing but the training, so what is left
    is the variance of the accuracy itself. An estimate near 0 may be negative.

    Arguments and errors as for `test_set_variance`; also undefined for one image.
    """
    _several(right)
    images = right.shape[1]
    if images < 2:
        raise UndefinedError("there is one image")
    own = right.var(axis=0, ddof=1).sum() / images**2
    return float(images / (images - 1) * (test_set_variance(right) - own))


def _several(right: np.ndarray) -> None:
    if right.shape[1] == 0:
        raise UndefinedError("there are no images")
    if len(right) < 2:
        raise UndefinedError("there is one seed")
