"""Curves over all thresholds of a score, which several metrics and figures share."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.result import plain


def counts_above(negative: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positives int64 [T] when everything that scores at least t is called positive.

    t runs down through the T distinct scores. Equal scores are always on one side of a threshold.
    """
    scores = np.concatenate([negative, positive])
    is_positive = np.concatenate([np.zeros(len(negative), np.int64), np.ones(len(positive), np.int64)])
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    true = np.cumsum(is_positive[order])[last]
    return last + 1 - true, true


def thinned_roc(inside: np.ndarray, outside: np.ndarray, points: int) -> dict[str, list[Any]]:
    """The ROC of outliers against test images as `fpr` and `tpr`, from (0,0) to (1,1), at most `points` points."""
    false, true = counts_above(inside, outside)
    fpr = np.concatenate([[0], false / len(inside)])
    tpr = np.concatenate([[0], true / len(outside)])
    kept = np.unique(np.linspace(0, len(fpr) - 1, points).round().astype(int))
    return {"fpr": plain(fpr[kept]), "tpr": plain(tpr[kept])}


def histograms(scores: dict[str, np.ndarray], bins: int) -> dict[str, Any]:
    """Histograms of several sets over common bins: `edges` [bins + 1] and `density` of each set [bins], summing to 1.

    The bins span the middle 99% of all finite scores; the first and last bin also hold what lies beyond.
    """
    pooled = np.concatenate([np.empty(0), *scores.values()])
    pooled = pooled[np.isfinite(pooled)]
    low, high = np.quantile(pooled, [0.005, 0.995]) if len(pooled) else (0.0, 0.0)
    if not high - low > 1e-9 * max(1.0, abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    density = {
        name: plain(np.histogram(np.clip(values, low, high), edges)[0] / max(1, len(values)))
        for name, values in scores.items()
    }
    return {"edges": plain(edges), "density": density}
