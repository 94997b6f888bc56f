"""ODIN (Liang et al. 2018, arXiv:1706.02690)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import log_softmax

from assay.study.registry import Option, method
from assay.train.pixels import to_pixels, to_unit

if TYPE_CHECKING:
    from assay.models.classifier import Classifier

#: Images whose gradients are computed at once.
BATCH = 256


@method(
    "detector",
    "odin",
    summary="the largest softmax probability at a high temperature, of images moved towards it, negated",
    paper="Liang et al. 2018, arXiv:1706.02690",
    options={
        "temperature": Option(1000.0, "T; the paper uses 1000", above=0, grid=[1.0, 10.0, 100.0, 1000.0]),
        "epsilon": Option(
            0.0014, "how far each pixel is moved, in units of 0..1; the paper and OpenOOD use 0.0014", at_least=0,
            grid=[0.0, 0.0014, 0.0028],
        ),
    },
    reads=["model"],
    shapes="images [N,H,W,C] -> scores [N]",
)  # fmt: skip
class Odin:
    """`s(x) = -max_k softmax(z(x') / T)_k` with `x' = x - epsilon sign(-grad_x log max_k softmax(z(x) / T)_k)`.

    Equations 1 and 2. Pixels are in 0..1 before normalisation, so that `epsilon` is OpenOOD's, which divides it by the
    standard deviations of normalised images.
    """

    def __init__(self, temperature: float, epsilon: float):
        self.temperature = temperature
        self.epsilon = epsilon

    def watch(self, model: Classifier) -> None:
        """Take the trained model, in evaluation mode."""
        self.model = model

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any, images: np.ndarray) -> None:
        """Learn nothing."""

    def score(self, features: np.ndarray, logits: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Images uint8 [N,H,W,C] to scores float64 [N] in -1..-1/K."""
        found = [self._score(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
        return np.concatenate([np.empty(0), *found])

    def _score(self, images: np.ndarray) -> np.ndarray:
        pixels = to_unit(to_pixels(images).to(self.model.mean.device)).requires_grad_()
        # Images do not mix in evaluation mode, so the gradient of the sum holds that of each.
        (slope,) = torch.autograd.grad(self._confidence(pixels).sum(), pixels)
        with torch.no_grad():
            return -self._confidence(pixels + self.epsilon * slope.sign()).exp().double().cpu().numpy()

    def _confidence(self, pixels: torch.Tensor) -> torch.Tensor:
        """The logarithm of the largest softmax probability of each image."""
        return log_softmax(self.model(pixels).double() / self.temperature, dim=1).amax(dim=1)
