"""The compact vision transformer, and ViT-Lite."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.layers import FanInConv2d, TruncatedLinear
from assay.models.patches.compact import CompactBlock, SequencePool
from assay.models.patches.encoder import First, Flat, Positions
from assay.models.sizes import tokens


@method(
    "model",
    "cvt",
    summary="Compact vision transformer; by default CVT-7/4, with a class token ViT-Lite-7/4",
    paper="Hassani et al. 2021, arXiv:2104.05704",
    options={
        "patch": Option(4, "pixels a side of a patch", at_least=1),
        "depth": Option(7, "layers of the transformer", at_least=1),
        "width": Option(
            256, "channels of a token; a multiple of 64, which is a head", choices=[64, 128, 192, 256, 384]
        ),
        "ratio": Option(2.0, "hidden units of the perceptron for each channel", above=0),
        "pool": Option(
            "sequence",
            "what the head reads: a weighted mean of all tokens (CVT), or a class token (ViT-Lite)",
            choices=["sequence", "class"],
        ),
    },
    shapes="images [B,C,H,W], sizes that patches tile -> features [B,width]",
)
def cvt(
    channels: int, classes: int, size: int, *, patch: int, depth: int, width: int, ratio: float, pool: str
) -> Classifier:
    """CVT-depth/patch; Hassani et al. 2021, section 3.2, and with `pool: class` ViT-Lite-depth/patch of section 3.1.

    Positions are learnt. Dropout and stochastic depth are left out. Initial weights as for `cct`.

    Raises:
        MethodError: patches that do not tile the image.
    """
    count = tokens("cvt", size, patch)
    backbone = nn.Sequential(
        FanInConv2d(channels, width, patch, patch, bias=False),
        Flat(),
        Positions(count, width, class_token=pool == "class", deviation=0.2),
        *(CompactBlock(width, width // 64, round(ratio * width)) for _ in range(depth)),
        nn.LayerNorm(width),
        SequencePool(width) if pool == "sequence" else First(),
    )
    return Classifier(backbone, width, channels, classes, TruncatedLinear(width, classes))
