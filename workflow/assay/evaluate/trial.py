"""What an evaluation sees of a trial: predictions, and the model for those that need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.errors import MethodError
from assay.evaluate.subset import first

if TYPE_CHECKING:
    from assay.data.dataset import Split
    from assay.models.classifier import Classifier


@dataclass
class Predictions:
    """What a model said of one set of N images.

    Attributes:
        logits: float [N,K].
        features: float [N,D], what the head reads; D is 0 when they were not kept.
        ids: text [N].
        labels: int64 [N], -1 for images of no class of the trial.
        images: uint8 [N,H,W,C], where an evaluation reads them.
        others: logits [N,K] of the same images by the arm's other seeds, where an evaluation reads them.
        groups: text [N], the groups that the dataset tells of; None where it tells of none.
        soft: float32 [N,K], the share of each class among people's votes; None when the dataset has no votes.
    """

    logits: np.ndarray
    features: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    images: np.ndarray | None = None
    others: list[np.ndarray] = field(default_factory=list)
    groups: np.ndarray | None = None
    soft: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.logits)


@dataclass
class Trial:
    """A trial as evaluations see it.

    Attributes:
        classes: names of the K classes.
        counts: int64 [K], train images of each class, before any rebalancing or synthesis.
        sets: predictions by set: `train`, `val`, `test`, `hold-out`, and each outlier dataset by its name. Holds
            at least what the family's card says it reads.
        head: weight [K,D] and bias [K] of the linear head, where it is at hand.
        model: returns the trained model on the CPU in evaluation mode; None for predictions made elsewhere.
        size, channels: of the images.
        cost: what training and compression cost, where it is known: `train-seconds` (their sum, wall time),
            `train-peak-memory` (bytes, the largest of their processes), and `bytes`, the size of the model's file.
        split: the images of a split of the arm's dataset, as they lie on disk; None for predictions made elsewhere.
        tta: over which views of an image predictions are means.
        device: where a model is to compute.
        found: the figures of each part of the family that this one follows.
        reference: the same of the arm that this one is measured against; None where none is named.
        private: whether names of groups must not be told.
        seeds: for families that read `seeds`, the test predictions under each of the study's seeds, in their order.
        place: where this trial stands among them.
        external: for families that read `external`, the names of the classes of each external test set, whose
            predictions stand in `sets` with labels of its own.
    """

    classes: list[str]
    counts: np.ndarray
    sets: dict[str, Predictions] = field(default_factory=dict)
    head: tuple[np.ndarray, np.ndarray] | None = None
    model: Callable[[], Classifier] | None = None
    size: int = 0
    channels: int = 0
    cost: dict[str, float] = field(default_factory=dict)
    split: Callable[[str], Split] | None = None
    tta: str = "none"
    device: str = "cpu"
    found: list[dict[str, Any]] = field(default_factory=list)
    reference: list[dict[str, Any]] | None = None
    private: bool = False
    seeds: list[Predictions] = field(default_factory=list)
    place: int = 0
    external: dict[str, list[str]] = field(default_factory=dict)

    @property
    def rarest(self) -> int:
        """The class with the fewest train images; the first of several.

        A class without any train image counts too: it is the rarest there is.
        """
        return int(np.argmin(self.counts))

    def judged(self, images: int | None) -> tuple[Classifier, Split]:
        """The model on its device, and the first `images` test images (all if None) in an order of their own.

        Raises:
            MethodError: there is no model, or no test split.
        """
        if self.model is None or self.split is None:
            raise MethodError("this evaluation needs a model and images, and the predictions were made elsewhere")
        test = self.split("test")
        return self.model().to(self.device), test.take(first(test.ids, images))

    def set(self, name: str) -> Predictions:
        """The predictions on a set.

        Raises:
            MethodError: the trial has none.
        """
        if name not in self.sets:
            raise MethodError(
                f"the trial has no predictions on {name!r}; it has {', '.join(sorted(self.sets)) or 'none'}"
            )
        return self.sets[name]
