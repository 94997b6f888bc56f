"""Groups: whether a model is as good on each group of the dataset as on all of it.

Groups are those that the dataset tells of: a patient, a camera, or what an alteration wrote. A group of the form
`class/attribute`, as a confounder writes it, is an attribute of the images of one class.

figures.json:
    {"splits": {split: {"groups": [G], "images": [G], "accuracy": [G], "mean": number}}}   the worst group first
"""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.accuracy.confusion import confusion
from assay.evaluate.groups.macro_std import macro_std
from assay.evaluate.groups.robustness_index import robustness_index
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Predictions, Trial
from assay.study.registry import Metric, Option, method

#: Groups up to which each has a row and a bar of its own.
SHOWN = 200


@method(
    "evaluation",
    "groups",
    summary="accuracy of each group and of the worst, gaps between them, and what neighbours in the embedding share",
    paper="Sagawa et al. 2020, arXiv:1911.08731",
    options={
        "splits": Option(["test", "val"], "which splits to judge on", item=str, choices=["test", "val"]),
        "least": Option(1, "images that a group needs to be judged", at_least=1),
        "neighbours": Option(50, "k of the robustness index", at_least=1),
    },
    reads=["val", "test"],
    metrics={
        "group-accuracy": Metric(
            "accuracy of a group; `worst` is that of the group with the lowest", "higher", 0.0, 1.0,
            keys={"group": "groups", "split": "splits"}, defaults={"group": "worst", "split": "test"},
            paper="Sagawa et al. 2020, arXiv:1911.08731",
        ),
        "group-gap": Metric(
            "accuracy on all images less that of the worst group", "lower", 0.0, 1.0,
            keys={"split": "splits"}, defaults={"split": "test"},
        ),
        "macro-std": Metric(
            "mean over classes of the weighted standard deviation of the accuracies of their groups", "lower", 0.0, 0.5,
            keys={"split": "splits"}, defaults={"split": "test"},
            paper="Chiu, Chen & Ma 2023, ICCV",
        ),
        "robustness-index": Metric(
            "nearest neighbours in the embedding of the same class over those with the same confounder", "higher", 0.0,
            keys={"split": "splits"}, defaults={"split": "test"}, paper="de Jong et al. 2025, arXiv:2501.18055",
        ),
    },
    shapes="logits [N,K], features [N,D], labels [N], groups [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, splits: list[str], least: int, neighbours: int) -> Result:
    """Judge a trial's predictions on each group of each split.

    The key `group` takes a group's name or `worst`. Where a dataset is private, groups are called `group-1`, `group-2`,
    ... in the order of their names. Groups with fewer than `least` images count in the means and not by themselves;
    more than 200 groups have no rows of their own.
    """
    result = Result(figures={"splits": {}})
    for split in splits:
        predictions = trial.set(split)
        groups = attempt(_groups, predictions, trial.private, split)
        right = groups if isinstance(groups, UndefinedError) else attempt(_right, predictions)
        _rows(result, split, right, groups, least)
        result.add("macro-std", {"split": split}, macro_std, right, predictions.labels, groups)
        confounder = groups if isinstance(groups, UndefinedError) else attributes(groups)
        result.add(
            "robustness-index",
            {"split": split},
            robustness_index,
            predictions.features,
            predictions.labels,
            confounder,
            neighbours,
        )
    return result


def _rows(result: Result, split: str, right: Any, groups: Any, least: int) -> None:
    """The rows of each group, and the figure, from bool [N] and text [N] or why there are none."""
    wrong = next((one for one in (groups, right) if isinstance(one, UndefinedError)), None)
    if wrong is not None:
        result.add("group-accuracy", {"group": "worst", "split": split}, float, wrong)
        result.add("group-gap", {"split": split}, float, wrong)
        return
    names, which = np.unique(groups, return_inverse=True)
    counts = np.bincount(which, minlength=len(names))
    accuracies = np.bincount(which, right, minlength=len(names)) / np.maximum(counts, 1)
    judged = np.flatnonzero(counts >= least)
    order = judged[np.argsort(accuracies[judged], kind="stable")]
    if len(order) <= SHOWN:
        for place in judged:
            keys = {"group": str(names[place]), "split": split}
            result.add("group-accuracy", keys, float, accuracies[place], note=f"{counts[place]} images")
    worst: float | UndefinedError = UndefinedError(f"no group has {least} images")
    note = None
    if len(order):
        worst, note = float(accuracies[order[0]]), f"group {names[order[0]]}, {counts[order[0]]} images"
        note += f"; there are {len(order)} groups, too many for rows of their own" if len(order) > SHOWN else ""
    result.add("group-accuracy", {"group": "worst", "split": split}, float, worst, note=note)
    result.add("group-gap", {"split": split}, _gap, right, worst)
    shown = order[:SHOWN]
    result.figures["splits"][split] = {
        "groups": [str(name) for name in names[shown]],
        "images": counts[shown].tolist(),
        "accuracy": accuracies[shown].tolist(),
        "mean": float(right.mean()) if len(right) else None,
    }


def _groups(predictions: Predictions, private: bool, split: str) -> np.ndarray:
    """The group of each image, text [N].

    Raises:
        UndefinedError: the dataset tells of none, or there are no images.
    """
    if predictions.groups is None:
        raise UndefinedError(f"the dataset tells of no groups in {split}")
    if not len(predictions):
        raise UndefinedError("there are no images")
    if not private:
        return predictions.groups
    _, which = np.unique(predictions.groups, return_inverse=True)
    return np.array([f"group-{number + 1}" for number in which])


def attributes(groups: np.ndarray) -> np.ndarray:
    """What groups say beside the class: what follows the last slash where every group has one, else the whole."""
    texts = [str(name) for name in groups]
    if all("/" in text for text in texts):
        return np.array([text.rpartition("/")[2] for text in texts])
    return groups


def _right(predictions: Predictions) -> np.ndarray:
    confusion(predictions.logits, predictions.labels)  # says what is wrong with logits
    made: np.ndarray = predictions.logits.argmax(axis=1) == predictions.labels
    return made


def _gap(right: np.ndarray, worst: float) -> float:
    return float(right.mean()) - worst
