"""What a curator is shown of a train split, and what it may ask of a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay.errors import MethodError


@dataclass(frozen=True)
class Dynamics:
    """How the images of a train split fared in each epoch of a training, in batches as the model met them.

    An image that an epoch left out, as some ways of sampling do, has NaN there; of one that came several times the
    first counts.

    Attributes:
        margin: float32 [E,N], the logit of the image's label minus the largest of the others.
        correct: bool [E,N], whether the largest logit was that of its label.
        error: float32 [E,N], the Euclidean norm of the probabilities minus the one-hot label.
    """

    margin: np.ndarray
    correct: np.ndarray
    error: np.ndarray

    def take(self, indices: np.ndarray) -> Dynamics:
        """Those of the images at `indices`, in that order."""
        return Dynamics(self.margin[:, indices], self.correct[:, indices], self.error[:, indices])


@dataclass(frozen=True)
class Evidence:
    """What a trained model says of the images of a train split, in their order; None where nobody asked for it.

    Attributes:
        features: float32 [N,D], what its head reads.
        logits: float32 [N,K].
        dynamics: of its training.
        size: how many images another dataset's train split has.
    """

    features: np.ndarray | None = None
    logits: np.ndarray | None = None
    dynamics: Dynamics | None = None
    size: int | None = None

    def take(self, indices: np.ndarray) -> Evidence:
        """That of the images at `indices`, in that order."""
        return Evidence(
            None if self.features is None else self.features[indices],
            None if self.logits is None else self.logits[indices],
            None if self.dynamics is None else self.dynamics.take(indices),
            self.size,
        )


@dataclass(frozen=True)
class View:
    """The train split as a curator sees it: N images of K classes.

    Attributes:
        images: uint8 [N,H,W,C].
        labels: int64 [N].
        ids: text [N].
        classes: K names.
        rng: what chance decides is drawn from here.
        evidence: what a model says, when the entry names one.
        others: images uint8 [M,H,W,C] of each other split, by its name.
        facts: what the method wants the card to say; it puts plain JSON here.
    """

    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    classes: list[str]
    rng: np.random.Generator
    evidence: Evidence = Evidence()
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def features(self) -> np.ndarray:
        """Float32 [N,D]: those of the model, or without one the pixels in 0..1."""
        if self.evidence.features is not None:
            return self.evidence.features
        return self.images.reshape(len(self), -1).astype(np.float32) / 255

    @property
    def logits(self) -> np.ndarray:
        """Float32 [N,K].

        Raises:
            MethodError: there is no model.
        """
        return _given(self.evidence.logits, "the logits of a model")

    @property
    def dynamics(self) -> Dynamics:
        """Of the model's training.

        Raises:
            MethodError: there is no model, or nobody watched its training.
        """
        return _given(self.evidence.dynamics, "what was watched of a model's training")


def _given(value: Any, what: str) -> Any:
    if value is None:
        raise MethodError(f"a curator needs {what}; name an `arm` beside its method")
    return value


def amount(keep: float, total: int) -> int:
    """How many of `total` images to keep: `keep` is a share up to 1, and a number of images above.

    Raises:
        MethodError: more images than there are, or a number that is not whole.
    """
    if keep <= 1:
        return int(keep * total + 0.5)
    if keep != int(keep):
        raise MethodError(f"curate: keep {keep:g} is neither a share up to 1 nor a whole number of images")
    if keep > total:
        raise MethodError(f"curate: {keep:g} images are to be kept, but the train split has {total}")
    return int(keep)


def highest(scores: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of the `count` largest scores, float [N]; chance decides among equal ones."""
    shuffled = rng.permutation(len(scores))
    return shuffled[np.argsort(-scores[shuffled], kind="stable")[:count]]
