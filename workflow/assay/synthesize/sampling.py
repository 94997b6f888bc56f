"""How a trained diffusion model is asked for images: which sampler, how many steps, how strong the guidance.

All samplers here see noisy images as x = image + sigma noise (Karras et al. 2022, arXiv:2206.00364) and a network as a
*denoiser* D(x; sigma), the image that it expects behind x. What other papers call x is this times a factor (the square
root of alpha_bar for a DDPM), and their steps are the same steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from assay.study.registry import Registry, bind

#: Images float [B,C,H,W] with noise of standard deviation sigma -> the images behind them, of the same shape.
Denoiser = Callable[[Tensor, float], Tensor]
#: The same with classes int64 [B].
ClassDenoiser = Callable[[Tensor, float, Tensor], Tensor]


class Parts(Protocol):
    """Where images are kept while others are made; the caller knows the place."""

    def open(self, shape: tuple[int, ...]) -> tuple[np.ndarray, int, int]:
        """The images to fill, uint8 of `shape`, how many of the first are whole, and evaluations for one of them."""

    def keep(self, images: int, evaluations: int) -> None:
        """From now on the first `images` are whole; `evaluations` were needed for one of them."""


class Unkept:
    """Images in memory, for whoever needs none of them after a kill."""

    def open(self, shape: tuple[int, ...]) -> tuple[np.ndarray, int, int]:
        """An empty array of `shape`."""
        return np.empty(shape, np.uint8), 0, 0

    def keep(self, images: int, evaluations: int) -> None:
        """Nothing to do."""


@dataclass
class Sampling:
    """A sampler with the options that all samplers share.

    Attributes:
        sampler: `(denoise, x, sigmas, draw) -> images`.
        steps: noise levels visited.
        guidance: w of classifier-free guidance; 0 is the conditional model.
        scaling: the noise that the network sees is divided by this.
        evaluations: network evaluations for one image, as counted when the last batch was made.
        parts: where finished images are kept while others are made.
    """

    sampler: Callable[..., Tensor]
    steps: int
    guidance: float
    scaling: float
    evaluations: int = 0
    parts: Parts = field(default_factory=Unkept)

    @classmethod
    def of(cls, registry: Registry, entry: dict[str, Any], parts: Parts | None = None) -> Sampling:
        """The sampling that the resolved entry of a sampler names."""
        made = cls(bind(registry, "sampler", entry), entry["steps"], entry["guidance"], entry["epsilon-scaling"])
        made.parts = parts or made.parts
        return made

    def __call__(
        self, denoise: ClassDenoiser, x: Tensor, sigmas: list[float], y: Tensor, none: int, draw: torch.Generator
    ) -> Tensor:
        """Go from noise to images.

        Args:
            denoise: the network.
            x: float [B,C,H,W] at the first of `sigmas`.
            sigmas: falling, the last one 0.
            y: classes, int64 [B].
            none: the class that stands for no class.
            draw: where the sampler's own noise comes from.

        Returns:
            float [B,C,H,W].
        """
        self.evaluations = 0

        def seen(x: Tensor, sigma: float) -> Tensor:
            self.evaluations += 1 if self.guidance == 0 else 2
            return scaled(x, guided(denoise, x, sigma, y, none, self.guidance), self.scaling)

        return self.sampler(seen, x, sigmas, draw)


def guided(denoise: ClassDenoiser, x: Tensor, sigma: float, y: Tensor, none: int, guidance: float) -> Tensor:
    """Classifier-free guidance: (1 + w) D(x, y) - w D(x, none) (Ho and Salimans 2022, arXiv:2207.12598, equation 6).

    Theirs is of the noise; the noise is (x - D) / sigma, so that it holds of D too. With w = 0 it is D(x, y) itself.
    """
    if guidance == 0:
        return denoise(x, sigma, y)
    conditional, free = denoise(torch.cat([x, x]), sigma, torch.cat([y, torch.full_like(y, none)])).chunk(2)
    return (1 + guidance) * conditional - guidance * free


def scaled(x: Tensor, clean: Tensor, scaling: float) -> Tensor:
    """Epsilon scaling: the image behind `x` when the noise that the network sees is divided by `scaling`.

    Ning et al. (2024, arXiv:2308.15321, section 5.2), with the same factor at all steps: in sampling a network meets
    images with more error than in training, and sees too much noise.
    """
    return clean if scaling == 1 else x - (x - clean) / scaling
