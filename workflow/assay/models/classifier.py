"""What every architecture returns: normalisation, a backbone and a linear head."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from assay.data.counts import value_counts
from assay.data.streamed import Streamed
from assay.models.initialise import initialise
from assay.study.registry import Registry, bind


class Classifier(nn.Module):
    """`logits = head(backbone((x - mean) / std))`.

    Images are float32 `[B,C,H,W]` in 0..1. Normalisation lives in the model, so whoever holds the weights needs
    nothing else to use them, and attacks and corruptions act on plain pixels.

    Args:
        backbone: normalised images `[B,C,H,W]` to features `[B,D]`.
        dimension: D.
        channels: C, 1 or 3.
        classes: K.
        head: another linear layer from D to K than torch's, such as one with other initial weights.
    """

    mean: Tensor
    std: Tensor

    #: Whether the backbone stays in evaluation mode while the rest trains, so that its batch statistics stay put.
    still: bool = False

    #: How many experts the features are of, side by side, see `assay.models.experts`.
    experts: int = 1

    def __init__(self, backbone: nn.Module, dimension: int, channels: int, classes: int, head: nn.Linear | None = None):
        super().__init__()
        #: What was done to the layers since the network was built, in order, see `assay.models.changes`.
        self.changes: list[dict[str, Any]] = []
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))
        self.backbone = backbone
        self.head = nn.Linear(dimension, classes) if head is None else head

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; a `still` backbone evaluates in both."""
        super().train(mode)
        if self.still:
            self.backbone.eval()
        return self

    def features(self, x: Tensor) -> Tensor:
        """Images float32 `[B,C,H,W]` in 0..1 to the features `[B,D]` that the head reads."""
        features: Tensor = self.backbone((x - self.mean[:, None, None]) / self.std[:, None, None])
        return features

    def forward(self, x: Tensor) -> Tensor:
        """Images float32 `[B,C,H,W]` in 0..1 to logits `[B,K]`."""
        logits: Tensor = self.head(self.features(x))
        return logits

    def fit_normalisation(self, images: np.ndarray | Streamed) -> None:
        """Set `mean` and `std` per channel from train images `uint8 [N,H,W,C]`.

        The moments come from exact integer counts of the 256 values, so they depend on no order of summation. A
        channel that is constant keeps a standard deviation of 1.
        """
        values = np.arange(256) / 255.0
        for channel, counts in enumerate(value_counts(images)):
            share = counts / max(1, counts.sum())
            mean = float(share @ values)
            std = float(share @ (values - mean) ** 2) ** 0.5
            self.mean[channel] = mean
            self.std[channel] = std or 1.0


def build(
    registry: Registry,
    entry: dict[str, Any],
    channels: int,
    classes: int,
    size: int,
    init_generator: torch.Generator,
) -> Classifier:
    """The untrained model that a config entry `{"method": name, option: value, ...}` names.

    Every initial weight comes from `init_generator`; the global random state is as before. To load stored weights
    into the result, any generator will do.
    """
    # Constructors of torch's layers draw from the global state; those draws are undone here and replaced below.
    with torch.random.fork_rng(devices=[]):
        model: Classifier = bind(registry, "model", entry)(channels, classes, size)
    initialise(model, init_generator)
    return model
