"""Calibrators of one probability at a time, made into one of several classes (Zadrozny & Elkan 2002)."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.errors import MethodError
from assay.evaluate.probabilities import probabilities


class OneVsRest:
    """Each class's probability is mapped on its own, and the K results are divided by their sum.

    Zadrozny & Elkan 2002, doi:10.1145/775047.775151. Where all are 0, every class gets 1/K. A class without validation
    images, or with nothing else, keeps its probability as it is.

    Subclasses give `fit_one` and `map_one`.
    """

    #: How messages call the method.
    words = ""

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Fit the map of each class on logits [N,K] and labels int64 [N] of the validation split.

        Raises:
            MethodError: no images, or logits that have no softmax.
        """
        if len(logits) == 0:
            raise MethodError(f"{self.words} needs validation images; the validation split is empty")
        if not np.isfinite(logits).all():
            raise MethodError(f"{self.words} needs finite logits on the validation split")
        given = probabilities(logits)
        self.maps_: list[Any] = []
        for number in range(given.shape[1]):
            member = labels == number
            mixed = member.any() and not member.all()
            self.maps_.append(self.fit_one(given[:, number], member) if mixed else None)
        plain = [str(number) for number, one in enumerate(self.maps_) if one is None]
        self.note_ = f"{len(plain)} classes keep their probability, for want of validation images" if plain else None

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to probabilities float64 [N,K].

        Raises:
            UndefinedError: a row has no softmax.
        """
        given = probabilities(logits)
        mapped = np.stack(
            [
                given[:, number] if one is None else self.map_one(one, given[:, number])
                for number, one in enumerate(self.maps_)
            ],
            axis=1,
        )
        total = mapped.sum(axis=1, keepdims=True)
        result: np.ndarray = np.where(total > 0, mapped / np.where(total > 0, total, 1), 1 / mapped.shape[1])
        return result

    def fit_one(self, given: np.ndarray, member: np.ndarray) -> Any:
        """What is learnt of one class from its probabilities [N] and whether each image is of it, bool [N]."""
        raise NotImplementedError

    def map_one(self, learnt: Any, given: np.ndarray) -> np.ndarray:
        """The new probabilities [N] of one class."""
        raise NotImplementedError
