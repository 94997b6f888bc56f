"""Losses that look at more than logits.

A loss is called as `(logits, targets, counts)`. A class with `features = True` is called with the features too,
`(logits, targets, counts, features)`, float32 `[B,D]`, and says `reads=["features"]` in its card.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def reads_features(loss: object) -> bool:
    """Whether a bound loss looks at features."""
    return bool(getattr(loss, "features", False))


def applied(loss: Callable[..., Tensor], logits: Tensor, targets: Tensor, counts: Tensor, features: Tensor) -> Tensor:
    """The loss `[B]` of each sample, by a loss of either form."""
    if reads_features(loss):
        return loss(logits, targets, counts, features)
    return loss(logits, targets, counts)
