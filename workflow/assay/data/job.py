"""The computation of stage `data`: from a resolved dataset to its splits and card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from assay.data.alter.classes import choose_classes, rename_classes
from assay.data.alter.groups import groups_of, read_groups
from assay.data.alter.steps import Tools, alter
from assay.data.alter.thin import subset
from assay.data.archive import Files, NoFiles
from assay.data.card import describe
from assay.data.copies import copied
from assay.data.curated import curated
from assay.data.curation import Evidence
from assay.data.dataset import Dataset, Split, rank
from assay.data.given import Given
from assay.data.raw import Raw
from assay.data.shape import match
from assay.data.splits.parts import parts
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import Registry, bind


def build(
    spec: dict[str, Any],
    registry: Registry,
    *,
    parent: Dataset | None = None,
    like: Dataset | None = None,
    evidence: Sequence[Evidence] = (),
    files: Files | None = None,
) -> Dataset:
    """Make the dataset that `spec` describes.

    In this order: the source (or the parent) gives images; `groups` says which belong together; `like`, or `resolution`
    and `channels`, give their shape; they are cut into splits; classes are renamed, then kept or held out; then the
    train split alone is curated (`curate`); then come the alterations of `assay.data.alter.steps`, and at last altered
    copies take the place of the train images (`assay.data.copies`).

    Args:
        spec: a resolved dataset, `{"source": entry or None, "groups", "resolution", "channels", "split", "class-map",
            "classes", "subset", "imbalance", "confounder", "shift", "label-noise", "poison", "labels", "copies",
            "curate": list, "augment": list, "streams": {"split": int, "alteration": int, "generator": int}}`; a missing
            key means null.
            `limit` is a subset that takes what there is when there is less; `most` makes alterations do so.
        registry: finds the methods.
        parent: the dataset that is altered further; needed when `source` is null, and used only then.
        like: the dataset whose height, width and channels (and, with `class-map`, classes) the images take.
        evidence: for each entry of `curate`, what its model says of the parent's train split.
        files: where a source's archives come from; nowhere when left out.

    Raises:
        MethodError: a spec that the images cannot satisfy, or images of one class alone to learn from.
    """
    streams = Streams(spec["streams"])
    files = files or NoFiles()
    altered: list[dict[str, Any]] = []
    if spec.get("source") is not None:
        raw = bind(registry, "source", spec["source"])(Given(streams, like, files))
        origin = {**spec["source"], "licence": raw.licence, "citation": raw.citation}
        dataset = _from_raw(raw, spec, like, streams)
    elif parent is not None:
        if spec.get("split") is not None:
            raise MethodError("split: the dataset that this one comes from is split already; set `split` there")
        dataset = _from_parent(parent, spec)
        origin = {**parent.card.get("source", {}), **{key: parent.card.get(key, "") for key in ("licence", "citation")}}
        altered += parent.card.get("altered", [])
    else:
        raise MethodError("a dataset needs a source, or another one that it comes from")

    shape = {key: spec[key] for key in ("resolution", "channels") if spec.get(key) is not None}
    if shape:
        altered.append({"step": "shape", **shape})
    if spec.get("groups") is not None:
        found = [split.groups for split in dataset.splits.values() if split.groups is not None]
        effect = {"groups": len(np.unique(np.concatenate(found)))}
        altered.append({"step": "groups", **spec["groups"], "effect": effect})
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
    if spec.get("curate"):
        known = evidence or [Evidence() for _ in spec["curate"]]
        dataset.splits["train"], steps = curated(dataset, spec["curate"], known, registry, streams)
        altered += steps
    altered += alter(dataset, spec, Tools(registry, streams, files, bool(spec.get("most"))))
    if spec.get("copies"):
        if "train" not in dataset.splits:
            raise MethodError(f"copies: there is no train split to copy, only {', '.join(dataset.splits)}")
        before = dataset.splits["train"]
        dataset.splits["train"] = copied(before, spec["copies"], spec["augment"], registry, streams)
        names = [entry["method"] for entry in spec["augment"]]
        effect = {"before": len(before), "after": len(dataset.splits["train"])}
        altered.append({"step": "copies", "copies": spec["copies"], "augment": ", ".join(names), "effect": effect})
    dataset.splits = {name: dataset.splits[name] for name in sorted(dataset.splits, key=rank)}
    dataset.card = describe(dataset, origin, altered, like)
    return dataset


def _from_raw(raw: Raw, spec: dict[str, Any], like: Dataset | None, streams: Streams) -> Dataset:
    """The images of a source, in their shape and splits."""
    assert raw.ids is not None
    ids = raw.ids.astype(str)
    if spec.get("groups") is not None:
        raw = replace(raw, groups=groups_of(ids, _groups(spec["groups"]), spec["groups"]["path"]))
    images = _shaped(raw.images, spec)
    if like is not None:
        images = match(images, *next(iter(like.splits.values())).images.shape[1:])
    labels = raw.labels.astype(np.int64)
    original = labels.copy() if raw.original is None else raw.original
    flags = {} if raw.original is None else {"noisy": labels != original}
    whole = Split(images, labels, ids, original, raw.groups, flags, raw.soft)
    made = parts(raw, spec.get("split"), streams)
    splits = {str(name): whole.take(made == name) for name in np.unique(made)}
    known = np.unique(labels[labels >= 0])
    if "train" in splits and len(known) == 1:
        raise MethodError(
            f"all images are of one class, {raw.classes[known[0]]}, so there is nothing to learn; images that only "
            "evaluations see need no train split"
        )
    return Dataset(list(raw.classes), splits, {"decisions": raw.decisions})


def _from_parent(parent: Dataset, spec: dict[str, Any]) -> Dataset:
    """The splits of the parent, in the shape and with the groups that `spec` gives them."""
    splits = {}
    table = None if spec.get("groups") is None else _groups(spec["groups"])
    for name, split in parent.splits.items():
        groups = split.groups if table is None else groups_of(split.ids, table, spec["groups"]["path"])
        splits[name] = replace(split, images=_shaped(split.images, spec), groups=groups)
    return Dataset(
        list(parent.classes),
        splits,
        {"held-out": list(parent.card.get("held-out", [])), "decisions": parent.card.get("decisions", {})},
    )


def _groups(spec: dict[str, Any]) -> dict[str, str]:
    return read_groups(spec["path"], spec.get("id") or "id", spec.get("group") or "group")


def _shaped(images: np.ndarray, spec: dict[str, Any]) -> np.ndarray:
    """Images uint8 [N,H,W,C] with the `resolution` (square) and `channels` that `spec` gives them."""
    height, width, channels = images.shape[1:]
    side = spec.get("resolution")
    return match(images, side or height, side or width, spec.get("channels") or channels)
