"""LeNet-5."""

from __future__ import annotations

from torch import nn

from assay import method
from assay.models.classifier import Classifier
from assay.models.sizes import at_least


@method(
    "model",
    "lenet",
    summary="LeNet-5: two convolutions with average pooling, two linear layers, tanh",
    paper="LeCun et al. 1998, doi:10.1109/5.726791",
    shapes="images [B,C,H,W], sizes 16 to 64 -> features [B,84]",
)
def lenet(channels: int, classes: int, size: int) -> Classifier:
    """LeNet-5 as it is used since: C3 sees all maps, pooling has no weights, tanh is not scaled, the head is linear.

    At 32 x 32 pixels, for which it was made, the layer of 120 units sees all 5 x 5 places of 16 maps; at another size
    as many as there are.

    Raises:
        MethodError: images below 16 pixels a side, of which convolution and pooling leave nothing.
    """
    at_least("lenet", size, 16)
    side = ((size - 4) // 2 - 4) // 2
    backbone = nn.Sequential(
        nn.Conv2d(channels, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * side * side, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
    )
    return Classifier(backbone, 84, channels, classes)
