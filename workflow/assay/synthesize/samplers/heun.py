"""Heun's method, the sampler of EDM: two network evaluations a step, of second order, with noise put in if asked."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from assay import Option, method
from assay.synthesize.sampling import Denoiser


@method(
    "sampler",
    "heun",
    summary="Heun's second-order method with optional churn; 2 N - 1 network evaluations for N steps",
    paper="Karras et al. 2022, arXiv:2206.00364",
    options={
        "steps": Option(18, "noise levels visited", at_least=2),
        "churn": Option(0.0, "S_churn, noise put in over all steps; 0 is deterministic", at_least=0),
        "churn-from": Option(0.0, "S_tmin, lowest sigma at which noise is put in", at_least=0),
        "churn-to": Option(1e6, "S_tmax, highest sigma at which noise is put in", at_least=0),
        "churn-noise": Option(1.0, "S_noise, standard deviation of the noise put in", above=0),
    },
    shapes="noise float [B,C,H,W] at sigma_0, sigma_0 > ... > sigma_N = 0 -> images float [B,C,H,W]",
)
def heun(
    denoise: Denoiser,
    x: Tensor,
    sigmas: list[float],
    draw: torch.Generator,
    *,
    churn: float,
    churn_from: float,
    churn_to: float,
    churn_noise: float,
) -> Tensor:
    """Algorithm 2; without churn it is algorithm 1."""
    most = min(churn / (len(sigmas) - 1), math.sqrt(2) - 1)
    for start, end in pairwise(sigmas):
        gamma = most if churn_from <= start <= churn_to else 0.0
        raised = (1 + gamma) * start
        if gamma > 0:
            fresh = torch.randn(x.shape, generator=draw, dtype=x.dtype)
            x = x + math.sqrt(raised**2 - start**2) * churn_noise * fresh
        slope = (x - denoise(x, raised)) / raised
        ahead = x + (end - raised) * slope
        if end > 0:
            slope = (slope + (ahead - denoise(ahead, end)) / end) / 2
            ahead = x + (end - raised) * slope
        x = ahead
    return x
