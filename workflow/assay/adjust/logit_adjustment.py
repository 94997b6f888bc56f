"""Post-hoc logit adjustment."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier
from assay.train.losses.weights import log_prior


@method(
    "adjust",
    "logit-adjustment",
    summary="Take the logarithm of the class shares off the logits",
    paper="Menon et al. 2021, arXiv:2007.07314, eq. 9",
    options={"tau": Option(1.0, "how much of it is taken off; 0 leaves the model as it is", at_least=0)},
)
@torch.no_grad()
def logit_adjustment(
    model: Classifier,
    counts: Tensor,
    finetune: object,  # noqa: ARG001
    generator: torch.Generator,  # noqa: ARG001
    *,
    tau: float,
) -> Classifier:
    """`z - tau log prior`, by the bias of the head.

    Args:
        model: changed in place and returned.
        counts: int64 `[K]`, train images of each class; one without any counts as having one.
        finetune, generator: not used here.
        tau: see the option.
    """
    model.head.bias.sub_(tau * log_prior(counts))
    return model
