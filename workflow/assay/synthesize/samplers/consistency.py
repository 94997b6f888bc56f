"""Multistep consistency sampling: to the image at once, then some noise again, then to the image again."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from assay import Option, method
from assay.synthesize.sampling import Denoiser


@method(
    "sampler",
    "consistency",
    summary="to the image at once, then afresh from less and less noise; for consistency models alone",
    paper="Song et al. 2023, arXiv:2303.01469",
    options={
        "steps": Option(2, "noise levels visited", at_least=1),
        "guidance": Option(
            0.0, "0: a consistency model has learnt its guidance, see the option of the generator", choices=[0.0]
        ),
        "epsilon-scaling": Option(1.0, "1: there is no error that adds up over many steps", choices=[1.0]),
    },
    shapes="noise float [B,C,H,W] at sigma_0, sigma_0 > ... > sigma_N = 0 -> images float [B,C,H,W]",
    network="consistency",
)
def consistency(denoise: Denoiser, x: Tensor, sigmas: list[float], draw: torch.Generator) -> Tensor:
    """Algorithm 1.

    The noise put in has the standard deviation of the level, not the square root of sigma^2 - epsilon^2: epsilon, at
    which the image is seen, is a thousandth of it.
    """
    for start, end in pairwise(sigmas):
        x = denoise(x, start)
        if end > 0:
            x = x + end * torch.randn(x.shape, generator=draw, dtype=x.dtype)
    return x
