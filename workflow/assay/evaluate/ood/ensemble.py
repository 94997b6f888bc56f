"""Disagreement of an ensemble (Lakshminarayanan et al. 2017, arXiv:1612.01474)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import entr

from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import UndefinedError
from assay.study.registry import Option, method


@method(
    "detector",
    "ensemble",
    summary="how much the models of several seeds disagree: the divergence of each from their mean",
    paper="Lakshminarayanan et al. 2017, arXiv:1612.01474",
    options={
        "members": Option(
            None, "seeds that make an ensemble; all of the study's if it is left out", type=int, at_least=2,
            optional=True,
        ),
    },
    reads=["seeds"],
    shapes="logits [N,K], those of others [M-1,N,K] -> scores [N]",
)  # fmt: skip
class Ensemble:
    """`s(x) = 1/M sum_m KL(p_m || p) = H(p) - 1/M sum_m H(p_m)` with p the mean of the members' probabilities `p_m`.

    The disagreement of section 2.4 by the number of members. The study's seeds are cut into groups of M in their order;
    an ensemble is measured under the first seed of its group, and is undefined under the others and for a last group
    that is not full, so that each ensemble counts once.
    """

    def __init__(self, members: int | None):
        self.members = members

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any) -> None:
        """Learn nothing."""

    def score(self, features: np.ndarray, logits: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
        """Logits [N,K] of this seed and of each other one to scores float64 [N] in 0..log K.

        Raises:
            UndefinedError: there are no others here, or a row has no softmax.
        """
        if not others:
            raise UndefinedError("this seed starts no full ensemble; it is measured under the first seed of its group")
        each = np.stack([probabilities(one) for one in (logits, *others)])
        found = entr(each.mean(axis=0)).sum(axis=1) - entr(each).sum(axis=2).mean(axis=0)
        return np.asarray(np.maximum(found, 0.0))
