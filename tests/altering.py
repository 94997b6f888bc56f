"""Small subjects for tests of deliberate alterations."""

from __future__ import annotations

import numpy as np
from assay.data.alter.subject import Subject
from assay.data.archive import NoFiles


def subject(labels, classes, *, images=None, split="train", seed=0, ids=None):
    """Images (black, 8 x 8 and grey unless given) with these labels; `classes` are names or how many."""
    labels = np.asarray(labels, np.int64)
    names = [f"c{k}" for k in range(classes)] if isinstance(classes, int) else list(classes)
    images = np.zeros((len(labels), 8, 8, 1), np.uint8) if images is None else images
    ids = np.array([f"i-{k}" for k in range(len(labels))]) if ids is None else np.array(ids)
    return Subject(split, images, labels, ids, names, np.random.default_rng(seed), NoFiles())
