"""The weights that a network is trained without from the start."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assay.models.classifier import Classifier
from assay.models.masks import weights
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.epochs import begin
from assay.train.images import Images
from assay.train.losses.features import applied


def chosen(
    registry: Registry,
    entry: Mapping[str, Any],
    model: Classifier,
    images: Images,
    loss: Callable[..., Tensor],
    streams: Streams,
) -> dict[str, Tensor]:
    """The masks (layer to bool, true at what stays) that an entry of kind `sparse` chooses for a model.

    Args:
        registry: where the method is found.
        entry: a whole entry.
        model: as initialised, on the device of the images; stays as it is.
        images: what it will be trained on.
        loss: the arm's, see `assay.train.objective`.
        streams: `init` draws masks, `order` the images whose loss is looked at.
    """

    def gradients(count: int) -> dict[str, Tensor]:
        """Of the mean loss of `count` labelled train images without augmentation, in training mode, by layer."""
        few = streams.numpy("order", "sparse").permutation(np.flatnonzero(images.targets >= 0))[:count]
        x, targets = images.batch(torch.from_numpy(few).to(images.labels.device))
        copied = copy.deepcopy(model).train()
        begin(loss, 0, 1)
        features = copied.features(x)
        applied(loss, copied.head(features), targets, images.counts, features).mean().backward()
        return {name: weight.grad for name, weight in weights(copied).items() if weight.grad is not None}

    generator = streams.torch("init", "sparse")
    masks: dict[str, Tensor] = bind(registry, "sparse", dict(entry))(model, gradients, generator)
    for name, mask in masks.items():
        print(f"sparse: {name} keeps {int(mask.sum())} of {mask.numel()} weights")
    return masks
