"""The sampler of the DDPM: one draw from the posterior after another."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from assay import Option, method
from assay.synthesize.samplers.ddim import spread
from assay.synthesize.sampling import Denoiser


@method(
    "sampler",
    "ancestral",
    summary="the posterior of the forward process, drawn step by step; needs many steps",
    paper="Ho et al. 2020, arXiv:2006.11239",
    options={
        "steps": Option(100, "noise levels visited", at_least=2),
        "variance": Option(
            "posterior",
            "of each draw: the posterior's, right if all images were one, or the forward step's, right for noise",
            choices=["posterior", "forward"],
        ),
    },
    shapes="noise float [B,C,H,W] at sigma_0, sigma_0 > ... > sigma_N = 0 -> images float [B,C,H,W]",
)
def ancestral(denoise: Denoiser, x: Tensor, sigmas: list[float], draw: torch.Generator, *, variance: str) -> Tensor:
    """Algorithm 2 with the variances of section 3.2, for x = image + sigma noise.

    The mean is that of equation 7. The last step takes the image that the network sees, without noise.
    """
    for start, end in pairwise(sigmas):
        clean = denoise(x, start)
        x = clean + (end / start) ** 2 * (x - clean)
        if end > 0:
            fresh = spread(start, end) if variance == "posterior" else forward(start, end)
            x = x + fresh * torch.randn(x.shape, generator=draw, dtype=x.dtype)
    return x


def forward(start: float, end: float) -> float:
    """Square root of beta = 1 - alpha_bar(start) / alpha_bar(end), in the scale of x at `end`.

    alpha_bar is 1 / (1 + sigma^2), and x there is that of the DDPM divided by its square root.
    """
    return math.sqrt((1 + end**2) * (start**2 - end**2) / (1 + start**2))
