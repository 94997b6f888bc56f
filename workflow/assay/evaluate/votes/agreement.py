"""Agreement of probabilities with the votes of people (Peterson et al. 2019, arXiv:1908.07086)."""

from __future__ import annotations

import numpy as np
from scipy.special import entr, xlogy

from assay.evaluate.result import UndefinedError


def vote_cross_entropy(probabilities: np.ndarray, votes: np.ndarray) -> float:
    """`-mean_i sum_k v_ik log p_ik` in nats, from probabilities and shares of votes float64 [N,K] each.

    Raises:
        UndefinedError: no images, or a class with votes and probability 0, for which it is infinite.
    """
    if len(votes) == 0:
        raise UndefinedError("there are no images")
    impossible = int(((probabilities == 0) & (votes > 0)).any(axis=1).sum())
    if impossible:
        raise UndefinedError(f"infinite: {impossible} of {len(votes)} images have votes for a class of probability 0")
    return float(-xlogy(votes, probabilities).sum(axis=1).mean())


def vote_kl(probabilities: np.ndarray, votes: np.ndarray) -> float:
    """`mean_i sum_k v_ik log(v_ik / p_ik)` in nats: the cross-entropy less the entropy of the votes.

    Arguments and errors as for `vote_cross_entropy`.
    """
    return max(0.0, vote_cross_entropy(probabilities, votes) - float(entr(votes).sum(axis=1).mean()))


def vote_accuracy(probabilities: np.ndarray, votes: np.ndarray) -> float:
    """The chance that a person's vote is the predicted class, the first of several equally probable ones.

    Raises:
        UndefinedError: no images.
    """
    if len(votes) == 0:
        raise UndefinedError("there are no images")
    return float(votes[np.arange(len(votes)), probabilities.argmax(axis=1)].mean())
