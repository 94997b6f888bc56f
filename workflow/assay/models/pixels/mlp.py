"""The multilayer perceptron."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.models.classifier import Classifier


@method(
    "model",
    "mlp",
    summary="Multilayer perceptron on the pixels",
    options={
        "hidden": Option(128, "units of each hidden layer", at_least=1),
        "layers": Option(2, "hidden layers", at_least=1),
    },
    shapes="images [B,C,H,W], any size -> features [B,hidden]",
)
def mlp(channels: int, classes: int, size: int, *, hidden: int, layers: int) -> Classifier:
    """Flattened pixels through `layers` linear layers with ReLU; the last hidden layer is the features."""
    stack: list[nn.Module] = [nn.Flatten()]
    inputs = channels * size * size
    for _ in range(layers):
        stack += [nn.Linear(inputs, hidden), nn.ReLU(inplace=True)]
        inputs = hidden
    return Classifier(nn.Sequential(*stack), hidden, channels, classes)
