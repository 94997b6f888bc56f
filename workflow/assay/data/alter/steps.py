"""The deliberate alterations of a dataset, in the order in which they happen, each with what it achieved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.data.alter.confound import confound
from assay.data.alter.labels import budget, corrupt
from assay.data.alter.shift import resample
from assay.data.alter.tamper import poison
from assay.data.alter.thin import subset, thin
from assay.data.archive import Files
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import Registry, bind

Effect = dict[str, Any]


@dataclass(frozen=True)
class Tools:
    """What the alterations of one dataset share.

    Attributes:
        registry: finds the methods.
        streams: stream `alteration` is used, a part of it by each alteration.
        files: where published files come from.
        most: take what there is where there is less than is asked for, as a smoke run does.
    """

    registry: Registry
    streams: Streams
    files: Files
    most: bool = False


def alter(dataset: Dataset, spec: dict[str, Any], tools: Tools) -> list[dict[str, Any]]:
    """Do what `spec` asks for, in place, by putting new splits in the place of old ones.

    Returns:
        A row for the card for each step: `{"step": key, option: value, ..., "effect": {what was measured}}`.

    Raises:
        MethodError: an alteration that the images cannot satisfy.
    """
    rows = []
    for key, (split, step) in STEPS.items():
        value = spec.get(key)
        if value is None:
            continue
        if split not in dataset.splits:
            raise MethodError(
                f"{key}: there is no {split} split to alter, only {', '.join(dataset.splits)}; set `split`"
            )
        effect = step(dataset, value, tools)
        rows.append({"step": key, **(value if isinstance(value, dict) else {"images": value}), "effect": effect})
    return rows


def _subset(dataset: Dataset, count: int, tools: Tools) -> Effect:
    before = dataset.splits["train"]
    dataset.splits["train"] = subset(before, dataset.classes, count, tools.streams)
    return {"before": len(before), "after": count}


def _imbalance(dataset: Dataset, entry: dict[str, Any], tools: Tools) -> Effect:
    before = dataset.splits["train"]
    keep = bind(tools.registry, "imbalance", entry)
    dataset.splits["train"] = thin(before, dataset.classes, keep, tools.streams, tools.most)
    return {"before": len(before), "after": len(dataset.splits["train"])}


def _confounder(dataset: Dataset, entry: dict[str, Any], tools: Tools) -> Effect:
    replaced = any(split.groups is not None for split in dataset.splits.values())
    method = bind(tools.registry, "confounder", entry)
    dataset.splits = confound(dataset, method, tools.streams, tools.files)
    agreement = {name: _share(split.flags["aligned"]) for name, split in dataset.splits.items() if name != "hold-out"}
    return {"agreement": agreement, **({"groups": "replaced"} if replaced else {})}


def _shift(dataset: Dataset, entry: dict[str, Any], tools: Tools) -> Effect:
    before = dataset.splits["test"]
    dataset.splits["test"] = resample(before, dataset.classes, bind(tools.registry, "shift", entry), tools.streams)
    counts = dataset.counts("test")
    shares = dict(zip(dataset.classes, (counts / max(int(counts.sum()), 1)).tolist(), strict=True))
    return {"before": len(before), "after": len(dataset.splits["test"]), "shares": shares}


def _label_noise(dataset: Dataset, entry: dict[str, Any], tools: Tools) -> Effect:
    noise = bind(tools.registry, "label-noise", entry)
    made = corrupt(dataset.splits["train"], dataset.classes, noise, tools.streams, tools.files)
    dataset.splits["train"] = made
    return {"wrong": int(made.flags["noisy"].sum()), "rate": _share(made.flags["noisy"])}


def _poison(dataset: Dataset, entry: dict[str, Any], tools: Tools) -> Effect:
    method = bind(tools.registry, "poison", entry)
    dataset.splits = poison(dataset, method, tools.streams, tools.files)
    marks = dataset.splits["train"].flags["poisoned"]
    triggered = dataset.splits.get("triggered")
    return {
        "poisoned": int(marks.sum()),
        "share": _share(marks),
        "triggered": 0 if triggered is None else len(triggered),
    }


def _labels(dataset: Dataset, count: int, tools: Tools) -> Effect:
    train = dataset.splits["train"]
    if tools.most:
        count = min(count, max(len(train) // 2, 1))
    splits: dict[str, Split] = dataset.splits
    splits["train"], splits["unlabelled"] = budget(
        train, splits.get("unlabelled"), dataset.classes, count, tools.streams
    )
    return {"labelled": len(splits["train"]), "unlabelled": len(splits["unlabelled"])}


def _share(marks: np.ndarray) -> float:
    return float(marks.mean()) if len(marks) else 0.0


#: Key of the config -> the split that it needs, and what it does. Pictures change before labels do, so that a wrong
#: label changes no picture; labels are taken away last, so that they are dealt out among what is left.
STEPS: dict[str, tuple[str, Callable[[Dataset, Any, Tools], Effect]]] = {
    "subset": ("train", _subset),
    "imbalance": ("train", _imbalance),
    "confounder": ("train", _confounder),
    "shift": ("test", _shift),
    "label-noise": ("train", _label_noise),
    "poison": ("train", _poison),
    "labels": ("train", _labels),
}
