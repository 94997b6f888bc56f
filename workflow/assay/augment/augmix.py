"""AugMix."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw
from assay.augment.ops.space import apply, scales

_ALL = scales(shear=0.3, shift=1 / 3, turn=30, colours=0.9, bits=(4, 0))
#: What the paper leaves out, since corruptions of ImageNet-C are like it.
_LIKE_CORRUPTIONS = ("brightness", "saturation", "contrast", "sharpness")
OPS = {True: _ALL, False: {name: scale for name, scale in _ALL.items() if name not in _LIKE_CORRUPTIONS}}


@method(
    "augment",
    "augmix",
    summary="Blend an image with a mixture of chains of random operations",
    paper="Hendrycks et al. 2020, arXiv:1912.02781",
    options={
        "severity": Option(3, "largest strength of an operation, of 10", at_least=1, at_most=10),
        "width": Option(3, "chains that are mixed", at_least=1),
        "depth": Option(None, "operations a chain; null draws 1 to 3", type=int, at_least=1, optional=True),
        "alpha": Option(1.0, "parameter of the Dirichlet and Beta distributions of the weights", above=0),
        "all-ops": Option(False, "also change brightness, saturation, contrast and sharpness"),
    },
    shapes="images [B,C,H,W] -> same",
)
def augmix(
    images: Tensor,
    targets: Tensor,
    draw: Draw,
    *,
    severity: int,
    width: int,
    depth: int | None,
    alpha: float,
    all_ops: bool,
) -> tuple[Tensor, Tensor]:
    """`m x + (1 - m) sum_k w_k chain_k(x)`, `w ~ Dirichlet(alpha)`, `m ~ Beta(alpha, alpha)`; targets stay.

    The mixture alone, without the paper's Jensen-Shannon loss over two of them.
    """
    ops = [scale for name, scale in OPS[all_ops].items() if name != "identity"]
    weights = draw.dirichlet(alpha, width)
    blend = draw.beta(alpha, alpha)[:, :, None, None]
    mixture = images.new_zeros(images.shape)
    for k in range(width):
        chain = images
        length = draw.integers(1, 4)[:, 0]
        for position in range(depth or 3):
            chosen = draw.integers(0, len(ops))[:, 0]
            strength = draw.integers(1, severity + 1)[:, 0] / 10
            sign = 2.0 * draw.integers(0, 2)[:, 0] - 1
            if depth is None:
                chosen = chosen.masked_fill(length <= position, -1)
            chain = apply(chain, ops, chosen, strength, sign)
        mixture = mixture + weights[:, k, None, None, None] * chain
    return blend * images + (1 - blend) * mixture, targets
