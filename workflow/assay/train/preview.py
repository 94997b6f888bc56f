"""What an arm's augmentation makes of images, to be looked at in the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from assay.data.dataset import Dataset
from assay.models.classifier import Classifier
from assay.streams import Streams
from assay.study.registry import Registry
from assay.train.augments import augmentations
from assay.train.images import Images
from assay.train.objective import augmented


def preview(
    spec: Mapping[str, Any], registry: Registry, dataset: Dataset, model: Classifier, count: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Train images as they are and as the first epoch of a training sees them.

    Args:
        spec: a training's spec; `augment` and `streams` are read.
        registry: where the methods are found.
        dataset: with a split `train`; images are taken evenly from its whole length.
        model: the network as trained, for augmentations that look at it.
        count: how many, at most.

    Returns:
        Two uint8 `[count,H,W,C]`, in the same order.
    """
    images = Images([dataset.splits["train"]], len(dataset.classes), torch.device("cpu"))
    chosen = torch.linspace(0, len(images.raw) - 1, min(count, len(images.raw))).long()
    x, targets = images.batch(chosen)
    augments = augmentations(registry, spec["augment"], model)
    ids = images.draw_ids(chosen, torch.zeros_like(chosen))
    x, _ = augmented(x, targets, augments, Streams(spec["streams"]).seed("augment", "train"), 0, ids)
    altered = (x.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return images.raw[chosen.numpy()], altered
