"""The diffusion process: noise schedules, the forward process and one step back.

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


def noise_of(x: Tensor, v: Tensor, signal: float) -> Tensor:
    """The noise in images `x` at level alpha_bar `signal` whose velocity is `v`: sqrt(1 - a) x + sqrt(a) v."""
    return math.sqrt(1 - signal) * x + math.sqrt(signal) * v


def spread(start: float, end: float, eta: float) -> float:
    """Standard deviation of the noise put back by a step from alpha_bar `start` to the larger `end`.

    Song et al. (2021, arXiv:2010.02502), equation 16: eta 0 is the deterministic DDIM; eta 1 over every step is the
    DDPM with its posterior variance (Ho et al., equation 7).
    """
    return eta * math.sqrt((1 - end) / (1 - start)) * math.sqrt(1 - start / end)


def step_back(x: Tensor, noise: Tensor, start: float, end: float, eta: float, draw: Tensor | None) -> Tensor:
    """One step towards the image (Song et al. 2021, equation 12).

    Args:
        x: images at noise level `start`, float [B,C,H,W].
        noise: the noise that the network sees in them, of the same shape.
        start: alpha_bar of `x`.
        end: alpha_bar to reach; 1 is the clean image.
        eta: see `spread`.
        draw: standard normal noise of the same shape; needed when `eta` is above 0 and `end` below 1.

    The image that `noise` implies is clipped to -1..1, and the noise is taken from it again, so that an impossible
    pixel is not carried on.
    """
    clean = ((x - math.sqrt(1 - start) * noise) / math.sqrt(start)).clamp(-1, 1)
    noise = (x - math.sqrt(start) * clean) / math.sqrt(1 - start)
    sigma = spread(start, end, eta)
    out = math.sqrt(end) * clean + math.sqrt(max(1 - end - sigma**2, 0.0)) * noise
    return out if draw is None or sigma == 0 else out + sigma * draw


def path(steps: int, visits: int) -> list[int]:
    """The steps that a sampler visits: floor(i steps / visits), from the largest i down to 0; at most all.

    The linear subsequence of Song et al. (2021, section 4.2 and appendix D.2). It starts short of the last step, at
    which an image is so faint that what the network says of it is error alone.
    """
    visits = min(visits, steps)
    return [i * steps // visits for i in reversed(range(visits))]
