"""Everything trains."""

from __future__ import annotations

from functools import partial

import torch

from assay import method
from assay.models.classifier import Classifier
from assay.train.trainable.freeze import Finish, finish


@method("trainable", "all", summary="Every parameter of the model")
def everything(model: Classifier, generator: torch.Generator) -> Finish:  # noqa: ARG001
    """Leave the model as it is."""
    return partial(finish, model)
