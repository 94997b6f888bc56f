"""Prior thresholding."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import method
from assay.adjust.logit_adjustment import logit_adjustment
from assay.models.classifier import Classifier


@method(
    "adjust",
    "prior-thresholding",
    summary="Divide probabilities by the class shares of the train split",
    paper="Richard and Lippmann 1991, doi:10.1162/neco.1991.3.4.461; Buda et al. 2018, arXiv:1710.05381, section 2.4",
)
def prior_thresholding(model: Classifier, counts: Tensor, finetune: object, generator: torch.Generator) -> Classifier:
    """`p_j / prior_j`, scaled to sum to 1: `logit-adjustment` with tau 1, under the name of an older literature.

    Args:
        model: changed in place and returned.
        counts: int64 `[K]`, train images of each class; one without any counts as having one.
        finetune, generator: not used here.
    """
    return logit_adjustment(model, counts, finetune, generator, tau=1.0)
