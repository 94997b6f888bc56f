"""A detector at work on a trial: it is given what its card says that it reads, and scores images by blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.errors import MethodError
from assay.evaluate.result import UndefinedError
from assay.evaluate.trial import Predictions, Trial

#: Images that a detector scores at once; each is scored for itself, so the number changes nothing else.
ROWS = 16_384


class Scorer:
    """A detector that is fitted to a trial: on its train split, or on val if it says so.

    Args:
        trial: what it may see.
        make: makes the detector; what it reads stands in its card.

    Raises:
        MethodError: it cannot be fitted, or needs a model where there is none.
        UndefinedError: what it is fitted to gives it no meaning.
    """

    def __init__(self, trial: Trial, make: Callable[[], Any]):
        reads: list[str] = getattr(getattr(make, "func", make), "assay_reads", [])
        #: What of predictions it is given beside features and logits.
        self.beside = {"images": "model" in reads, "others": "seeds" in reads}
        self.detector = make()
        if "model" in reads:
            if trial.model is None:
                raise MethodError("the detector needs a model, which predictions made elsewhere lack")
            self.detector.watch(trial.model().to(trial.device))
        seen = trial.set("val" if "val" in reads else "train")
        images = {"images": seen.images} if self.beside["images"] else {}
        self.detector.fit(seen.features, seen.logits, seen.labels, trial.head, **images)

    def scores(self, predictions: Predictions, name: str) -> np.ndarray:
        """The scores float64 [N] of a set, none of them NaN.

        Raises:
            UndefinedError: no images, a score that is NaN, or none that has a meaning.
            MethodError: not one score for each image.
        """
        if len(predictions) == 0:
            raise UndefinedError(f"the set {name} has no images")
        scores = np.empty(len(predictions))
        for start in range(0, len(predictions), ROWS):
            part = slice(start, start + ROWS)
            # What is infinite in the predictions becomes NaN on the way, and is told below.
            with np.errstate(invalid="ignore", over="ignore"):
                found = np.asarray(self._score(predictions, part), dtype=np.float64)
            if found.shape != scores[part].shape:
                raise MethodError(
                    f"a detector must give one score for each of {len(scores[part])} images, not {found.shape}"
                )
            scores[part] = found
        spoilt = int(np.isnan(scores).sum())
        if spoilt:
            raise UndefinedError(f"{spoilt} of {len(scores)} scores on the set {name} are NaN")
        return scores

    def _score(self, predictions: Predictions, part: slice) -> Any:
        beside: dict[str, Any] = {}
        if self.beside["images"] and predictions.images is not None:
            beside["images"] = predictions.images[part]
        if self.beside["others"]:
            beside["others"] = [logits[part] for logits in predictions.others]
        return self.detector.score(predictions.features[part], predictions.logits[part], **beside)
