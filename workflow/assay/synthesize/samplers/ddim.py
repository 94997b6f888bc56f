"""DDIM: from noise to images along one path, or with some noise put back at each step."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from assay import Option, method
from assay.synthesize.sampling import Denoiser


@method(
    "sampler",
    "ddim",
    summary="a step at a time towards the image that the network sees; deterministic unless eta is above 0",
    paper="Song et al. 2021, arXiv:2010.02502",
    options={
        "eta": Option(
            0.0, "noise put back at each step: 0 is none, 1 that of the ancestral sampler", at_least=0, at_most=1
        )
    },
    shapes="noise float [B,C,H,W] at sigma_0, sigma_0 > ... > sigma_N = 0 -> images float [B,C,H,W]",
)
def ddim(denoise: Denoiser, x: Tensor, sigmas: list[float], draw: torch.Generator, *, eta: float) -> Tensor:
    """Equation 12, divided by the square root of alpha_bar so that x is the image plus sigma times noise.

    With eta 0 this is Euler's method for the probability flow, of first order in the step.
    """
    for start, end in pairwise(sigmas):
        clean = denoise(x, start)
        fresh = eta * spread(start, end)
        x = clean + math.sqrt(end**2 - fresh**2) / start * (x - clean)
        if fresh > 0:
            x = x + fresh * torch.randn(x.shape, generator=draw, dtype=x.dtype)
    return x


def spread(start: float, end: float) -> float:
    """Standard deviation of the image at noise level `end`, given the clean one and that at `start`.

    Equation 16 with eta 1, or the variance of equation 7 of Ho et al. (2020, arXiv:2006.11239), with x scaled as above.
    """
    return end * math.sqrt(start**2 - end**2) / start
