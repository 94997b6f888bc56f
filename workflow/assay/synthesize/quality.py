"""How good synthetic images are, judged beside real ones that the generator has not seen.

Every figure stands next to the same figure of the val split, since none means much alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from assay.data.dataset import Dataset, Split

#: More images than these are not looked at; the figures are shares and medians, and time is finite.
JUDGED, LEARNT = 2000, 5000


def assess(synthetic: Split, dataset: Dataset) -> dict[str, Any]:
    """Figures on `synthetic`, made for `dataset`; plain JSON, None where there is nothing to measure.

    Returns:
        `counts`: class -> synthetic images.
        `duplicates`: `train`: share of images that equal a train image; `repeated`: share that equal an earlier
        synthetic one.
        `nearest`: median distance to the nearest train image, as the root of the mean square difference of pixels in
        0..1, of `synthetic` and `val`, and their `ratio`: far below 1 says copies, far above 1 says other images.
        `copied`: share of images closer to their nearest train image than that is to its own nearest other train
        image, the complement of authenticity (Alaa et al. 2022, arXiv:2102.08921, section 3.3), of `synthetic`, `val`.
        `agreement`: share that a logistic regression on the train pixels gives its intended class, of `synthetic` and
        `val`, with `classes`: class -> the share of synthetic ones.
    """
    train, val = dataset.splits["train"], dataset.splits.get("val")
    judged = {"synthetic": _spread(synthetic, JUDGED)}
    if val is not None:
        judged["val"] = _spread(val, JUDGED)
    learnt = _spread(train, LEARNT)
    counts = np.bincount(synthetic.labels, minlength=len(dataset.classes)).tolist()
    return {
        "counts": dict(zip(dataset.classes, counts, strict=True)),
        "duplicates": _duplicates(synthetic, train),
        **_nearness(judged, learnt),
        "agreement": _agreement(judged, learnt, dataset.classes),
    }


def _spread(split: Split, most: int) -> Split:
    """At most `most` images, evenly spaced."""
    if len(split) <= most:
        return split
    return split.take(np.linspace(0, len(split) - 1, most).round().astype(np.int64))


def _flat(split: Split) -> np.ndarray:
    """Pixels in 0..1, float32 [N,D]."""
    return np.asarray(split.images).reshape(len(split), -1).astype(np.float32) / 255


def _duplicates(synthetic: Split, train: Split) -> dict[str, float | None]:
    real = {hashlib.sha256(image.tobytes()).digest() for image in train.images}
    made = [hashlib.sha256(image.tobytes()).digest() for image in synthetic.images]
    if not made:
        return {"train": None, "repeated": None}
    return {"train": sum(key in real for key in made) / len(made), "repeated": 1 - len(set(made)) / len(made)}


def _nearness(judged: dict[str, Split], learnt: Split) -> dict[str, dict[str, float | None]]:
    """Figures `nearest` and `copied`."""
    nearest: dict[str, float | None] = {"synthetic": None, "val": None, "ratio": None}
    copied: dict[str, float | None] = {"synthetic": None, "val": None}
    if len(learnt) > 1:
        pixels = _flat(learnt)
        index = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(pixels)
        apart = index.kneighbors(pixels)[0][:, 1]
        for name, split in judged.items():
            if len(split):
                distance, which = (array[:, 0] for array in index.kneighbors(_flat(split), n_neighbors=1))
                nearest[name] = float(np.median(distance) / np.sqrt(pixels.shape[1]))
                copied[name] = float((distance < apart[which]).mean())
        if nearest["synthetic"] is not None and nearest["val"]:
            nearest["ratio"] = nearest["synthetic"] / nearest["val"]
    return {"nearest": nearest, "copied": copied}


def _agreement(judged: dict[str, Split], learnt: Split, classes: list[str]) -> dict[str, Any]:
    """Figure `agreement`; classes weigh the same in the judge, or it would know the frequent ones alone."""
    found: dict[str, Any] = {"synthetic": None, "val": None, "classes": {}}
    if len(np.unique(learnt.labels)) < 2:
        return found
    judge = LogisticRegression(class_weight="balanced", max_iter=300).fit(_flat(learnt), learnt.labels)
    for name, split in judged.items():
        if len(split):
            right = judge.predict(_flat(split)) == split.labels
            found[name] = float(right.mean())
            if name == "synthetic":
                present = np.unique(split.labels).tolist()
                found["classes"] = {classes[k]: float(right[split.labels == k].mean()) for k in present}
    return found
