"""CutMix."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.augment.box import box
from assay.augment.draw import Draw


@method(
    "augment",
    "cutmix",
    summary="Paste a box of another image of the batch, and mix the targets by area",
    paper="Yun et al. 2019, arXiv:1905.04899",
    options={
        "alpha": Option(1.0, "both parameters of the Beta distribution of the kept area", above=0),
        "probability": Option(0.5, "share of images that are altered; the paper's for CIFAR", above=0, at_most=1),
    },
    shapes="images [B,C,H,W], targets [B,K] -> same",
    mixes=True,
)
def cutmix(images: Tensor, targets: Tensor, draw: Draw, *, alpha: float, probability: float) -> tuple[Tensor, Tensor]:
    """The box has `1 - w` of the area, `w ~ Beta(alpha, alpha)`, around a uniform centre; it may reach over the border.

    Targets are weighted by the area that is really kept. Box and partner are drawn for each image, where the paper
    draws one box for a batch; partners are a random permutation of the batch.
    """
    weight = draw.beta(alpha, alpha)[:, 0]
    partner = draw.uniform()[:, 0].argsort(stable=True)
    pasted = box(images, (1 - weight).sqrt(), (1 - weight).sqrt(), draw)
    pasted &= (draw.uniform() < probability)[:, :, None]
    kept = 1 - pasted.float().mean(dim=(1, 2))[:, None]
    mixed = images.where(~pasted[:, None], images[partner])
    return mixed, kept * targets + (1 - kept) * targets[partner]
