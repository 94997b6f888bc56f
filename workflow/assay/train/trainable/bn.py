"""Batch normalisation alone trains."""

from __future__ import annotations

from functools import partial

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.train.trainable.freeze import Finish, finish, freeze


@method(
    "trainable",
    "bn",
    summary="Scales and shifts of batch normalisation alone",
    paper="Frankle et al. 2020, arXiv:2003.00152",
    options={"head": Option(False, "whether the linear head trains too")},
)
def bn(model: Classifier, generator: torch.Generator, *, head: bool) -> Finish:  # noqa: ARG001
    """Train two parameters for each channel that batch normalisation sees; Frankle et al. 2020, section 3.

    As there, everything else keeps its initial weights, and means and variances are those of each batch, with running
    ones for evaluation.

    Raises:
        MethodError: the model has no batch normalisation.
    """
    freeze(model, head=head, still=False)
    norms = [module for module in model.backbone.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.requires_grad_(True)
    if not any(True for norm in norms for _ in norm.parameters(recurse=False)):
        raise MethodError("trainable: bn, and the model has no batch normalisation to train; try film or lora")
    return partial(finish, model)
