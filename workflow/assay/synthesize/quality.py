"""How good synthetic images are, judged beside real ones that the generator has not seen.

Every figure stands next to the same figure of the val split, since none means much alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from assay.data.dataset import Dataset, Split
from assay.synthesize.frechet import frechet
from assay.synthesize.kernel import kernel
from assay.synthesize.looks import Judge, Looks, linear, look, pixels
from assay.synthesize.manifold import NEIGHBOURS, manifold
from assay.synthesize.memory import memorised

#: More images than these are not looked at; the figures are shares and medians, and time is finite.
JUDGED, LEARNT = 2000, 5000
#: Synthetic images that are shown beside their nearest train image.
SHOWN = 10


def assess(synthetic: Split, dataset: Dataset, judge: Judge | None = None) -> dict[str, Any]:
    """Figures on `synthetic`, made for `dataset`; plain JSON, None where there is nothing to measure.

    Args:
        synthetic: the set.
        dataset: its train split is what the generator has learnt from, its val split, if any, what it has not seen.
        judge: a network of the study; without one a logistic regression on train pixels gives classes, and features
            are pixels.

    Returns:
        `counts`: class -> synthetic images.
        `space`: where `precision`, `recall`, `density`, `coverage` and `diversity` are measured: `judge` or `pixels`.
        `duplicates`: `train`: share of images that equal a train image; `repeated`: share that equal an earlier
        synthetic one.
        `nearest`: median distance to the nearest train image, as the root of the mean square difference of pixels in
        0..1, of `synthetic` and `val`, and their `ratio`: far below 1 says copies, far above 1 says other images.
        `examples`: the synthetic images closest to a train image: their number, that of the train image, the distance.
        `copied`: share of images closer to their nearest train image than that is to its own nearest other train
        image, the complement of authenticity (Alaa et al. 2022, arXiv:2102.08921, section 3.3), of `synthetic`, `val`.
        `memorised`: see `assay.synthesize.memory`.
        `agreement`: share that the judge gives its intended class, of `synthetic` and `val`, with `classes`: class ->
        the share of synthetic ones.
        `fid`, `kid` (with a judge alone), `precision`, `recall`, `density`, `coverage`: of `synthetic` and `val`
        against train images, which weigh so that each class has the share that it has among those judged: a set made
        for rare classes is not to be held against frequent ones.
        `diversity`: `classes`: class -> root mean square distance within the class, over that of the train images;
        `least`: that of the class where it is least.
    """
    train, val = dataset.splits["train"], dataset.splits.get("val")
    judged = {"synthetic": _spread(synthetic, JUDGED)}
    if val is not None:
        judged["val"] = _spread(val, JUDGED)
    learnt = _spread(train, LEARNT)
    counts = np.bincount(synthetic.labels, minlength=len(dataset.classes)).tolist()
    seen = {name: look(split.images, judge) for name, split in judged.items()}
    real = look(learnt.images, judge)
    return {
        "counts": dict(zip(dataset.classes, counts, strict=True)),
        "space": "judge" if judge else "pixels",
        "duplicates": _duplicates(synthetic, train),
        **_nearness(judged, learnt, synthetic, train),
        "memorised": memorised(judged["synthetic"], train, train.take(np.arange(0)) if val is None else val),
        "agreement": _agreement(judged, seen, learnt, dataset.classes),
        **_distributions(judged, seen, learnt, real, network=judge is not None),
        "diversity": _diversity(judged["synthetic"], seen["synthetic"], learnt, real, dataset.classes),
    }


def _spread(split: Split, most: int) -> Split:
    """At most `most` images, evenly spaced."""
    if len(split) <= most:
        return split
    return split.take(_places(len(split), most))


def _places(count: int, most: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def _duplicates(synthetic: Split, train: Split) -> dict[str, float | None]:
    real = {hashlib.sha256(image.tobytes()).digest() for image in train.images}
    made = [hashlib.sha256(image.tobytes()).digest() for image in synthetic.images]
    if not made:
        return {"train": None, "repeated": None}
    return {"train": sum(key in real for key in made) / len(made), "repeated": 1 - len(set(made)) / len(made)}


def _nearness(judged: dict[str, Split], learnt: Split, synthetic: Split, train: Split) -> dict[str, Any]:
    """Figures `nearest`, `copied` and `examples`."""
    nearest: dict[str, float | None] = {"synthetic": None, "val": None, "ratio": None}
    copied: dict[str, float | None] = {"synthetic": None, "val": None}
    examples: list[list[float]] = []
    if len(learnt) > 1:
        rows = pixels(learnt.images)
        index = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(rows)
        apart = index.kneighbors(rows)[0][:, 1]
        for name, split in judged.items():
            if len(split):
                distance, which = (array[:, 0] for array in index.kneighbors(pixels(split.images), n_neighbors=1))
                nearest[name] = float(np.median(distance) / np.sqrt(rows.shape[1]))
                copied[name] = float((distance < apart[which]).mean())
                if name == "synthetic":
                    made, real = _places(len(synthetic), JUDGED), _places(len(train), LEARNT)
                    examples = [
                        [int(made[at]), int(real[which[at]]), float(distance[at] / np.sqrt(rows.shape[1]))]
                        for at in np.argsort(distance, kind="stable")[:SHOWN]
                    ]
        if nearest["synthetic"] is not None and nearest["val"]:
            nearest["ratio"] = nearest["synthetic"] / nearest["val"]
    return {"nearest": nearest, "copied": copied, "examples": examples}


def _agreement(judged: dict[str, Split], seen: dict[str, Looks], learnt: Split, classes: list[str]) -> dict[str, Any]:
    """Figure `agreement`."""
    found: dict[str, Any] = {"synthetic": None, "val": None, "classes": {}}
    asked = linear(learnt.images, learnt.labels) if seen["synthetic"].probabilities is None else None
    for name, split in judged.items():
        told = seen[name].probabilities
        if not len(split):
            continue
        if told is not None:
            right: np.ndarray = told.argmax(1) == split.labels
        elif asked is not None:
            right = asked(split.images) == split.labels
        else:
            continue
        found[name] = float(right.mean())
        if name == "synthetic":
            present = np.unique(split.labels).tolist()
            found["classes"] = {classes[k]: float(right[split.labels == k].mean()) for k in present}
    return found


def _distributions(
    judged: dict[str, Split], seen: dict[str, Looks], learnt: Split, real: Looks, *, network: bool
) -> dict[str, dict[str, float | None]]:
    """Figures `fid`, `kid`, `precision`, `recall`, `density` and `coverage`."""
    names = ("fid", "kid", "precision", "recall", "density", "coverage")
    found: dict[str, dict[str, float | None]] = {name: {"synthetic": None, "val": None} for name in names}
    for which, split in judged.items():
        weights = _weights(split.labels, learnt.labels)
        known = weights > 0
        if min(len(split), int(known.sum())) <= NEIGHBOURS:
            continue
        rows, others, shares = seen[which].features, real.features[known], weights[known]
        for name, value in manifold(rows, others, shares).items():
            found[name][which] = value
        if network:
            found["fid"][which] = frechet(rows, others, shares)
            found["kid"][which] = kernel(rows, others, shares)
    return found


def _weights(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A weight for each of the labels `known`, so that classes have the shares that they have among `labels`."""
    size = int(max(labels.max(initial=0), known.max(initial=0))) + 1
    shares, counts = np.bincount(labels, minlength=size), np.bincount(known, minlength=size)
    weights: np.ndarray = (shares / np.maximum(counts, 1))[known]
    return weights


def _diversity(made: Split, seen: Looks, learnt: Split, real: Looks, classes: list[str]) -> dict[str, Any]:
    """Figure `diversity`."""
    found: dict[str, float] = {}
    for label in np.unique(made.labels).tolist():
        parts = seen.features[made.labels == label], real.features[learnt.labels == label]
        if min(map(len, parts)) > 1:
            spreads = [float(part.astype(np.float64).var(0, ddof=1).sum()) for part in parts]
            if spreads[1] > 0:
                found[classes[label]] = float(np.sqrt(spreads[0] / spreads[1]))
    return {"classes": found, "least": min(found.values(), default=None)}
