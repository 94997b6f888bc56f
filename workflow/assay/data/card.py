"""The card of a dataset: what is in it, where it comes from, what was done to it."""

from __future__ import annotations

import hashlib
from itertools import combinations
from typing import Any

import numpy as np

from assay.data.counts import value_counts
from assay.data.dataset import Dataset, Split, originals, rank
from assay.data.leakage import near_duplicates


def describe(
    dataset: Dataset, source: dict[str, Any], altered: list[dict[str, Any]], like: Dataset | None = None
) -> dict[str, Any]:
    """Plain JSON for `card.json` and the report.

    Args:
        dataset: with `held-out` in its card when classes were held out, `decisions` when its source took some.
        source: `method`, `licence`, `citation` and the like, as it goes into the card.
        altered: what was done, in order, each `{"step": name, ...}`.
        like: the dataset that it was shaped like.

    Returns:
        `classes`, `size`, `channels`, `held-out`, `digest`, `licence`, `citation`, `source`, `altered`;
        `decisions`: sentence -> `{"count", "ids": the first few}`, what the source did about odd images;
        `total`: split -> images; `counts`: split -> class -> images; `groups`: split -> group -> images;
        `mean` and `std`: one number a channel, in 0..1, of the train split (of the first one without it);
        `imbalance-ratio`: largest over smallest train class, None when a class is empty;
        `duplicates`: `split/split` -> how many images of the second have an exact twin in the first, or, for
        `split/split` of the same name, how many repeat an earlier one, copies of one image aside; those with other
        labels beside it;
        `near-duplicates`: see `assay.data.leakage`.
    """
    names = sorted(dataset.splits, key=rank)
    mean, std = moments(dataset.splits["train" if "train" in dataset.splits else names[0]].images)
    train = dataset.counts("train") if "train" in dataset.splits else np.zeros(0, np.int64)
    return {
        "classes": dataset.classes,
        "size": dataset.size,
        "channels": dataset.channels,
        "held-out": list(dataset.card.get("held-out", [])),
        "total": {name: len(dataset.splits[name]) for name in names},
        "counts": {
            name: dict(zip(dataset.classes, dataset.counts(name).tolist(), strict=True))
            for name in names
            if name != "hold-out"
        },
        "groups": {name: _tally(groups) for name in names if (groups := dataset.splits[name].groups) is not None},
        "mean": mean,
        "std": std,
        "imbalance-ratio": float(train.max() / train.min()) if train.size and train.min() > 0 else None,
        "duplicates": duplicates(dataset.splits),
        "near-duplicates": near_duplicates(dataset.splits, like),
        "digest": dataset.digest(),
        "licence": source.get("licence", ""),
        "citation": source.get("citation", ""),
        "source": {key: value for key, value in source.items() if key not in ("licence", "citation")},
        "altered": altered,
        "decisions": dict(dataset.card.get("decisions", {})),
    }


def moments(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel in 0..1, over all pixels of uint8 [N,H,W,C].

    Computed from integer counts of the 256 values: exact, and the same on every machine. Empty input gives zeros.
    """
    mean, std = [], []
    values = np.arange(256) / 255
    for counts in value_counts(images):
        total = max(int(counts.sum()), 1)
        centre = float((counts * values).sum() / total)
        mean.append(centre)
        std.append(float(np.sqrt((counts * (values - centre) ** 2).sum() / total)))
    return mean, std


def duplicates(splits: dict[str, Split]) -> dict[str, dict[str, int]]:
    """Images that appear more than once, pixel by pixel, within a split and across two.

    Returns:
        `"train/test"` -> `{"images": of test that are also in train, "other-label": of these, with another label}`;
        pairs without any are left out.
    """
    names = sorted(splits, key=rank)
    hashes = {name: [hashlib.sha256(image.tobytes()).digest() for image in splits[name].images] for name in names}
    seen: dict[str, dict[bytes, int]] = {name: {} for name in names}
    found: dict[str, dict[str, int]] = {}

    def count(pair: str, same_label: bool) -> None:
        entry = found.setdefault(pair, {"images": 0, "other-label": 0})
        entry["images"] += 1
        entry["other-label"] += not same_label

    for name in names:
        made_of: dict[bytes, str] = {}
        rows = zip(hashes[name], splits[name].labels.tolist(), originals(splits[name].ids), strict=True)
        for key, label, original in rows:
            if key not in seen[name]:
                seen[name][key], made_of[key] = label, original
            elif made_of[key] != original:
                count(f"{name}/{name}", seen[name][key] == label)
    for first, second in combinations(names, 2):
        for key, label in zip(hashes[second], splits[second].labels.tolist(), strict=True):
            if key in seen[first]:
                count(f"{first}/{second}", seen[first][key] == label)
    return found


def _tally(values: np.ndarray) -> dict[str, int]:
    names, counts = np.unique(values, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}
