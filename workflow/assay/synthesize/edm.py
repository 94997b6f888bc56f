"""EDM: a diffusion model whose network sees and tells numbers of unit variance at every noise level."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.synthesize.diffuser import Diffuser, Network
from assay.synthesize.unet import UNet

#: What the network is told of the noise is that of the paper, log sigma / 4, times this: the fastest of the U-Net's
#: waves then turns some twenty times from the lowest to the highest level, and neighbouring levels look alike.
LEVEL = 1 / 20


@method(
    "generator",
    "edm",
    summary="class-conditional EDM: preconditioned network, log-normal noise levels, sampled by Heun's method",
    paper="Karras et al. 2022, arXiv:2206.00364",
    options={
        "steps": Option(3000, "training iterations", at_least=1),
        "batch": Option(32, "images an iteration", at_least=1),
        "lr": Option(
            0.002, "peak learning rate of Adam; warmed up over a tenth of the steps, then cosine to 0", above=0
        ),
        "width": Option(16, "channels at full size, a multiple of 8", at_least=8),
        "balance": Option(0.5, "0: every image equally often, 1: every class equally often", at_least=0, at_most=1),
        "sigma-data": Option(0.5, "standard deviation of pixels in -1..1", above=0),
        "level-mean": Option(-1.2, "P_mean, of log sigma in training"),
        "level-spread": Option(1.2, "P_std, of log sigma in training", above=0),
        "sigma-min": Option(0.002, "lowest noise level visited in sampling", above=0),
        "sigma-max": Option(80.0, "noise level at which sampling starts", above=0),
        "rho": Option(7.0, "how the visited levels crowd at the low end", at_least=1),
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
    sampler="heun",
)
class Edm(Diffuser):
    """EDM, table 1, last column, on the same U-Net as `ddpm`; without its augmentation and its dropout."""

    name = "edm"

    def __init__(
        self,
        *,
        sigma_data: float,
        level_mean: float,
        level_spread: float,
        sigma_min: float,
        sigma_max: float,
        rho: float,
        **options: Any,
    ):
        super().__init__(**options)
        if sigma_min >= sigma_max:
            raise MethodError(f"edm: sigma-min must be below sigma-max {sigma_max:g}, not {sigma_min:g}")
        self.sigma_data, self.level_mean, self.level_spread = sigma_data, level_mean, level_spread
        self.sigma_min, self.sigma_max, self.rho = sigma_min, sigma_max, rho

    def loss(self, net: UNet, x: Tensor, noise: Tensor, y: Tensor, draw: torch.Generator) -> Tensor:
        """Equation 2, weighted so that the network's own error counts alike at all levels; see `Diffuser.loss`."""
        sigma = self.levels(len(x), draw)
        clean = self.denoised(net, x + sigma[:, None, None, None] * noise, sigma, y)
        x, _, scale = self.aimed(x, noise, sigma, y)
        return (scale * weight(sigma, self.sigma_data) * (clean - x).square().flatten(1).mean(1)).mean()

    def levels(self, count: int, draw: torch.Generator) -> Tensor:
        """Log-normal ones."""
        return torch.exp(self.level_mean + self.level_spread * torch.randn(count, generator=draw))

    def denoised(self, net: Network, x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
        """Equation 7: D(x; sigma) = c_skip x + c_out F(c_in x; c_noise)."""
        skip, out, into = (c[:, None, None, None] for c in preconditioning(sigma, self.sigma_data))
        return skip * x + out * net(into * x, LEVEL * sigma.log() / 4, y).float()

    def sigmas(self, visits: int) -> list[float]:
        """Equation 5: evenly spaced in sigma^(1 / rho)."""
        high, low = self.sigma_max ** (1 / self.rho), self.sigma_min ** (1 / self.rho)
        return [*((high + i / (visits - 1) * (low - high)) ** self.rho for i in range(visits)), 0.0]

    def start(self, noise: Tensor, sigma: float) -> Tensor:
        """Noise alone: images are negligible beside it."""
        return noise * sigma


def preconditioning(sigma: Tensor, sigma_data: float) -> tuple[Tensor, Tensor, Tensor]:
    """c_skip, c_out and c_in of table 1, each of the shape of `sigma`."""
    whole = sigma**2 + sigma_data**2
    return sigma_data**2 / whole, sigma * sigma_data / whole.sqrt(), 1 / whole.sqrt()


def weight(sigma: Tensor, sigma_data: float) -> Tensor:
    """lambda = 1 / c_out^2 of table 1, of the shape of `sigma`."""
    return (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
