"""Time of a forward pass."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

#: Passes before the clock counts, which fill caches and let libraries choose their kernels.
WARM_UP = 2


def timings(model: nn.Module, image: tuple[int, int, int], batch: int, repeats: int) -> np.ndarray:
    """Seconds float64 [repeats] of one forward pass each over `batch` blank images of shape (C, H, W)."""
    images = torch.zeros(batch, *image)
    seconds = []
    with torch.inference_mode():
        for _ in range(WARM_UP + repeats):
            start = time.perf_counter()
            model(images)
            seconds.append(time.perf_counter() - start)
    return np.array(seconds[WARM_UP:])


def latency(seconds: np.ndarray) -> float:
    """The median of the timings."""
    return float(np.median(seconds))


def throughput(seconds: np.ndarray, batch: int) -> float:
    """Images a second at the median of the timings of `batch` images."""
    return float(batch / np.median(seconds))


def throughput_iqr(seconds: np.ndarray, batch: int) -> float:
    """The interquartile range of images a second over the timings."""
    low, high = np.quantile(batch / seconds, [0.25, 0.75])
    return float(high - low)


def latency_iqr(seconds: np.ndarray) -> float:
    """The interquartile range of the timings."""
    low, high = np.quantile(seconds, [0.25, 0.75])
    return float(high - low)
