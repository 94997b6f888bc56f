"""A class-conditional denoising diffusion model, trained from scratch on the images of a study."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from assay import Option, method
from assay.synthesize.diffuser import Diffuser, Network
from assay.synthesize.diffusion import clean_from_noise, clean_from_velocity, diffuse, path, schedule, velocity
from assay.synthesize.unet import UNet


@method(
    "generator",
    "ddpm",
    summary="class-conditional denoising diffusion with a compact U-Net, sampled by DDIM unless the arm says otherwise",
    paper="Ho et al. 2020, arXiv:2006.11239; Ho and Salimans 2022, arXiv:2207.12598",
    options={
        "steps": Option(3000, "training iterations", at_least=1),
        "batch": Option(32, "images an iteration", at_least=1),
        "lr": Option(
            0.002, "peak learning rate of Adam; warmed up over a tenth of the steps, then cosine to 0", above=0
        ),
        "width": Option(16, "channels at full size, a multiple of 8", at_least=8),
        "balance": Option(0.5, "0: every image equally often, 1: every class equally often", at_least=0, at_most=1),
        "levels": Option(1000, "noise levels T", at_least=2),
        "schedule": Option("cosine", "how noise grows", choices=["cosine", "linear"]),
        "predict": Option("velocity", "what the network tells of a noisy image", choices=["velocity", "noise"]),
        "ema": Option(0.995, "decay of the average of weights that samples come from", at_least=0, below=1),
        "label-dropout": Option(0.1, "share of images trained without their class", at_least=0, below=1),
        "noise-assignment": Option(
            "random",
            "immiscible: each batch's noise goes to the images it is nearest to (Li et al. 2024, arXiv:2406.12303)",
            choices=["random", "immiscible"],
        ),
        "ratio-steps": Option(
            1000,
            "with `unbiased`: training iterations of the network that weighs noisy images (Kim et al. 2024, "
            "arXiv:2403.01189)",
            at_least=1,
        ),
    },
    shapes="images uint8 [N,H,W,C] and labels int64 [N] -> samples uint8 [M,H,W,C] of labels int64 [M]",
    sampler="ddim",
)
class Ddpm(Diffuser):
    """DDPM (Ho et al. 2020), trained with a mean square error over random noise levels (equation 14).

    The network predicts the noise, as there, or the velocity (Salimans and Ho 2022, arXiv:2202.00512), which learns in
    far fewer steps: the default.
    """

    name = "ddpm"

    def __init__(self, *, levels: int, schedule: str, predict: str, **options: Any):
        super().__init__(**options)
        self.schedule, self.count, self.predict = schedule, levels, predict

    def loss(self, net: UNet, x: Tensor, noise: Tensor, y: Tensor, draw: torch.Generator) -> Tensor:
        """Mean square error of the predicted noise or velocity at levels drawn evenly; see `Diffuser.loss`."""
        t = torch.randint(self.count, (len(x),), generator=draw)
        signal = schedule(self.schedule, self.count)[t]
        seen = net(diffuse(x, noise, signal), (t + 0.5) / self.count, y).float()
        x, noise, scale = self.aimed(x, noise, (1 / signal - 1).sqrt().float(), y)
        error = mse_loss(seen, noise if self.predict == "noise" else velocity(x, noise, signal), reduction="none")
        return (scale * error.flatten(1).mean(1)).mean()

    def levels(self, count: int, draw: torch.Generator) -> Tensor:
        """Those of steps drawn evenly."""
        t = torch.randint(self.count, (count,), generator=draw)
        signal = schedule(self.schedule, self.count)[t]
        return (1 / signal - 1).sqrt().float()

    def denoised(self, net: Network, x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
        """The images that the network expects behind `x`; between two levels it is told a place between theirs."""
        sigma = sigma.double()
        signal = 1 / (1 + sigma**2)
        known = self._levels()
        t = torch.from_numpy(np.interp(sigma.log().numpy(), np.log(known), np.arange(len(known))))
        seen = signal.sqrt().to(x.dtype)[:, None, None, None] * x
        told = net(seen, ((t + 0.5) / self.count).float(), y).float()
        clean = clean_from_noise if self.predict == "noise" else clean_from_velocity
        return clean(seen, told, signal)

    def bounded(self, clean: Tensor) -> Tensor:
        """Clipped to -1..1, as in the authors' code."""
        return clean.clamp(-1, 1)

    def sigmas(self, visits: int) -> list[float]:
        """Those of evenly spaced levels, see `path`."""
        known = self._levels()
        return [*(float(known[t]) for t in path(self.count, visits)), 0.0]

    def start(self, noise: Tensor, sigma: float) -> Tensor:
        """Noise of the variance that noisy images have, those of images included."""
        return noise * math.sqrt(1 + sigma**2)

    def _levels(self) -> np.ndarray:
        """sqrt((1 - alpha_bar) / alpha_bar) of each level, rising."""
        signal = schedule(self.schedule, self.count).numpy()
        return np.sqrt((1 - signal) / signal)
