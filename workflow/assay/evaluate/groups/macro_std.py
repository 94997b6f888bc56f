"""MacroStd: how unevenly a class's groups are predicted (Chiu, Chen & Ma 2023, ICCV)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def macro_std(right: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> float:
    """The mean over classes of the weighted standard deviation of the accuracies of the groups within the class.

    In a class with the accuracy a, of whose images the share w_g is in group g with the accuracy a_g, it is
    `sqrt(sum_g w_g (a_g - a)^2)`. 0 means that each class is predicted alike in all groups.

    Args:
        right: whether an image is predicted rightly, bool [N].
        labels: int64 [N].
        groups: text [N].

    Raises:
        UndefinedError: no class has images of two groups.
    """
    deviations = []
    several = False
    for number in np.unique(labels):
        members = labels == number
        _, which = np.unique(groups[members], return_inverse=True)
        counts = np.bincount(which)
        several |= len(counts) > 1
        accuracies = np.bincount(which, right[members]) / counts
        shares = counts / counts.sum()
        deviations.append(np.sqrt(shares @ (accuracies - shares @ accuracies) ** 2))
    if not several:
        raise UndefinedError("no class has images of two groups")
    return float(np.mean(deviations))
