"""A trained model on many images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from assay.models.classifier import Classifier
from assay.train.pixels import StreamedPixels, to_pixels, to_unit
from assay.train.views import mean_features


@torch.no_grad()
def forward(model: Classifier, pixels: Tensor | StreamedPixels, batch: int, tta: str = "none") -> tuple[Tensor, Tensor]:
    """Logits `[N,K]` and features `[N,D]`, float32, of uint8 images `[N,C,H,W]`, in evaluation mode.

    With `tta` both are means over the views of each image, see `assay.train.views`.
    """
    training = model.training
    model.eval()
    parts = [
        mean_features(model.features, to_unit(pixels[start : start + batch]), tta)
        for start in range(0, len(pixels), batch)
    ]
    features = torch.cat(parts) if parts else torch.zeros((0, model.head.in_features), device=pixels.device)
    logits = model.head(features)
    model.train(training)
    return logits, features


@torch.no_grad()
def logits_alone(model: Classifier, pixels: Tensor | StreamedPixels, batch: int) -> Tensor:
    """Logits float32 `[N,K]` of uint8 images `[N,C,H,W]`, in evaluation mode; no features pile up on the way."""
    training = model.training
    model.eval()
    # One block for all: small ones that stay, between large ones that go, would leave memory full of holes.
    logits = model.head.weight.new_empty(len(pixels), model.head.out_features)
    for start in range(0, len(pixels), batch):
        logits[start : start + batch] = model(to_unit(pixels[start : start + batch]))
    model.train(training)
    return logits


def logits_and_features(
    model: Classifier, images: np.ndarray, batch: int = 512, tta: str = "none"
) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 `[N,K]` and features float32 `[N,D]` of images `uint8 [N,H,W,C]`, on the model's device.

    Args:
        model: as trained.
        images: may be a memory map.
        batch: images at a time.
        tta: over which views of an image they are means, see `assay.train.views`.
    """
    device = model.mean.device
    logits, features = [], []
    for start in range(0, len(images), batch):
        pixels = to_pixels(images[start : start + batch]).to(device)
        some_logits, some_features = forward(model, pixels, batch, tta)
        logits.append(some_logits.cpu().numpy())
        features.append(some_features.cpu().numpy())
    if not logits:
        return (
            np.zeros((0, model.head.out_features), np.float32),
            np.zeros((0, model.head.in_features), np.float32),
        )
    return np.concatenate(logits), np.concatenate(features)
