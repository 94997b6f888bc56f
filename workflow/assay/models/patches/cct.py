"""The compact convolutional transformer."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.layers import FanInConv2d, TruncatedLinear
from assay.models.patches.compact import CompactBlock, SequencePool
from assay.models.patches.encoder import Flat, Positions
from assay.models.sizes import at_least


@method(
    "model",
    "cct",
    summary="Compact convolutional transformer; by default CCT-7/3x1",
    paper="Hassani et al. 2021, arXiv:2104.05704",
    options={
        "depth": Option(7, "layers of the transformer", at_least=1),
        "width": Option(
            256, "channels of a token; a multiple of 64, which is a head", choices=[64, 128, 192, 256, 384]
        ),
        "convolutions": Option(1, "convolutions of the tokeniser, each with pooling that halves the image", at_least=1),
        "ratio": Option(2.0, "hidden units of the perceptron for each channel", above=0),
    },
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,width]",
)
def cct(
    channels: int, classes: int, size: int, *, depth: int, width: int, convolutions: int, ratio: float
) -> Classifier:
    """CCT-depth/3xconvolutions; Hassani et al. 2021, section 3.3.

    3x3 convolutions with ReLU and 3x3 maximum pooling of stride 2 make the tokens; positions are learnt. Dropout and
    stochastic depth are left out. Initial weights as in the authors' code: truncated normals for linear layers and head
    (deviation 0.02) and positions (0.2), He's normal (fan-in) for convolutions.

    Raises:
        MethodError: images that the tokeniser shrinks to one token.
    """
    at_least(f"cct with {convolutions} convolutions", size, 2**convolutions + 1)
    layers: list[nn.Module] = []
    inputs = channels
    for index in range(convolutions):
        outputs = width if index == convolutions - 1 else 64
        layers += [FanInConv2d(inputs, outputs, 3, padding=1, bias=False), nn.ReLU(inplace=True)]
        layers.append(nn.MaxPool2d(3, 2, padding=1))
        inputs = outputs
        size = (size + 1) // 2
    backbone = nn.Sequential(
        *layers,
        Flat(),
        Positions(size * size, width, class_token=False, deviation=0.2),
        *(CompactBlock(width, width // 64, round(ratio * width)) for _ in range(depth)),
        nn.LayerNorm(width),
        SequencePool(width),
    )
    return Classifier(backbone, width, channels, classes, TruncatedLinear(width, classes))
