"""Statistics of batch normalisation for weights that were never trained with them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from assay.models.classifier import Classifier
from assay.train.pixels import StreamedPixels, to_unit
from assay.train.recipe import training_mode


@torch.no_grad()
def batch_statistics(model: Classifier, pixels: Tensor | StreamedPixels, batch: int) -> None:
    """Set running means and variances to their means over one pass through the images, without augmentation.

    Izmailov et al. 2018 (arXiv:1803.05407), algorithm 1, last line. Layers that stay in evaluation mode are left alone.

    Args:
        model: changed in place.
        pixels: uint8 `[N,C,H,W]` on the model's device.
        batch: images at a time, at most; parts differ by one image at most.
    """
    training_mode(model)
    layers = [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats and module.training
    ]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over all batches
    for part in torch.arange(len(pixels), device=pixels.device).tensor_split(-(-len(pixels) // batch)):
        model.features(to_unit(pixels[part]))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
