"""How badly a class fits an image: the scores that several ways to make sets share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Probabilities [N,K] and draws [N] to scores float64 [N,K]; a set holds the classes that score low.
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


def least(probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """`1 - p_k` (Sadinle et al. 2019, arXiv:1609.00451)."""
    scores: np.ndarray = 1 - probabilities
    return scores


def ranked(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The place int64 [N,K] of each class by falling probability, from 0, and the sum of those before it [N,K].

    Classes of equal probability are taken in the order of their number.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    places, before = np.empty(order.shape, np.int64), np.empty(ordered.shape)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
    np.put_along_axis(before, order, np.cumsum(ordered, axis=1) - ordered, axis=1)
    return places, before


def adaptive(probabilities: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """`(sum of p over classes more probable than k) + u p_k`, u the draw (Romano et al. 2020, arXiv:2006.02544)."""
    _, before = ranked(probabilities)
    scores: np.ndarray = before + draws[:, None] * probabilities
    return scores


#: Scores by the name of the method that they belong to.
SCORES: dict[str, Score] = {"lac": least, "aps": adaptive}


def of_labels(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The score float64 [N] of each image's label."""
    picked: np.ndarray = scores[np.arange(len(labels)), labels]
    return picked
