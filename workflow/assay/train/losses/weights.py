"""Weights of classes by how many train images they have."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def inverse(counts: Tensor) -> Tensor:
    """`1 / n_j`, scaled to a mean of 1 over the classes that have images; float32 `[K]`.

    Args:
        counts: n, int64 `[K]`. A class without images has weight 0: it is in no batch.
    """
    return _scaled(1 / counts, counts)


def effective_number(counts: Tensor, beta: float) -> Tensor:
    """`(1 - beta) / (1 - beta^n_j)`, scaled to a mean of 1 over the classes that have images; float32 `[K]`.

    Cui et al. 2019 (arXiv:1901.05555): `(1 - beta^n) / (1 - beta)` is the effective number of n samples.
    0 weighs all classes alike, and towards 1 the weights become those of `inverse`.

    Args:
        counts: n, int64 `[K]`.
        beta: in [0, 1).
    """
    log_beta = math.log(beta) if beta else -math.inf
    # expm1 keeps the digits that 1 - beta^n loses for a beta near 1; the numerator is the same for all classes.
    return _scaled(-1 / torch.expm1(counts * log_beta), counts)


def _scaled(weights: Tensor, counts: Tensor) -> Tensor:
    seen = counts > 0
    weights = torch.where(seen, weights, 0.0)
    return weights * (seen.sum() / weights.sum())


def log_prior(counts: Tensor) -> Tensor:
    """Logarithm of each class's share of the train images, float32 `[K]`.

    A class without images counts as having one, which keeps its logarithm finite.

    Args:
        counts: int64 `[K]`.
    """
    counts = counts.clamp_min(1)
    return (counts / counts.sum()).log()
