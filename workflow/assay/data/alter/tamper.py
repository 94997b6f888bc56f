"""Images tampered with so that a model learns a back door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assay.data.alter.subject import Subject
from assay.data.archive import Files
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.streams import Streams

Poison = Callable[[Subject], tuple[np.ndarray, np.ndarray, np.ndarray]]


def poison(dataset: Dataset, method: Poison, streams: Streams, files: Files) -> dict[str, Split]:
    """The dataset with a poisoned train split, and the split `triggered` beside a test split.

    In train the flag `poisoned` marks what was tampered with. `triggered` holds the test images that an attack is tried
    on, with the trigger, and the label that the attacker wants: accuracy on it is the success rate of the attack. Its
    ids are those of the test images after `triggered:`, since test itself stays as it is.

    Raises:
        MethodError: the method returns arrays that do not fit.
    """
    splits = dict(dataset.splits)
    splits["train"] = _tampered("train", splits["train"], dataset.classes, method, streams, files)
    if "test" in splits:
        made = _tampered("test", splits["test"], dataset.classes, method, streams, files)
        made = made.take(made.flags["poisoned"])
        ids = np.array([f"triggered:{name}" for name in made.ids.tolist()], dtype=str)
        splits["triggered"] = replace(made, ids=ids)
    return splits


def _tampered(name: str, split: Split, classes: list[str], method: Poison, streams: Streams, files: Files) -> Split:
    rng = streams.numpy("alteration", "poison", name)
    subject = Subject(name, split.images, split.labels.copy(), split.ids, tuple(classes), rng, files)
    images, labels, poisoned = method(subject)
    if images.shape != split.images.shape or labels.shape != split.labels.shape or poisoned.shape != labels.shape:
        raise MethodError(f"poison: expected one image, label and mark for each of {len(split)} images")
    before = split.flags.get("poisoned", np.zeros(len(split), bool))
    flags = {**split.flags, "poisoned": before | poisoned}
    return replace(split, images=images, labels=labels.astype(np.int64), flags=flags)
