"""How well a class's probability tells its images from all others."""

from __future__ import annotations

import numpy as np

from assay.evaluate.ood.auroc import auroc
from assay.evaluate.ood.curves import counts_above
from assay.evaluate.result import UndefinedError


def class_auroc(scores: np.ndarray, member: np.ndarray) -> float:
    """`P(s_in > s_out) + P(s_in = s_out) / 2` of an image of the class and one of another.

    Args:
        scores: float [N], the class's probability.
        member: bool [N], whether an image belongs to the class.

    Raises:
        UndefinedError: no image belongs to the class, or all do.
    """
    _mixed(member)
    return auroc(scores[~member], scores[member])


def average_precision(scores: np.ndarray, member: np.ndarray) -> float:
    """`sum_t (R_t - R_(t-1)) P_t` over the distinct scores as thresholds, without joining points by lines.

    Arguments and errors as for `class_auroc`.
    """
    _mixed(member)
    false, true = counts_above(scores[~member], scores[member])
    recall = np.concatenate([[0], true]) / member.sum()
    return float(np.diff(recall) @ (true / (true + false)))


def sensitivity(scores: np.ndarray, member: np.ndarray, specificity: float) -> float:
    """The largest recall at a threshold that leaves out at least the share `specificity` of the other images.

    Arguments and errors as for `class_auroc`.
    """
    _mixed(member)
    false, true = counts_above(scores[~member], scores[member])
    fine = 1 - false / (~member).sum() >= specificity - 1e-12
    return float(true[fine].max() / member.sum()) if fine.any() else 0.0


def _mixed(member: np.ndarray) -> None:
    if len(member) == 0:
        raise UndefinedError("there are no images")
    if not member.any():
        raise UndefinedError("no image belongs to the class")
    if member.all():
        raise UndefinedError("every image belongs to the class")
