"""Accuracy: how often the class with the largest logit is the right one, overall, per class and by how rare it is.

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
from assay.evaluate.accuracy.kappa import POWERS, kappa
from assay.evaluate.accuracy.macro_f1 import macro_f1
from assay.evaluate.accuracy.mcc import mcc
from assay.evaluate.accuracy.precision import precision
from assay.evaluate.accuracy.recall import recall
from assay.evaluate.accuracy.shots import bin_of, mean_over
from assay.evaluate.accuracy.top_k import top_k
from assay.evaluate.result import Result, attempt, plain
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method


@method(
    "evaluation",
    "accuracy",
    summary="accuracy, balanced accuracy, F1, correlation and kappa, and recall, precision and F1 of classes",
    options={
        "splits": Option(["test", "val"], "which splits to judge on", item=str, choices=["test", "val"]),
        "top": Option([5], "the k of top-k accuracy", item=int, at_least=1),
        "many": Option(100, "classes with more train images than this are `many`", at_least=1),
        "few": Option(20, "classes with fewer train images than this are `few`", at_least=1),
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
        "macro-f1": Metric(
            "mean of the classes' F1 scores", "higher", 0.0, 1.0,
            keys={"split": "splits"}, defaults={"split": "test"},
            paper="Yang 1999, doi:10.1023/A:1009982220290",
        ),
        "mcc": Metric(
            "correlation of predicted and true class (Matthews)", "higher", -1.0, 1.0,
            keys={"split": "splits"}, defaults={"split": "test"},
            paper="Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006",
        ),
        "kappa": Metric(
            "agreement beyond chance (Cohen); weighted by the distance of classes for those that stand in an order",
            "higher", -1.0, 1.0,
            keys={"weights": "none|linear|quadratic", "split": "splits"}, defaults={"weights": "none", "split": "test"},
            paper="Cohen 1968, doi:10.1037/h0026256",
        ),
        "top-k-accuracy": Metric(
            "share of images whose class is among the k with the largest logits", "higher", 0.0, 1.0,
            keys={"k": "top", "split": "splits"}, defaults={"k": "5", "split": "test"},
            paper="Russakovsky et al. 2015, arXiv:1409.0575",
        ),
        "shot-recall": Metric(
            "mean recall of the classes with many, a medium number or few train images", "higher", 0.0, 1.0,
            keys={"shots": "many|medium|few", "split": "splits"}, defaults={"shots": "few", "split": "test"},
            paper="Liu et al. 2019, arXiv:1904.05160",
        ),
        "shot-f1": Metric(
            "mean F1 of the classes with many, a medium number or few train images", "higher", 0.0, 1.0,
            keys={"shots": "many|medium|few", "split": "splits"}, defaults={"shots": "few", "split": "test"},
            paper="Liu et al. 2019, arXiv:1904.05160",
        ),
    },
    shapes="logits [N,K], labels [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, splits: list[str], top: list[int], many: int, few: int) -> Result:
    """Judge a trial's predictions on each of `splits`.

    The key `class` takes the name of a class, or `rarest`: the class with the fewest train images (the first of
    several). `weights` is none, linear or quadratic, and `shots` is many, medium or few.
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
        for name, whole in (("macro-f1", macro_f1), ("mcc", mcc)):
            result.add(name, {"split": split}, whole, counts)
        for weights in POWERS:
            result.add("kappa", {"weights": weights, "split": split}, kappa, counts, weights)
        for k in top:
            result.add(
                "top-k-accuracy", {"k": str(k), "split": split}, top_k, predictions.logits, predictions.labels, k
            )
        for shots, members in bin_of(trial.counts, many, few).items():
            keys = {"shots": shots, "split": split}
            note = f"{len(members)} of {len(trial.classes)} classes"
            result.add("shot-recall", keys, mean_over, counts, members, recall, note=note)
            result.add("shot-f1", keys, mean_over, counts, members, f1, note=note)
        if not isinstance(counts, Exception):
            result.figures.setdefault("confusion", {})[split] = counts.tolist()
            images = counts.sum(axis=1)
            share = np.where(images > 0, np.diag(counts) / np.maximum(images, 1), np.nan)
            result.figures.setdefault("recall", {})[split] = plain(share)
    return result
