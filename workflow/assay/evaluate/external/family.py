"""External test sets: images of the same classes from elsewhere, beside the test split of the arm's own dataset."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.accuracy.accuracy import accuracy
from assay.evaluate.accuracy.balanced_accuracy import balanced_accuracy
from assay.evaluate.accuracy.confusion import confusion
from assay.evaluate.calibration.ece import ece
from assay.evaluate.external.mapped import mapped
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Predictions, Trial
from assay.study.registry import Metric, Option, method


@method(
    "evaluation",
    "external",
    summary="accuracy and calibration on test sets from elsewhere, beside those on the arm's own test split",
    paper="Recht et al. 2019, arXiv:1902.10811",
    options={
        "test-sets": Option(
            ...,
            "datasets whose test split is predicted, each with the arm's class for each of its classes; {} takes those "
            "of the same name, and images of other classes are left out",
            type=dict, item=dict,
        ),
        "bins": Option(15, "bins of the confidence", at_least=1),
    },
    reads=["test", "external"],
    metrics={
        "external-accuracy": Metric(
            "share of the external images whose class is predicted", "higher", 0.0, 1.0, keys={"set": "test-sets"},
            paper="Recht et al. 2019, arXiv:1902.10811",
        ),
        "external-balanced-accuracy": Metric(
            "mean of the classes' recalls on the external images", "higher", 0.0, 1.0, keys={"set": "test-sets"},
            paper="Brodersen et al. 2010, doi:10.1109/ICPR.2010.764",
        ),
        "external-ece": Metric(
            "expected calibration error on the external images, uncalibrated, equal-width bins", "lower", 0.0, 1.0,
            keys={"set": "test-sets"}, paper="Guo et al. 2017, arXiv:1706.04599",
        ),
        "external-drop": Metric(
            "accuracy on the own test images of the classes that the external set has, less that on the external ones",
            "lower", -1.0, 1.0, keys={"set": "test-sets"}, paper="Recht et al. 2019, arXiv:1902.10811",
        ),
    },
    shapes="logits [N,K], labels [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, test_sets: dict[str, dict[str, str]], bins: int) -> Result:
    """Judge the predictions on each external set, in the order of the config.

    Raises:
        MethodError: a class that one of the two datasets does not have.
    """
    result = Result()
    test = trial.set("test")
    for name, names in test_sets.items():
        outside = trial.set(name)
        images = mapped(outside, trial.external[name], trial.classes, names)
        keys, counts = {"set": name}, attempt(confusion, images.logits, images.labels)
        note = f"{len(images)} of {len(outside)} images"
        outer = result.add("external-accuracy", keys, accuracy, counts, note=note)
        result.add("external-balanced-accuracy", keys, balanced_accuracy, counts, note=note)
        result.add("external-ece", keys, ece, attempt(probabilities, images.logits), images.labels, bins, note=note)
        result.add("external-drop", keys, _drop, outer, test, np.unique(images.labels), note=note)
    return result


def _drop(outer: float | None, test: Predictions, classes: Any) -> float:
    if outer is None:
        raise UndefinedError("there is no accuracy on the external images")
    shared = np.isin(test.labels, classes)
    return accuracy(confusion(test.logits[shared], test.labels[shared])) - outer
