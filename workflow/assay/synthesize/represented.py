"""Diffusion models that are told what a network sees in an image, in place of its class."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.synthesize.unet import Labels


class Represented(nn.Module):
    """Takes the place of `UNet.label`: from the number of a train image to the vector that its features become.

    Graikos et al. 2024, arXiv:2312.07330: a diffusion model that is conditioned on the features of an encoder learnt
    without labels makes variations of real images. The features lie within, so that nothing but the weights is needed
    to make images. The number N, which no image has, stands for no features (classifier-free guidance).

    Args:
        features: float32 [N,D].
        labels: classes of the images, int64 [N].
        context: dimension of the vectors.
    """

    features: Tensor
    labels: Tensor

    def __init__(self, features: Tensor, labels: Tensor, context: int):
        super().__init__()
        self.register_buffer("features", features)
        # As floats: the average of weights runs over buffers too, and such numbers it leaves as they are.
        self.register_buffer("labels", labels.float())
        self.map = nn.Linear(features.shape[1], context)
        self.none = Labels(1, context)

    def forward(self, y: Tensor) -> Tensor:
        """Numbers of images, int64 [B], to vectors, float [B,context]."""
        known: Tensor = self.map(self.features[y.clamp(max=len(self.features) - 1)])
        return torch.where((y < len(self.features))[:, None], known, self.none(torch.zeros_like(y)).to(known.dtype))

    def chosen(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The number of a train image of each of the classes `labels`, int64 [M], at random.

        Raises:
            MethodError: a class without a train image.
        """
        known = self.labels.numpy().astype(np.int64)
        out = np.empty(len(labels), np.int64)
        for label in np.unique(labels):
            own = np.flatnonzero(known == label)
            if not len(own):
                raise MethodError(f"class number {label} has no train image, and so no features to make images from")
            out[labels == label] = rng.choice(own, int((labels == label).sum()))
        return out


def standardised(features: np.ndarray) -> Tensor:
    """Features float32 [N,D] with mean 0 and standard deviation 1 in each dimension; one that is the same stays 0."""
    rows = features.astype(np.float64)
    spread = rows.std(0)
    return torch.from_numpy(((rows - rows.mean(0)) / np.where(spread > 1e-6, spread, 1)).astype(np.float32))
