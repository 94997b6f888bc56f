"""AutoAugment."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw
from assay.augment.ops import colour
from assay.augment.ops.space import Scale, apply, scales

SPACE = scales(shear=0.3, shift=150 / 331, turn=30, colours=0.9, bits=(8, 4)) | {"invert": Scale(colour.invert)}

#: An operation, its probability, and its strength of 9.
Step = tuple[str, float, int]

CIFAR10: list[tuple[Step, Step]] = [
    (("invert", 0.1, 0), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate-x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear-y", 0.5, 8), ("translate-y", 0.7, 9)),
    (("autocontrast", 0.5, 0), ("equalize", 0.9, 0)),
    (("shear-y", 0.2, 7), ("posterize", 0.3, 7)),
    (("saturation", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 0), ("equalize", 0.5, 0)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("saturation", 0.7, 7), ("translate-x", 0.5, 8)),
    (("equalize", 0.3, 0), ("autocontrast", 0.4, 0)),
    (("translate-y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("saturation", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 0)),
    (("equalize", 0.2, 0), ("autocontrast", 0.6, 0)),
    (("equalize", 0.2, 0), ("equalize", 0.6, 0)),
    (("saturation", 0.9, 9), ("equalize", 0.6, 0)),
    (("autocontrast", 0.8, 0), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("saturation", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, 0)),
    (("translate-y", 0.9, 9), ("translate-y", 0.7, 9)),
    (("autocontrast", 0.9, 0), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 0), ("invert", 0.1, 0)),
    (("translate-y", 0.7, 9), ("autocontrast", 0.9, 0)),
]

SVHN: list[tuple[Step, Step]] = [
    (("shear-x", 0.9, 4), ("invert", 0.2, 0)),
    (("shear-y", 0.9, 8), ("invert", 0.7, 0)),
    (("equalize", 0.6, 0), ("solarize", 0.6, 6)),
    (("invert", 0.9, 0), ("equalize", 0.6, 0)),
    (("equalize", 0.6, 0), ("rotate", 0.9, 3)),
    (("shear-x", 0.9, 4), ("autocontrast", 0.8, 0)),
    (("shear-y", 0.9, 8), ("invert", 0.4, 0)),
    (("shear-y", 0.9, 5), ("solarize", 0.2, 6)),
    (("invert", 0.9, 0), ("autocontrast", 0.8, 0)),
    (("equalize", 0.6, 0), ("rotate", 0.9, 3)),
    (("shear-x", 0.9, 4), ("solarize", 0.3, 3)),
    (("shear-y", 0.8, 8), ("invert", 0.7, 0)),
    (("equalize", 0.9, 0), ("translate-y", 0.6, 6)),
    (("invert", 0.9, 0), ("equalize", 0.6, 0)),
    (("contrast", 0.3, 3), ("rotate", 0.8, 4)),
    (("invert", 0.8, 0), ("translate-y", 0.0, 2)),
    (("shear-y", 0.7, 6), ("solarize", 0.4, 8)),
    (("invert", 0.6, 0), ("rotate", 0.8, 4)),
    (("shear-y", 0.3, 7), ("translate-x", 0.9, 3)),
    (("shear-x", 0.1, 6), ("invert", 0.6, 0)),
    (("solarize", 0.7, 2), ("translate-y", 0.6, 7)),
    (("shear-y", 0.8, 4), ("invert", 0.8, 0)),
    (("shear-x", 0.7, 9), ("translate-y", 0.8, 3)),
    (("shear-y", 0.8, 5), ("autocontrast", 0.7, 0)),
    (("shear-x", 0.7, 2), ("invert", 0.1, 0)),
]

POLICIES = {"cifar10": CIFAR10, "svhn": SVHN}


@method(
    "augment",
    "autoaugment",
    summary="One of 25 pairs of operations that were searched for on a dataset",
    paper="Cubuk et al. 2019, arXiv:1805.09501",
    options={"policy": Option("cifar10", "where the pairs were searched for", choices=["cifar10", "svhn"])},
    shapes="images [B,C,H,W] -> same",
)
def autoaugment(images: Tensor, targets: Tensor, draw: Draw, *, policy: str) -> tuple[Tensor, Tensor]:
    """A pair is drawn for each image, and of it each operation happens with its own probability; targets stay.

    Pairs as in tables 7 and 9 of the paper, ranges of strength as in torchvision.
    """
    pairs, names = POLICIES[policy], list(SPACE)
    pair = draw.integers(0, len(pairs))[:, 0]
    for half in (0, 1):
        steps = [step[half] for step in pairs]
        place, probability, strength = (
            torch.tensor([value(step) for step in steps], device=images.device)[pair]
            for value in (lambda step: names.index(step[0]), lambda step: step[1], lambda step: step[2] / 9)
        )
        happens = draw.uniform()[:, 0] < probability
        sign = 2.0 * draw.integers(0, 2)[:, 0] - 1
        images = apply(images, list(SPACE.values()), torch.where(happens, place, -1), strength, sign)
    return images, targets
