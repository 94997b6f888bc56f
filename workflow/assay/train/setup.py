"""Before and after the loop: where a model lies, how it is watched, how it is handed on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from assay.models.classifier import Classifier
from assay.train.images import lay
from assay.train.infer import logits_alone
from assay.train.pixels import StreamedPixels

if TYPE_CHECKING:
    from assay.data.dataset import Split

#: Images at a time where no gradient is kept.
BATCH = 1024


def place(model: Classifier, device: torch.device) -> Classifier:
    """Move the model to the device, in the layout of the images (channels-last), in place."""
    return model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def frozen(model: Classifier, device: torch.device) -> Classifier:
    """A network that is only looked at, such as a teacher: placed, in evaluation mode, without gradients."""
    return place(model.eval().requires_grad_(False), device)


def finished(model: Classifier) -> Classifier:
    """The model as it is handed on: on the CPU, contiguous, in evaluation mode, without gradients."""
    model.zero_grad()
    return model.eval().cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def validation(
    model: Classifier,
    split: Split | None,
    device: torch.device,
    limit: int | None = None,
    ready: Callable[[], None] | None = None,
) -> Callable[[], dict[str, float]] | None:
    """A function that gives cross-entropy (nats) and accuracy on `split`, or None when there is nothing in it.

    `limit` is that of `held_out`; `ready` is called first each time, such as to put weights in place that no gradient
    moves.
    """
    held = held_out(split, device, limit)
    return partial(_validate, model, *held, ready) if held else None


def held_out(
    split: Split | None, device: torch.device, limit: int | None = None
) -> tuple[Tensor | StreamedPixels, Tensor] | None:
    """Pixels uint8 `[N,C,H,W]` and labels int64 `[N]` of a split on the device, or None when there is nothing in it.

    `limit` bounds the bytes of images that are kept there, see `assay.train.images.lay`.
    """
    if split is None or not len(split.labels):
        return None
    return lay([split.images], device, limit)[1], torch.from_numpy(split.labels).to(device)


def _validate(
    model: Classifier, pixels: Tensor | StreamedPixels, labels: Tensor, ready: Callable[[], None] | None
) -> dict[str, float]:
    if ready:
        ready()
    logits = logits_alone(model, pixels, BATCH)
    loss, right = F.cross_entropy(logits, labels), (logits.argmax(dim=1) == labels).float().mean()
    return {"val.loss": loss.item(), "val.accuracy": right.item()}
