"""DPM-Solver++: a multistep solver for few steps, under guidance too."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from assay import method
from assay.synthesize.sampling import Denoiser


@method(
    "sampler",
    "dpm-solver++",
    summary="DPM-Solver++(2M): second order from one network evaluation a step, by what the step before saw",
    paper="Lu et al. 2022, arXiv:2211.01095",
    shapes="noise float [B,C,H,W] at sigma_0, sigma_0 > ... > sigma_N = 0 -> images float [B,C,H,W]",
)
def dpm_solver(denoise: Denoiser, x: Tensor, sigmas: list[float], draw: torch.Generator) -> Tensor:  # noqa: ARG001
    """Algorithm 2 in lambda = -log sigma, for x = image + sigma noise; first and last step are of first order."""
    before: tuple[Tensor, float] | None = None
    for start, end in pairwise(sigmas):
        clean = denoise(x, start)
        if end == 0:
            return clean
        step = math.log(start / end)
        leading = clean
        if before is not None:
            ratio = before[1] / step
            leading = clean + (clean - before[0]) / (2 * ratio)
        x = end / start * x - math.expm1(-step) * leading
        before = clean, step
    return x
