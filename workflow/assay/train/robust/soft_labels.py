"""Labels that give way to the prediction of a network that has not seen them (Kim et al. 2022, arXiv:2212.01674)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: Kept away from the logarithm of 0, as in the authors' code.
_TINY = 1e-10


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """Jensen-Shannon divergence in nats of probabilities `[N,K]`, `[N]` in 0..log 2."""
    middle = (p + q) / 2
    halves = [(one * ((one + _TINY) / (middle + _TINY)).log()).sum(dim=1) for one in (p, q)]
    return (halves[0] + halves[1]) / 2


def bounds(p: Tensor, labels: Tensor) -> Tensor:
    """Smallest and largest divergence between predictions `[N,K]` and labels `[N]` by label, `[2,K]`.

    A label that no image has gets 0 and log 2.
    """
    classes = p.shape[1]
    found = divergence(p, F.one_hot(labels, classes).float())
    low = p.new_zeros(classes).scatter_reduce(0, labels, found, "amin", include_self=False)
    high = p.new_full((classes,), 2.0).log().scatter_reduce(0, labels, found, "amax", include_self=False)
    return torch.stack([low, high])


def corrected(p: Tensor, targets: Tensor, bound: Tensor, gamma: float) -> Tensor:
    """`b p + (1 - b) y` with `b = gamma (d - 1/2) + 1/2`, d the divergence of p and y, 0..1 between the label's bounds.

    Eqs. 1 to 4 of the paper: the less a peer agrees with a label, the more its prediction counts.

    Args:
        p: the peer's predictions `[B,K]`.
        targets: one-hot labels y `[B,K]`.
        bound: from `bounds`.
        gamma: in 0..1; 0 mixes half and half whatever the divergence.
    """
    low, high = bound[:, targets.argmax(dim=1)]
    scaled = ((divergence(p, targets) - low) / (high - low).clamp_min(_TINY)).clamp(0, 1)
    share = (gamma * (scaled - 0.5) + 0.5)[:, None]
    return share * p + (1 - share) * targets


def sharpened(p: Tensor, temperature: float) -> Tensor:
    """`p^(1/T)` scaled to sum to 1, `[B,K]`."""
    powered = p ** (1 / temperature)
    return powered / powered.sum(dim=1, keepdim=True)
