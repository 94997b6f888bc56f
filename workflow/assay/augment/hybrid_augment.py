"""HybridAugment and HybridAugment++."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.augment.augmix import OPS
from assay.augment.draw import Draw
from assay.augment.ops.space import apply
from assay.augment.spectrum import blur, mix_amplitude

_OPS = [scale for name, scale in OPS[False].items() if name != "identity"]


@method(
    "augment",
    "hybrid-augment",
    summary="Swap the fine detail of images; ++ also swaps amplitudes of what is left",
    paper="Yucel et al. 2023, arXiv:2307.11823",
    options={
        "plus": Option(False, "HybridAugment++: low frequencies also take the amplitudes of another image"),
        "partner": Option("batch", "whose detail comes in", choices=["batch", "self"]),
        "probability": Option(
            None,
            "share of images that are altered, and of these, under `plus`, whose amplitudes are; null is the authors' "
            "0.6 with a partner of the batch and 0.5 with itself",
            type=float,
            above=0,
            at_most=1,
            optional=True,
        ),
        "sigma": Option(0.5, "standard deviation, in pixels, of the blur that leaves low frequencies", above=0),
        "radius": Option(1, "pixels on each side of the blur's centre; the authors' kernel is 3 x 3", at_least=1),
    },
    shapes="images [B,C,H,W] -> same",
)
def hybrid_augment(
    images: Tensor,
    targets: Tensor,
    draw: Draw,
    *,
    plus: bool,
    partner: str,
    probability: float | None,
    sigma: float,
    radius: int,
) -> tuple[Tensor, Tensor]:
    """`low(x_i) + high(x_j)` with `low` a Gaussian blur and `high(x) = x - low(x)`; the target is that of i.

    With a partner of the batch (the paper's HA_P) j is another image. With itself (HA_S) i and j are two views, each
    under a random operation of AugMix with the second on top of the first, in either order; the first view is also what
    an image becomes that is not altered. With `plus` low(x_i) keeps its phases and takes the amplitudes of a third
    image (HA_P++), or becomes the recombination of two views of its own (HA_S++). Fourier transforms run over
    channels, height and width together, as in the authors' code.

    The alteration alone, drawn for each image: the authors train on the clean batch beside it. Clipped to 0..1.
    """
    if partner == "self":
        return _alone(images, draw, plus, 0.5 if probability is None else probability, sigma, radius), targets
    probability = 0.6 if probability is None else probability
    happens = _happens(draw, probability)
    low = blur(images, sigma, radius)
    high = (images - low)[_permutation(draw)]
    if plus:
        share = _happens(draw, probability).flatten().float()
        low = mix_amplitude(low, low[_permutation(draw)], share, channels=True)
    return (low + high).clamp(0, 1).where(happens, images), targets


def _alone(images: Tensor, draw: Draw, plus: bool, probability: float, sigma: float, radius: int) -> Tensor:
    first = _view(images, draw)
    second = _view(first, draw)
    happens, order = _happens(draw, probability), _happens(draw, 0.5)
    low, high = second.where(order, first), first.where(order, second)
    low, high = blur(low, sigma, radius), high - blur(high, sigma, radius)
    if plus:
        low = _recombined(low, draw)
    return (low + high).clamp(0, 1).where(happens, first)


def _recombined(images: Tensor, draw: Draw) -> Tensor:
    """Amplitudes of one view of an image with phases of another, for half of the images; the first view for the rest.

    The single-image variant of Chen et al. 2021, arXiv:2108.08487, as the authors of HybridAugment use it.
    """
    first = _view(images, draw)
    second = _view(first, draw)
    happens, order = _happens(draw, 0.5), _happens(draw, 0.5)
    phases, amplitudes = second.where(order, first), first.where(order, second)
    every = torch.ones(len(images), device=images.device)
    return mix_amplitude(phases, amplitudes, every, channels=True).clamp(0, 1).where(happens, first)


def _view(images: Tensor, draw: Draw) -> Tensor:
    """Each image under one operation of AugMix at a strength of at most 3 of 10."""
    chosen = draw.integers(0, len(_OPS))[:, 0]
    strength = (0.1 + 2.9 * draw.uniform()[:, 0]) / 10
    sign = 2.0 * draw.integers(0, 2)[:, 0] - 1
    return apply(images, _OPS, chosen, strength, sign)


def _happens(draw: Draw, probability: float) -> Tensor:
    """Bool `[B,1,1,1]`."""
    return draw.uniform()[:, :, None, None] < probability


def _permutation(draw: Draw) -> Tensor:
    """A random permutation of the batch, int64 `[B]`."""
    return draw.uniform()[:, 0].argsort(stable=True)
