"""The computation of the stage `search`: which of the tuned points was best on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from assay.errors import MethodError


def choose(
    points: Sequence[Mapping[str, Any]], predictions: Sequence[tuple[np.ndarray, np.ndarray] | None], by: str
) -> dict[str, Any]:
    """The point whose model did best; among equals the one declared first.

    Args:
        points: the tried values, {dotted path: value} each.
        predictions: for each point the logits `[N,K]` and labels `[N]` of the validation split; None where its
            training failed.
        by: "accuracy", "balanced-accuracy" (both higher is better) or "nll" (nats, lower is better).

    Returns:
        `choice` (the point), `index`, `score`, `scores` of all points (None where not finite) and `by`.

    Raises:
        MethodError: an unknown criterion, or no point with a finite score.
    """
    if by not in _CRITERIA:
        raise MethodError(f"cannot choose by {by!r}; on validation there is {', '.join(_CRITERIA)}")
    judge, sign = _CRITERIA[by]
    scores = [judge(made[0].astype(np.float64), made[1]) if made else float("nan") for made in predictions]
    finite = [index for index, score in enumerate(scores) if np.isfinite(score)]
    if not finite:
        raise MethodError(f"none of the {len(points)} points has a finite {by} on validation")
    best = max(finite, key=lambda index: sign * scores[index])
    return {
        "choice": dict(points[best]),
        "index": best,
        "score": scores[best],
        "scores": [score if np.isfinite(score) else None for score in scores],
        "by": by,
    }


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    if not np.isfinite(logits).all() or not len(labels):
        return float("nan")
    return float((logits.argmax(axis=1) == labels).mean())


def _balanced_accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean([_accuracy(logits[labels == label], labels[labels == label]) for label in np.unique(labels)]))


def _nll(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_p[np.arange(len(labels)), labels].mean())


#: How models are judged, and whether higher (1) or lower (-1) is better.
_CRITERIA: dict[str, tuple[Callable[[np.ndarray, np.ndarray], float], int]] = {
    "accuracy": (_accuracy, 1),
    "balanced-accuracy": (_balanced_accuracy, 1),
    "nll": (_nll, -1),
}
