"""An attribute that goes with the class in training, and need not at test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assay.data.alter.subject import Subject
from assay.data.archive import Files
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.streams import Streams

Confounder = Callable[[Subject], tuple[np.ndarray, np.ndarray]]


def confound(dataset: Dataset, confounder: Confounder, streams: Streams, files: Files) -> dict[str, Split]:
    """All splits with the attribute in their images.

    Attribute a is the one that goes with class a. It goes with the true class of an image (`original`): a wrong label
    does not change a picture. Groups become `class/class whose attribute it has`, so `cat/dog` is a cat that
    looks like a dog's picture, and the flag `aligned` tells where both are the same. Each split draws for itself.

    Raises:
        MethodError: the method returns images or attributes that do not fit.
    """
    return {
        name: _confounded(dataset, name, split, confounder, streams, files) for name, split in dataset.splits.items()
    }


def _confounded(
    dataset: Dataset, name: str, split: Split, confounder: Confounder, streams: Streams, files: Files
) -> Split:
    held = name == "hold-out"
    true = np.full(len(split), -1, np.int64) if held else split.original
    names = list(dataset.card.get("held-out", [])) if held else dataset.classes
    rng = streams.numpy("alteration", "confounder", name)
    subject = Subject(name, split.images, true.copy(), split.ids, tuple(dataset.classes), rng, files)
    images, attributes = confounder(subject)
    fits = images.shape[:3] == split.images.shape[:3] and images.dtype == np.uint8
    if not fits or attributes.shape != true.shape:
        raise MethodError(f"confounder: expected one image and one attribute for each of {len(split)} images")
    if len(split) and not 0 <= attributes.min() <= attributes.max() < len(dataset.classes):
        raise MethodError(f"confounder: attributes must be in 0..{len(dataset.classes) - 1}")
    shown = [
        f"{names[k] if k >= 0 else 'none'}/{dataset.classes[a]}"
        for k, a in zip(split.original.tolist(), attributes.tolist(), strict=True)
    ]
    flags = {**split.flags, "aligned": attributes == true}
    return replace(split, images=images, groups=np.array(shown, dtype=str), flags=flags)
