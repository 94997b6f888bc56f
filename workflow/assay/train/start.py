"""What a training starts from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from assay.models.classifier import Classifier, build
from assay.study.registry import Registry
from assay.train.initial import start_from_encoder, start_from_weights

if TYPE_CHECKING:
    import numpy as np

    from assay.data.dataset import Dataset


def started(
    registry: Registry,
    entry: Mapping[str, Any],
    dataset: Dataset,
    images: np.ndarray,
    generator: torch.Generator,
    *,
    encoder: Mapping[str, Tensor] | None = None,
    weights: Mapping[str, Tensor] | None = None,
) -> Classifier:
    """The model before the first step.

    Args:
        registry: where the architecture is found.
        entry: a whole entry of kind `model`.
        dataset: the one to be trained on.
        images: `uint8 [N,H,W,C]`, by which it normalises, where what it starts from does not say.
        generator: of the initial weights; a training takes the stream `init` under the name `model`.
        encoder: tensors whose backbone it starts from.
        weights: tensors that it starts from.

    Raises:
        MethodError: the tensors do not fit.
    """
    model = build(registry, dict(entry), dataset.channels, len(dataset.classes), dataset.size, generator)
    model.fit_normalisation(images)
    if encoder is not None:
        start_from_encoder(model, encoder)
    if weights is not None:
        start_from_weights(model, weights)
    return model
