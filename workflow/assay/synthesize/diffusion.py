"""The diffusion process of a DDPM: noise schedules, the forward process and what a network tells of it.

Images x are float [B,C,H,W] in -1..1. Steps t run from 0 (almost clean) to T - 1 (almost pure noise), and
`alpha_bar` [T] is the share of variance that is signal at each (DDPM, Ho et al. 2020, arXiv:2006.11239, equation 4).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def schedule(name: str, steps: int) -> Tensor:
    """Products alpha_bar of `steps` noise levels, float64 [steps], falling.

    `linear`: beta from 1e-4 to 0.02 over 1000 steps (Ho et al. 2020, section 4); betas of other lengths are scaled by
    1000 / steps so that they end at the same noise. `cosine`: equation 17 of Nichol and Dhariwal (2021,
    arXiv:2102.09672) with offset 0.008 and betas of at most 0.999.

    Raises:
        ValueError: another name.
    """
    if name == "linear":
        scale = 1000 / steps
        beta = torch.linspace(1e-4 * scale, 0.02 * scale, steps, dtype=torch.float64).clamp(max=0.999)
    elif name == "cosine":
        level = torch.cos((torch.linspace(0, 1, steps + 1, dtype=torch.float64) + 0.008) / 1.008 * math.pi / 2) ** 2
        beta = (1 - level[1:] / level[:-1]).clamp(max=0.999)
    else:
        raise ValueError(f"a schedule is linear or cosine, not {name!r}")
    return torch.cumprod(1 - beta, 0)


def diffuse(x: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """Noisy images sqrt(a) x + sqrt(1 - a) noise (Ho et al., equation 4); `signal` is alpha_bar at t, float [B]."""
    a = signal.to(x.dtype)[:, None, None, None]
    return a.sqrt() * x + (1 - a).sqrt() * noise


def velocity(x: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """sqrt(a) noise - sqrt(1 - a) x (Salimans and Ho 2022, arXiv:2202.00512, appendix D); arguments as for `diffuse`.

    Its size is about that of the image at one end and of the noise at the other, so a network that tells it never has
    to tell a small number by the difference of two large ones.
    """
    return diffuse(noise, -x, signal)


def clean_from_noise(x: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """The images behind `x` whose noise is `noise`, (x - sqrt(1 - a) noise) / sqrt(a); `signal` as for `diffuse`."""
    image, rest = _roots(signal, x.dtype)
    return (x - rest * noise) / image


def clean_from_velocity(x: Tensor, v: Tensor, signal: Tensor) -> Tensor:
    """The images behind `x` whose velocity is `v`, sqrt(a) x - sqrt(1 - a) v; `signal` as for `diffuse`."""
    image, rest = _roots(signal, x.dtype)
    return image * x - rest * v


def _roots(signal: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """sqrt(a) and sqrt(1 - a), [B,1,1,1]; the difference is taken before anything is rounded to `dtype`."""
    a = signal[:, None, None, None]
    return a.sqrt().to(dtype), (1 - a).sqrt().to(dtype)


def path(steps: int, visits: int) -> list[int]:
    """The steps that a sampler visits: floor(i steps / visits), from the largest i down to 0; at most all.

    The linear subsequence of Song et al. (2021, section 4.2 and appendix D.2). It starts short of the last step, at
    which an image is so faint that what the network says of it is error alone.
    """
    visits = min(visits, steps)
    return [i * steps // visits for i in reversed(range(visits))]
