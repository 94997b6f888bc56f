"""The tiny vision transformer."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.layers import PatchConv2d, TruncatedLinear
from assay.models.patches.encoder import EncoderBlock, First, Flat, Positions
from assay.models.sizes import tokens


@method(
    "model",
    "vit-tiny",
    summary="Vision transformer of 12 layers, 192 channels and 3 heads, with small patches",
    paper="Dosovitskiy et al. 2020, arXiv:2010.11929; Touvron et al. 2020, arXiv:2012.12877",
    options={
        "patch": Option(4, "pixels a side of a patch", at_least=1),
        "depth": Option(12, "layers", at_least=1),
    },
    shapes="images [B,C,H,W], sizes that patches tile -> features [B,192]",
)
def vit_tiny(channels: int, classes: int, size: int, *, patch: int, depth: int) -> Classifier:
    """ViT in the tiny size of Touvron et al. 2020, table 1, with a class token and without dropout.

    Initial weights as there: truncated normals of deviation 0.02 for linear layers, positions, class token and head.

    Raises:
        MethodError: patches that do not tile the image.
    """
    width, heads = 192, 3
    count = tokens("vit-tiny", size, patch)
    backbone = nn.Sequential(
        PatchConv2d(channels, width, patch, patch),
        Flat(),
        Positions(count, width, class_token=True),
        *(EncoderBlock(width, heads, 4 * width) for _ in range(depth)),
        nn.LayerNorm(width, eps=1e-6),
        First(),
    )
    return Classifier(backbone, width, channels, classes, TruncatedLinear(width, classes))
