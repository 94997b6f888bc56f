"""Inverse image frequency, in the head."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import method
from assay.models.classifier import Classifier
from assay.train.losses.weights import log_prior


@method(
    "adjust",
    "inverse-image-frequency",
    summary="Multiply the logits by the logarithm of the classes' inverse shares",
    paper="Alexandridis et al. 2023, arXiv:2209.04861 (variant `raw` of the authors' code)",
)
@torch.no_grad()
def inverse_image_frequency(
    model: Classifier,
    counts: Tensor,
    finetune: object,  # noqa: ARG001
    generator: torch.Generator,  # noqa: ARG001
) -> Classifier:
    """`z log(N / n)`, by the weights and the bias of the head.

    After the loss of the same name it is the second half of the method: that loss trains these logits, not z. After
    another loss it is the post-hoc use.

    Args:
        model: changed in place and returned.
        counts: n, int64 `[K]`, train images of each class; N is their sum.
        finetune, generator: not used here.
    """
    factor = -log_prior(counts)
    model.head.weight.mul_(factor[:, None])
    model.head.bias.mul_(factor)
    return model
