"""Style perturbation by amplitude mix."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw
from assay.augment.spectrum import mix_amplitude


@method(
    "augment",
    "style",
    summary="Give an image some of the Fourier amplitudes, and with them the style, of another in the batch",
    paper="Xu et al. 2021, arXiv:2105.11120, section 3.2 (amplitude mix)",
    options={
        "strength": Option(1.0, "eta, largest share of the other's amplitudes", above=0, at_most=1),
        "probability": Option(0.5, "share of images that are altered; the paper trains on both", above=0, at_most=1),
    },
    shapes="images [B,C,H,W] -> same",
)
def style(images: Tensor, targets: Tensor, draw: Draw, *, strength: float, probability: float) -> tuple[Tensor, Tensor]:
    """`F^-1((1 - s) |F x_i| + s |F x_j|, arg F x_i)` for each channel, `s ~ U(0, eta)`; targets stay.

    Amplitudes tell of colours, contrast and texture, phases of where things are. The mix alone, without the paper's
    consistency loss; clipped to 0..1. Partners are a random permutation of the batch.
    """
    share = strength * draw.uniform()[:, 0]
    partner = draw.uniform()[:, 0].argsort(stable=True)
    happens = draw.uniform()[:, :, None, None] < probability
    return mix_amplitude(images, images[partner], share, channels=False).clamp(0, 1).where(happens, images), targets
