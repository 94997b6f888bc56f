"""A train split after curation: each choice sees what the one before it left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assay.data.curation import Evidence, View
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import Registry, bind


def curated(
    dataset: Dataset,
    entries: Sequence[dict[str, Any]],
    evidence: Sequence[Evidence],
    registry: Registry,
    streams: Streams,
) -> tuple[Split, list[dict[str, Any]]]:
    """The images that are kept, in their old order, and what the card says of each step.

    Args:
        dataset: with a split train.
        entries: of kind curate, in order.
        evidence: for each entry, what its model says of all images of train.
        registry: finds the methods.
        streams: stream `alteration` is used.

    Raises:
        MethodError: no train split, indices that are none, or no image left.
    """
    if "train" not in dataset.splits:
        raise MethodError(f"curate: there is no train split to choose from, only {', '.join(dataset.splits)}")
    train = dataset.splits["train"]
    others = {name: split.images for name, split in dataset.splits.items() if name != "train"}
    rows = np.arange(len(train))
    steps = []
    for number, (entry, known) in enumerate(zip(entries, evidence, strict=True)):
        now = train.take(rows)
        rng = streams.numpy("alteration", "curate", number, entry["method"])
        view = View(now.images, now.labels, now.ids, dataset.classes, rng, known.take(rows), others)
        kept = np.sort(np.asarray(bind(registry, "curate", entry)(view)))
        if not np.issubdtype(kept.dtype, np.integer) or (np.diff(kept) <= 0).any() or not _within(kept, len(rows)):
            raise MethodError(f"curate: {entry['method']} must return different indices of {len(rows)} images")
        if not len(kept):
            raise MethodError(f"curate: {entry['method']} keeps none of {len(rows)} images")
        steps.append({"step": "curate", **entry, "of": len(rows), "kept": len(kept), **view.facts})
        if "noisy" in now.flags:
            # Labels that a study made wrong show how good a curator is.
            steps[-1] |= {
                "wrong-labels-dropped": int(now.flags["noisy"].sum() - now.flags["noisy"][kept].sum()),
                "wrong-labels-kept": int(now.flags["noisy"][kept].sum()),
            }
        emptied = np.setdiff1d(now.labels, now.labels[kept])
        if len(emptied):
            steps[-1]["emptied"] = [dataset.classes[label] for label in emptied.tolist()]
        rows = rows[kept]
    return train.take(rows), steps


def _within(indices: np.ndarray, count: int) -> bool:
    return not len(indices) or (indices[0] >= 0 and bool(indices[-1] < count))
