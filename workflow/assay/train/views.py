"""Several views of an image, over which a prediction is the mean."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

Images = Callable[[Tensor], Tensor]


def _same(x: Tensor) -> Tensor:
    return x


def _mirror(x: Tensor) -> Tensor:
    return x.flip(3)


def _shift(x: Tensor, by: int) -> Tensor:
    """Images `[B,C,H,W]` moved by one pixel down and right (1) or up and left (-1); the border is reflected."""
    height, width = x.shape[2:]
    padded, first = F.pad(x, (1, 1, 1, 1), "reflect"), 1 - by
    return padded[:, :, first : first + height, first : first + width]


def _shifted(by: int, mirrored: bool) -> Images:
    return lambda x: _mirror(_shift(x, by)) if mirrored else _shift(x, by)


#: The choices of `tta`, each with its views `[B,C,H,W]` and their weights, which sum to 1.
#:
#: They are the levels of test-time augmentation of Jordan 2024 (arXiv:2404.00498, section 3.5): 0, 1 and 2.
VIEWS: dict[str, list[tuple[float, Images]]] = {
    "none": [(1.0, _same)],
    "mirror": [(0.5, _same), (0.5, _mirror)],
    "mirror-translate": [
        (0.25, _same),
        (0.25, _mirror),
        *((0.125, _shifted(by, mirrored)) for by in (-1, 1) for mirrored in (False, True)),
    ],
}


def mean_features(features: Images, x: Tensor, tta: str) -> Tensor:
    """The weighted mean of `features(view)` `[B,D]` over the views of images `[B,C,H,W]`.

    A linear head makes of it the mean of the logits of all views.

    Raises:
        KeyError: a choice that there is not.
    """
    if tta == "none":
        return features(x)
    parts = [weight * features(view(x)) for weight, view in VIEWS[tta]]
    return sum(parts[1:], parts[0])
