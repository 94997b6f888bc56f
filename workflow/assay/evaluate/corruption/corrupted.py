"""Images under a corruption, and what a model says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from assay.augment.draw import Draw, keys
from assay.data.dataset import Split
from assay.models.classifier import Classifier
from assay.train.infer import logits_and_features

Corruption = Callable[[np.ndarray, int, Draw], np.ndarray]

#: Images that are corrupted at a time, which no result depends on.
BATCH = 512


def corrupted(images: np.ndarray, ids: np.ndarray, name: str, corruption: Corruption, severity: int) -> np.ndarray:
    """Images uint8 `[N,H,W,C]` under a corruption at a severity from 1 to 5.

    What is drawn depends on the ids, the corruption and the severity alone, so that every arm and seed sees the same.
    """
    seed = int.from_bytes(hashlib.sha256(f"corruption/{name}".encode()).digest()[:8], "little") >> 1
    return corruption(np.ascontiguousarray(images), severity, Draw(seed, severity, keys(ids.tolist())))


def logits_on(
    model: Classifier, split: Split, name: str, corruption: Corruption, severity: int, tta: str
) -> np.ndarray:
    """Logits float32 `[N,K]` of the images of a split under a corruption; 0 leaves them as they are."""
    parts = [np.zeros((0, model.head.out_features), np.float32)]
    for start in range(0, len(split), BATCH):
        images = split.images[start : start + BATCH]
        if severity:
            images = corrupted(images, split.ids[start : start + BATCH], name, corruption, severity)
        parts.append(logits_and_features(model, images, BATCH, tta)[0])
    return np.concatenate(parts)
