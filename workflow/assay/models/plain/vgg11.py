"""VGG-11 with batch normalisation for small images."""

from __future__ import annotations

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.plain.vgg import vgg


@method(
    "model",
    "vgg11",
    summary="VGG of 11 layers with batch normalisation, for small images",
    paper="Simonyan and Zisserman 2014, arXiv:1409.1556",
    options={
        "width": Option(64, "channels of the first stage; the last two stages have eight times as many", at_least=1),
    },
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,8*width]",
)
def vgg11(channels: int, classes: int, size: int, *, width: int) -> Classifier:
    """VGG, column A of table 1 in Simonyan and Zisserman 2014; the changes for small images are in `vgg`."""
    backbone, dimension = vgg(channels, size, [1, 1, 2, 2, 2], width)
    return Classifier(backbone, dimension, channels, classes)
