"""How predictions differ from one training to another."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def disagreement(predicted: np.ndarray, others: np.ndarray) -> float:
    """Share of images whose predicted class differs from that of another seed, mean over the other seeds.

    Args:
        predicted: int [N].
        others: int [S-1,N].

    Raises:
        UndefinedError: no images, or no other seed.
    """
    if len(others) == 0:
        raise UndefinedError("there is one seed")
    if len(predicted) == 0:
        raise UndefinedError("there are no images")
    return float((others != predicted).mean())


def churn(predicted: np.ndarray, after: np.ndarray) -> float:
    """Share of images whose predicted class changes when the model is replaced (Milani Fard et al. 2016).

    Both are int [N]. Raises UndefinedError without images.
    """
    return disagreement(predicted, after[None])


def negative_flips(right: np.ndarray, after: np.ndarray) -> float:
    """Share of images that were right and become wrong when the model is replaced (Yan et al. 2021, arXiv:2011.09161).

    Both are bool [N].

    Raises:
        UndefinedError: no images.
    """
    if len(right) == 0:
        raise UndefinedError("there are no images")
    return float((right & ~after).mean())
