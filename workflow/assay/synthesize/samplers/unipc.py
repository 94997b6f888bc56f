"""UniPC: a multistep predictor, and a corrector that reuses the evaluation of the next step."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from assay import Option, method
from assay.synthesize.sampling import Denoiser

#: What the network saw at a noise level: the image, and lambda = -log sigma there.
Seen = tuple[Tensor, float]


@method(
    "sampler",
    "unipc",
    summary="UniPC with B(h) = e^h - 1: predictor and corrector of any order from one network evaluation a step",
    paper="Zhao et al. 2023, arXiv:2302.04867",
    options={"order": Option(2, "of the predictor; the corrector gains one more", at_least=1, at_most=3)},
    shapes="noise float [B,C,H,W] at sigma_0, sigma_0 > ... > sigma_N = 0 -> images float [B,C,H,W]",
)
def unipc(denoise: Denoiser, x: Tensor, sigmas: list[float], draw: torch.Generator, *, order: int) -> Tensor:  # noqa: ARG001
    """Algorithms 5 to 8 (multistep, predicting the image), for x = image + sigma noise.

    The order grows with the evaluations there are; the step to sigma 0 takes the image that the network sees.
    """
    seen: list[Seen] = []
    last, used = x, 0
    for number, (start, end) in enumerate(pairwise(sigmas)):
        clean = denoise(x, start)
        at = -math.log(start)
        if seen:
            x = _update(last, seen[-used:], at, (clean, at))
        seen = [*seen, (clean, at)][-order:]
        if end == 0:
            return clean
        used = min(order, len(seen), len(sigmas) - 1 - number)
        last, x = x, _update(x, seen[-used:], -math.log(end), None)
    return x


def _update(x: Tensor, seen: list[Seen], to: float, ahead: Seen | None) -> Tensor:
    """From the last level that was seen to lambda `to`: predicted, or corrected once the network saw `ahead` there.

    Args:
        x: at the last level seen.
        seen: the latest levels, as many as the order.
        to: lambda to reach.
        ahead: what was seen there.
    """
    clean, at = seen[-1]
    step = to - at
    base = math.exp(-step) * x - math.expm1(-step) * clean
    places = [(level - at) / step for _, level in reversed(seen[:-1])]
    slopes = [(image - clean) / place for (image, _), place in zip(reversed(seen[:-1]), places, strict=True)]
    if ahead is not None:
        places, slopes = [*places, 1.0], [*slopes, ahead[0] - clean]
    if not slopes:
        return base
    gains = weights(places, step)
    return base - math.expm1(-step) * sum((gain * slope for gain, slope in zip(gains, slopes, strict=True)), clean * 0)


def weights(places: list[float], step: float) -> list[float]:
    """Weights a of theorem 3.1: the sum of a_m r_m^(n-1) is n! phi_(n+1)(-h) h / B(h) for n = 1..p, h being `step`.

    A single one is 1/2 (appendix E.1), which keeps the order and needs no solving.

    Args:
        places: r_m, where what was seen lies, in steps.
        step: h.
    """
    if len(places) == 1:
        return [0.5]
    power = -step
    base = math.expm1(power)
    phi = base / power - 1
    rows, right, factorial = [], [], 1
    for n in range(1, len(places) + 1):
        rows.append([place ** (n - 1) for place in places])
        right.append(phi * factorial / base)
        factorial *= n + 1
        phi = phi / power - 1 / factorial
    solved = torch.linalg.solve(torch.tensor(rows, dtype=torch.float64), torch.tensor(right, dtype=torch.float64))
    return [float(gain) for gain in solved]
