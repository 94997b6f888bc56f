"""Accuracy: how often the class with the largest logit is the right one, overall and per class.

figures.json:
    {"classes": [K names], "train-counts": [K],
     "confusion": {split: [[K] * K]},          counts; row = true class, column = predicted class
     "recall": {split: [K numbers or null]}}   null for a class without images in the split
"""

from __future__ import annotations

import numpy as np

from assay.evaluate.accuracy.accuracy import accuracy
from assay.evaluate.accuracy.balanced_accuracy import balanced_accuracy
from assay.evaluate.accuracy.confusion import confusion
from assay.evaluate.accuracy.f1 import f1
from assay.evaluate.accuracy.precision import precision
from assay.evaluate.accuracy.recall import recall
from assay.evaluate.result import Result, attempt, plain
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method


@method(
    "evaluation",
    "accuracy",
    summary="accuracy, balanced accuracy, and recall, precision and F1 of each class",
    options={
        "splits": Option(["test", "val"], "which splits to judge on", item=str, choices=["test", "val"]),
    },
    reads=["val", "test"],
    metrics={
        "accuracy": Metric(
            "share of images whose class is predicted", "higher", 0.0, 1.0,
            keys={"split": "splits"}, defaults={"split": "test"},
        ),
        "balanced-accuracy": Metric(
            "mean of the classes' recalls", "higher", 0.0, 1.0,
            keys={"split": "splits"}, defaults={"split": "test"},
            paper="Brodersen et al. 2010, doi:10.1109/ICPR.2010.764",
        ),
        "recall": Metric(
            "share of a class's images that are predicted as it", "higher", 0.0, 1.0,
            keys={"class": "classes", "split": "splits"}, defaults={"split": "test"},
        ),
        "precision": Metric(
            "share of the images predicted as a class that belong to it", "higher", 0.0, 1.0,
            keys={"class": "classes", "split": "splits"}, defaults={"split": "test"},
        ),
        "f1": Metric(
            "harmonic mean of a class's precision and recall", "higher", 0.0, 1.0,
            keys={"class": "classes", "split": "splits"}, defaults={"split": "test"},
        ),
    },
    shapes="logits [N,K], labels [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, splits: list[str]) -> Result:
    """Judge a trial's predictions on each of `splits`.

    The key `class` takes the name of a class, or `rarest`: the class with the fewest train images (the first of
    several).
    """
    result = Result(figures={"classes": trial.classes, "train-counts": trial.counts.tolist()})
    names = {**{name: number for number, name in enumerate(trial.classes)}, "rarest": trial.rarest}
    for split in splits:
        predictions = trial.set(split)
        counts = attempt(confusion, predictions.logits, predictions.labels)
        result.add("accuracy", {"split": split}, accuracy, counts)
        missing = (
            [] if isinstance(counts, Exception) else [trial.classes[k] for k in np.flatnonzero(counts.sum(axis=1) == 0)]
        )
        note = f"classes without images in {split} are left out: {', '.join(missing)}" if missing else None
        result.add("balanced-accuracy", {"split": split}, balanced_accuracy, counts, note=note)
        for name, measure in (("recall", recall), ("precision", precision), ("f1", f1)):
            for word, number in names.items():
                note = f"class {trial.classes[number]}" if word == "rarest" else None
                result.add(name, {"class": word, "split": split}, measure, counts, number, note=note)
        if not isinstance(counts, Exception):
            result.figures.setdefault("confusion", {})[split] = counts.tolist()
            images = counts.sum(axis=1)
            share = np.where(images > 0, np.diag(counts) / np.maximum(images, 1), np.nan)
            result.figures.setdefault("recall", {})[split] = plain(share)
    return result
