"""The linear head alone trains."""

from __future__ import annotations

from functools import partial

import torch

from assay import method
from assay.models.classifier import Classifier
from assay.train.trainable.freeze import Finish, finish, freeze


@method("trainable", "head", summary="The linear head alone, on the features of a backbone that stays as it is")
def head(model: Classifier, generator: torch.Generator) -> Finish:  # noqa: ARG001
    """Train `D * K + K` parameters.

    The backbone stays in evaluation mode: its features are those that `init` brought, whatever else is in the batch,
    and its running statistics stay as they are.
    """
    freeze(model, head=True, still=True)
    return partial(finish, model)
