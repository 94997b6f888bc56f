"""The computation of stage `data`: from a resolved dataset to its splits and card."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.data.alter import choose_classes, corrupt, rename_classes, subset, thin
from assay.data.archive import Files, NoFiles
from assay.data.card import describe
from assay.data.dataset import Dataset, Split, rank
from assay.data.given import Given
from assay.data.raw import Raw
from assay.data.shape import match
from assay.data.splits import parts
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import Registry, bind


def build(
    spec: dict[str, Any],
    registry: Registry,
    *,
    parent: Dataset | None = None,
    like: Dataset | None = None,
    files: Files | None = None,
) -> Dataset:
    """Make the dataset that `spec` describes.

    In this order: the source (or the parent) gives images; `like` gives their shape; classes are renamed, then cut
    into splits, then kept or held out; then the train split alone is thinned (`subset`, `imbalance`) and its labels
    corrupted (`label-noise`).

    Args:
        spec: a resolved dataset, `{"source": entry or None, "class-map", "split", "classes", "subset", "imbalance",
            "label-noise", "streams": {"split": int, "alteration": int, "generator": int}}`; a missing key means null.
            `limit` is a subset that takes what there is when there is less.
        registry: finds the methods.
        parent: the dataset that is altered further; needed when `source` is null, and used only then.
        like: the dataset whose height, width and channels (and, with `class-map`, classes) the images take.
        files: where a source's archives come from; nowhere when left out.

    Raises:
        MethodError: a spec that the images cannot satisfy, or images of one class alone to learn from.
    """
    streams = Streams(spec["streams"])
    if spec.get("source") is not None:
        raw = bind(registry, "source", spec["source"])(Given(streams, like, files or NoFiles()))
        origin = {**spec["source"], "licence": raw.licence, "citation": raw.citation}
        dataset = _from_raw(raw, spec.get("split"), like, streams)
        altered: list[dict[str, Any]] = []
    elif parent is not None:
        if spec.get("split") is not None:
            raise MethodError("split: the dataset that this one comes from is split already; set `split` there")
        dataset = Dataset(
            list(parent.classes),
            dict(parent.splits),
            {"held-out": list(parent.card.get("held-out", [])), "decisions": parent.card.get("decisions", {})},
        )
        origin = {**parent.card.get("source", {}), **{key: parent.card.get(key, "") for key in ("licence", "citation")}}
        altered = list(parent.card.get("altered", []))
    else:
        raise MethodError("a dataset needs a source, or another one that it comes from")

    if spec.get("class-map"):
        dataset = rename_classes(dataset, spec["class-map"], like)
        altered.append({"step": "class-map", **spec["class-map"]})
    choice = {key: value for key, value in (spec.get("classes") or {}).items() if value}
    if choice:
        dataset = choose_classes(dataset, choice)
        altered.append({"step": "classes", **choice})
    if spec.get("limit") and "train" in dataset.splits:
        count = min(int(spec["limit"]), len(dataset.splits["train"]))
        dataset.splits["train"] = subset(dataset.splits["train"], dataset.classes, count, streams)
        altered.append({"step": "limit", "images": count})
    for key in ("subset", "imbalance", "label-noise"):
        if spec.get(key) is not None:
            dataset.splits["train"] = _altered(dataset, key, spec[key], registry, streams)
            altered.append({"step": key, **(spec[key] if isinstance(spec[key], dict) else {"images": spec[key]})})
    dataset.splits = {name: dataset.splits[name] for name in sorted(dataset.splits, key=rank)}
    dataset.card = describe(dataset, origin, altered)
    return dataset


def _from_raw(raw: Raw, split: dict[str, Any] | None, like: Dataset | None, streams: Streams) -> Dataset:
    """The images of a source, in the shape of `like`, in their splits."""
    assert raw.ids is not None
    images = raw.images
    if like is not None:
        height, width, channels = next(iter(like.splits.values())).images.shape[1:]
        images = match(images, height, width, channels)
    labels = raw.labels.astype(np.int64)
    whole = Split(images, labels, raw.ids.astype(str), labels.copy(), raw.groups, soft=raw.soft)
    made = parts(raw, split, streams)
    splits = {str(name): whole.take(made == name) for name in np.unique(made)}
    known = np.unique(labels[labels >= 0])
    if "train" in splits and len(known) == 1:
        raise MethodError(
            f"all images are of one class, {raw.classes[known[0]]}, so there is nothing to learn; images that only "
            "evaluations see need no train split"
        )
    return Dataset(list(raw.classes), splits, {"decisions": raw.decisions})


def _altered(dataset: Dataset, key: str, value: Any, registry: Registry, streams: Streams) -> Split:
    """The train split after one alteration."""
    if "train" not in dataset.splits:
        raise MethodError(f"{key}: there is no train split to alter, only {', '.join(dataset.splits)}; set `split`")
    train = dataset.splits["train"]
    if key == "subset":
        return subset(train, dataset.classes, int(value), streams)
    chosen = bind(registry, key, value)
    return (thin if key == "imbalance" else corrupt)(train, dataset.classes, chosen, streams)
