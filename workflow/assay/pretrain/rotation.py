"""Rotation prediction."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import method
from assay.augment.draw import Draw
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.initialise import initialise


@method(
    "pretrain",
    "rotation",
    summary="Tell by how many quarter turns an image was rotated",
    paper="Gidaris et al. 2018, arXiv:1803.07728",
    shapes="images [B,C,H,H] -> scalar",
)
class Rotation:
    """A linear layer on the features names the rotation: 0, 90, 180 or 270 degrees.

    All four rotations of each image are in the batch, which the paper found to work best (section 3.1).
    """

    def prepare(self, dimension: int, generator: torch.Generator) -> nn.Module:
        """What is trained beside the backbone: the linear layer, from features `[B,dimension]` to 4 logits."""
        self.head = nn.Linear(dimension, 4)
        initialise(self.head, generator)
        return self.head

    def loss(self, model: Classifier, images: Tensor, draw: Draw) -> Tensor:  # noqa: ARG002
        """Mean cross-entropy (nats) over the four rotations of float32 images `[B,C,H,H]` in 0..1.

        Raises:
            MethodError: images that are not square.
        """
        height, width = images.shape[2:]
        if height != width:
            raise MethodError(f"rotation needs square images, these are {height}x{width}")
        turned = torch.cat([torch.rot90(images, turns, (2, 3)) for turns in range(4)])
        turns = torch.arange(4, device=images.device).repeat_interleave(len(images))
        return F.cross_entropy(self.head(model.features(turned)).float(), turns)
