"""The networks of cifar10-airbench (Jordan 2024, arXiv:2404.00498).

Three groups of convolutions behind a layer that whitens 2x2 patches. Each part that is not trained is a buffer and not
a parameter, so that no recipe moves it: the whitening filters, the scales of batch normalisation, the head's shift.
What is left for a recipe to do (section 3 and listing 4 of the paper): train the shift of the whitening layer,
`backbone.whiten.bias`, for the first three epochs alone, and give the shifts of batch normalisation 64 times the
learning rate of the rest.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from assay.data.streamed import Streamed
from assay.models.classifier import Classifier
from assay.models.sizes import at_least

#: The paper's factor on logits (section 3.2).
_LOGIT_SCALE = 1 / 9
#: What is added to the variances by which patches are divided (listing 4).
_EPSILON = 5e-4
#: From how many train images the whitening filters are computed (listing 4).
_IMAGES = 5000


class Whiten(nn.Conv2d):
    """2x2 filters `[8*C,C,2,2]` that decorrelate patches, each with its negative, and a shift (section 3.2)."""

    def __init__(self, channels: int, shifted: bool = False):
        super().__init__(channels, 8 * channels, 2)
        del self.weight
        self.register_buffer("weight", torch.zeros(8 * channels, channels, 2, 2))
        self.shifted = shifted

    def initialise(self, generator: torch.Generator) -> None:
        """Orthogonal filters until `fit` has seen images; the shift is 0, or torch's own where it is `shifted`."""
        half = len(self.weight) // 2
        square = nn.init.orthogonal_(torch.empty(half, half), generator=generator)
        self._set(square)
        assert self.bias is not None
        if self.shifted:
            bound = self.weight[0].numel() ** -0.5
            nn.init.uniform_(self.bias, -bound, bound, generator=generator)
        else:
            nn.init.zeros_(self.bias)

    def fit(self, images: np.ndarray | Streamed, mean: Tensor, std: Tensor) -> None:
        """Compute the filters from train images `uint8 [N,H,W,C]` and the normalisation `[C]` of the model.

        With the second moments `E[x x^T] = V diag(l) V^T` of normalised patches x, the filters are the rows of
        `diag(l + 5e-4)^(-1/2) V^T` by falling l. Sums over patches are of whole numbers below 2^53, so they are exact
        and depend on no order.
        """
        size = 4 * len(mean)
        products, sums, count = np.zeros((size, size)), np.zeros(size), 0
        for start in range(0, min(len(images), _IMAGES), 500):
            part = images[start : min(start + 500, _IMAGES)].astype(np.float64)
            corners = [part[:, y : y - 1 or None, x : x - 1 or None] for y in (0, 1) for x in (0, 1)]
            # Features in the order of the filters: channel, row, column.
            patches = np.stack(corners, axis=-1).reshape(-1, size)
            products += patches.T @ patches
            sums += patches.sum(axis=0)
            count += len(patches)
        factor = np.repeat(1 / (255 * std.double().numpy()), 4)
        shift = np.repeat(-(mean / std).double().numpy(), 4)
        first = factor * sums / count
        moments = factor[:, None] * factor * products / count
        moments += np.outer(first, shift) + np.outer(shift, first) + np.outer(shift, shift)
        values, vectors = np.linalg.eigh(moments)
        self._set(torch.from_numpy((vectors / np.sqrt(values.clip(0) + _EPSILON)).T[::-1].copy()))

    def _set(self, square: Tensor) -> None:
        filters = square.view(-1, *self.weight.shape[1:])
        with torch.no_grad():
            self.weight.copy_(torch.cat([filters, -filters]))


class DiracConv(nn.Conv2d):
    """A 3x3 convolution that first hands its inputs on as they are; further channels start as torch's own."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Uniform in `±1/sqrt(fan_in)`, then the identity over the first channels (section 3.3)."""
        bound = self.weight[0].numel() ** -0.5
        nn.init.uniform_(self.weight, -bound, bound, generator=generator)
        with torch.no_grad():
            nn.init.dirac_(self.weight[: self.in_channels])


class ShiftNorm(nn.BatchNorm2d):
    """Batch normalisation whose scale stays at 1."""

    def __init__(self, width: int, momentum: float):
        super().__init__(width, eps=1e-12, momentum=momentum)
        del self.weight
        self.register_buffer("weight", torch.ones(width))


class ScaledHead(nn.Linear):
    """A linear head without a trained shift."""

    def __init__(self, inputs: int, classes: int, unit: bool = False):
        super().__init__(inputs, classes)
        del self.bias
        self.register_buffer("bias", torch.zeros(classes))
        self.unit = unit

    def initialise(self, generator: torch.Generator) -> None:
        """Uniform in `±1/sqrt(fan_in)`, torch's own default; where it is `unit`, divided by its own deviation."""
        bound = self.in_features**-0.5
        nn.init.uniform_(self.weight, -bound, bound, generator=generator)
        if self.unit:
            with torch.no_grad():
                self.weight.div_(self.weight.std())


class Group(nn.Module):
    """Convolution, 2x2 maximum pooling, normalisation, GELU, and then one or two more convolutions.

    With two more, a shortcut goes round them (airbench96).
    """

    def __init__(self, inputs: int, outputs: int, convolutions: int, momentum: float):
        super().__init__()
        self.conv1 = DiracConv(inputs, outputs)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = ShiftNorm(outputs, momentum)
        self.conv2 = DiracConv(outputs, outputs)
        self.norm2 = ShiftNorm(outputs, momentum)
        self.conv3 = DiracConv(outputs, outputs) if convolutions == 3 else None
        self.norm3 = ShiftNorm(outputs, momentum) if convolutions == 3 else None
        self.active = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """`[B,inputs,H,W]` to `[B,outputs,H/2,W/2]`, rounded down."""
        x = self.active(self.norm1(self.pool(self.conv1(x))))
        y = self.norm2(self.conv2(x))
        if self.conv3 is not None and self.norm3 is not None:
            y = x + self.norm3(self.conv3(self.active(y)))
        activated: Tensor = self.active(y)
        return activated


class Backbone(nn.Module):
    """Whitening, three groups, global maximum pooling (3x3 of a 32-pixel image), and the factor on logits."""

    def __init__(self, channels: int, widths: list[int], convolutions: int, momentum: float, muon: bool):
        super().__init__()
        self.whiten = Whiten(channels, shifted=muon)
        self.factor = 1 / widths[-1] if muon else _LOGIT_SCALE
        inputs = 8 * channels
        groups = []
        for width in widths:
            groups.append(Group(inputs, width, convolutions, momentum))
            inputs = width
        self.rest = nn.Sequential(nn.GELU(), *groups, nn.AdaptiveMaxPool2d(1), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        """Normalised images `[B,C,H,W]` to features `[B,D]`."""
        features: Tensor = self.rest(self.whiten(x))
        # The head has no shift, so a factor on what it reads is one on logits.
        return self.factor * features


class Airbench(Classifier):
    """A classifier whose first layer is computed from the train images, with their normalisation."""

    backbone: Backbone

    def fit_normalisation(self, images: np.ndarray | Streamed) -> None:
        """Set `mean`, `std` and the whitening filters from train images `uint8 [N,H,W,C]`."""
        super().fit_normalisation(images)
        self.backbone.whiten.fit(images, self.mean, self.std)


def airbench(
    name: str,
    channels: int,
    classes: int,
    size: int,
    widths: list[int],
    convolutions: int,
    momentum: float,
    muon: bool = False,
) -> Classifier:
    """An airbench network.

    Args:
        name: of the method, for messages.
        channels, classes, size: of the images; at least 9 pixels a side, of which one is left after whitening and three
            times pooling.
        widths: channels of the three groups.
        convolutions: of each group, 2 or 3.
        momentum: weight of a batch in the running statistics of normalisation.
        muon: whether factor on logits, initial head and initial whitening shift are those of `airbench94_muon.py`.

    Raises:
        MethodError: images that are too small.
    """
    at_least(name, size, 9)
    backbone = Backbone(channels, widths, convolutions, momentum, muon)
    return Airbench(backbone, widths[-1], channels, classes, ScaledHead(widths[-1], classes, unit=muon))
