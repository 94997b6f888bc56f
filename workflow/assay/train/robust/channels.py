"""Networks that keep the first of their features' channels alone (Chen et al. 2022, arXiv:2206.13140)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from assay.augment.draw import Draw
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.train.infer import forward
from assay.train.pixels import StreamedPixels
from assay.train.robust.objective import Training

#: Images at a time where no gradient is kept.
_BATCH = 1024

#: What a channel more must gain in accuracy on val, as in the authors' code, so that among equals the fewest are kept.
_COST = 1e-5


def chances(dimension: int, spread: float) -> Tensor:
    """Probability that the first k channels are kept, float64 `[D]` for k = 1..D.

    It goes as `exp(-(k / spread)^2)`: the authors' normal distribution with mean 0, cut off at both ends.
    """
    k = torch.arange(1, dimension + 1, dtype=torch.float64)
    return (-((k / spread) ** 2)).softmax(dim=0)


def first_channels(draw: Draw, chance: Tensor) -> Tensor:
    """A mask `[B,D]` of ones and zeros for each image: ones up to a k of its own that is drawn with `chances`."""
    # On the host: not every device has numbers of 64 bits.
    below = (chance.cumsum(dim=0) - chance).float().to(draw.device)
    return (below <= draw.uniform()).float()


@torch.no_grad()
def best_channels(networks: Sequence[Classifier], val: tuple[Tensor | StreamedPixels, Tensor]) -> tuple[int, float]:
    """How many channels are best on val by the networks' mean logits, and the accuracy with them."""
    pixels, labels = val
    features = [forward(network, pixels, _BATCH)[1] for network in networks]
    logits = torch.stack([network.head.bias for network in networks]).mean(dim=0).expand(len(labels), -1)
    accuracies = []
    for channel in range(networks[0].head.in_features):
        for network, columns in zip(networks, features, strict=True):
            logits = logits + columns[:, channel, None] * network.head.weight[:, channel] / len(networks)
        accuracies.append((logits.argmax(dim=1) == labels).cpu().double().mean().item())
    best = max(range(len(accuracies)), key=lambda channel: accuracies[channel] - _COST * channel)
    return best + 1, accuracies[best]


@torch.no_grad()
def cut(network: Classifier, kept: int) -> None:
    """Set the head's weights of all channels but the first `kept` to 0, in place."""
    network.head.weight[:, kept:] = 0


def require_choice(training: Training, name: str, keep: int | None) -> None:
    """Make sure that there will be a number of channels to keep.

    Raises:
        MethodError: more than there are, or none given and no val split to choose on.
    """
    dimension = training.networks[0].head.in_features
    if keep is not None and keep > dimension:
        raise MethodError(f"{name}: expected `keep` of at most {dimension}, the features of the model, found {keep}")
    if keep is None and training.val is None:
        raise MethodError(f"{name} chooses on val how many channels to keep, and there is no val split; set `keep`")


def told(name: str, kept: int, network: Classifier, accuracy: float | None) -> str:
    """What was chosen, for the log."""
    how = "as the config says" if accuracy is None else f"accuracy {accuracy:.4f} on val"
    return f"{name}: the first {kept} of {network.head.in_features} channels are kept ({how})"
