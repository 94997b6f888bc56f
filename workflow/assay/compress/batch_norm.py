"""Statistics of batch normalisation, computed anew."""

from __future__ import annotations

from typing import Protocol

from torch.nn.modules.batchnorm import _BatchNorm

from assay import method
from assay.errors import MethodError
from assay.models.classifier import Classifier


class Data(Protocol):
    """Knows the train images."""

    def statistics(self, model: Classifier) -> None:
        """Compute the statistics of batch normalisation anew, in place."""


@method(
    "compress",
    "batch-norm",
    summary="Compute the statistics of batch normalisation anew on the train images, after weights were changed",
    paper="Izmailov et al. 2018, arXiv:1803.05407, section 3.2; Li et al. 2020, arXiv:2007.02491 (EagleEye)",
)
def batch_norm(model: Classifier, finetune: Data) -> Classifier:
    """Means and variances over one pass through the train images without augmentation; weights stay.

    Args:
        model: changed in place and returned.
        finetune: holds the images.

    Raises:
        MethodError: the model keeps no such statistics.
    """
    if not any(isinstance(part, _BatchNorm) and part.track_running_stats for part in model.modules()):
        raise MethodError("batch-norm: the model has no batch normalisation whose statistics could be computed anew")
    finetune.statistics(model)
    return model
