"""Guidance: the representations of another architecture, trained or not."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "guidance",
    summary="Represent images layer by layer as a guide does, which may be a network that was never trained",
    paper="Subramaniam et al. 2024, arXiv:2410.20035",
    options={"weight": Option(1.0, "weight of each layer beside the task's loss", at_least=0)},
    shapes="layers [B,...] each, loss [B] -> scalar",
    reads=["layers"],
)
def guidance(student: Output, teacher: Output, batch: Batch, *, weight: float) -> Tensor:
    """`loss + weight sum_i (1 - CKA(student's layer, guide's layer i))` (section 3).

    Layers of the guide are told off to layers of the student at even distances, the first to the first and the last to
    the last, as in the authors' code. With `untrained: true` beside the teacher's arm the guide lends its architecture
    alone, which is what it knows before it has seen an image.

    Args:
        student, teacher: hold `maps`, here the layers with weights, `[B,...]` of any shapes.
        batch: holds the task's `loss` of each image, `[B]`.
        weight: see the option.
    """
    last, count = len(student.maps) - 1, len(teacher.maps)
    places = [round(number * last / (count - 1)) if count > 1 else last for number in range(count)]
    alike = [cka(student.maps[place], layer) for place, layer in zip(places, teacher.maps, strict=True)]
    return batch.loss.mean() + weight * (1 - torch.stack(alike)).sum()


def cka(x: Tensor, y: Tensor) -> Tensor:
    """Linear centred kernel alignment of two representations `[B,...]` of the same images, in 0..1.

    `<K,L> / (|K| |L|)` of the centred products K and L, `[B,B]`, of images with each other (Kornblith et al. 2019,
    arXiv:1905.00414). 1 where one is a rotation or a multiple of the other; 0 where one tells no image from another.
    """
    first, second = _products(x), _products(y)
    return (first * second).sum() / (first.norm() * second.norm()).clamp(min=1e-12)


def _products(x: Tensor) -> Tensor:
    """Centred products `[B,B]`; at one scale, since squares of large activations leave the range of floats."""
    flat = x.flatten(1)
    flat = flat - flat.mean(dim=0)
    flat = flat / flat.detach().norm().clamp(min=1e-12)
    return flat @ flat.T
