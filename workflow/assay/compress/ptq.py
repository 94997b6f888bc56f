"""Post-training quantisation."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from assay import Option, method
from assay.compress.quantise import bounds, convert
from assay.models.classifier import Classifier


class Data(Protocol):
    """Gives train images."""

    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """Images `[B,C,H,W]` in 0..1 without augmentation, and targets."""


@method(
    "compress",
    "ptq",
    summary="Weights become integers of 8 or 4 bits, activations too if asked, without further training",
    paper="Jacob et al. 2018, arXiv:1712.05877; Nagel et al. 2021, arXiv:2106.08295, sections 2 and 3",
    options={
        "bits": Option(8, "of a weight", choices=[8, 4]),
        "cut": Option(
            False, "whether the largest weights of a channel may be cut off where that lowers its squared error"
        ),
        "activations": Option(False, "whether the input of each layer is rounded to 8 bits too"),
        "images": Option(512, "train images that set the bounds of activations", at_least=1),
        "beyond": Option(0.0, "share of an input's values that may lie beyond the bounds", at_least=0, below=0.5),
    },
)
def ptq(
    model: Classifier, finetune: Data, *, bits: int, cut: bool, activations: bool, images: int, beyond: float
) -> Classifier:
    """Symmetric steps for each output channel, `w ~ s_o round(w / s_o)`; 256 steps between two bounds for inputs.

    Weights are stored as integers, biases and normalisation layers stay floats. What a layer computes is what integer
    arithmetic with wide sums would give, but it computes it in floats: bytes shrink, time does not.

    Args:
        model: changed in place and returned.
        finetune: gives train images.
        bits, cut, activations, images, beyond: see the options.
    """
    inputs = bounds(model.eval(), finetune.sample(images)[0], beyond) if activations else None
    return convert(model, bits, cut=cut, inputs=inputs)
