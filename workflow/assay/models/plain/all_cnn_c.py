"""The all-convolutional network."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.sizes import at_least


@method(
    "model",
    "all-cnn-c",
    summary="Convolutions alone, of which two with stride take the place of pooling",
    paper="Springenberg et al. 2014, arXiv:1412.6806",
    options={"width": Option(96, "channels of the first three layers; the later ones have twice as many", at_least=1)},
    shapes="images [B,C,H,W], sizes 9 to 64 -> features [B,2*width]",
)
def all_cnn_c(channels: int, classes: int, size: int, *, width: int) -> Classifier:
    """All-CNN-C; Springenberg et al. 2014, tables 1 and 2.

    The last layer, a 1x1 convolution to the classes before global averaging, is here the head after it, which is the
    same function but for its ReLU. Dropout is left out.

    Raises:
        MethodError: images below 9 pixels a side, of which the third-last layer (3x3, no padding) leaves nothing.
    """
    at_least("all-cnn-c", size, 9)
    layers: list[nn.Module] = []
    inputs = channels
    for outputs, kernel, stride, padding in (
        (width, 3, 1, 1),
        (width, 3, 1, 1),
        (width, 3, 2, 1),
        (2 * width, 3, 1, 1),
        (2 * width, 3, 1, 1),
        (2 * width, 3, 2, 1),
        (2 * width, 3, 1, 0),
        (2 * width, 1, 1, 0),
    ):
        layers += [nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.ReLU(inplace=True)]
        inputs = outputs
    return Classifier(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), inputs, channels, classes)
