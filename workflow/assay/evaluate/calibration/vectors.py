"""Calibrators that are a softmax of linear maps: the convex fit that vector, matrix and Dirichlet scaling share."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp

from assay.errors import MethodError

#: No weight and no intercept leaves -BOUND..BOUND, where the likelihood has no maximum at finite ones.
BOUND = 20.0
#: Parts into which the validation split is cut to choose the strength of a penalty.
FOLDS = 5
#: Relative fall of the loss at which a fit ends, and at which one ends that only has to rank penalties.
EXACT, ROUGH = 1e-13, 1e-7


def needed(name: str, logits: np.ndarray) -> np.ndarray:
    """The validation logits in double precision.

    Raises:
        MethodError: there are none, or some are not finite.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if len(logits) == 0:
        raise MethodError(f"{name} needs validation images; the validation split is empty")
    if not np.isfinite(logits).all():
        raise MethodError(f"{name} needs finite logits on the validation split")
    return logits


def fit_diagonal(inputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights [K] and intercepts [K] that minimise the mean of `-log softmax(w * x + b)_y`, by L-BFGS-B from w = 1."""
    classes = inputs.shape[1]
    target = np.eye(classes)[labels]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight, intercept = flat[:classes], flat[classes:]
        value, slope = _likelihood(inputs * weight + intercept, target)
        return value, np.concatenate([(slope * inputs).sum(axis=0), slope.sum(axis=0)])

    found = _minimised(loss, np.concatenate([np.ones(classes), np.zeros(classes)]), EXACT)
    return found[:classes], found[classes:]


def fit_matrix(
    inputs: np.ndarray, labels: np.ndarray, penalty: float, start: np.ndarray | None = None, tolerance: float = EXACT
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [K,K] and intercepts [K] that minimise the mean of `-log softmax(W x + b)_y` and a penalty.

    The penalty is ODIR (off-diagonal and intercept regularisation; Kull et al. 2019, section 3.2),
    `penalty (mean of w_ij^2 over i != j + mean of b_j^2)`. It is 0 in Guo et al. 2017. `start` is W to start from, by
    default the identity, and `tolerance` the relative fall of the loss at which the search ends.
    """
    classes = inputs.shape[1]
    target = np.eye(classes)[labels]
    off = ~np.eye(classes, dtype=bool)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight, intercept = flat[:-classes].reshape(classes, classes), flat[-classes:]
        value, slope = _likelihood(inputs @ weight.T + intercept, target)
        by_weight, by_intercept = slope.T @ inputs, slope.sum(axis=0)
        if penalty:
            value += penalty * (np.sum(weight[off] ** 2) / max(1, off.sum()) + np.mean(intercept**2))
            by_weight = by_weight + 2 * penalty / max(1, off.sum()) * np.where(off, weight, 0)
            by_intercept = by_intercept + 2 * penalty / classes * intercept
        return value, np.concatenate([by_weight.ravel(), by_intercept])

    first = np.eye(classes) if start is None else start
    found = _minimised(loss, np.concatenate([first.ravel(), np.zeros(classes)]), tolerance)
    return found[:-classes].reshape(classes, classes), found[-classes:]


def chosen(inputs: np.ndarray, labels: np.ndarray, penalties: list[float]) -> float:
    """The penalty with the lowest loss over `FOLDS` parts of the validation images, the largest of several equal.

    The images of each class go round the parts, in their order.
    """
    if len(penalties) == 1:
        return penalties[0]
    fold = np.empty(len(labels), dtype=np.int64)
    for number in np.unique(labels):
        members = np.flatnonzero(labels == number)
        fold[members] = np.arange(len(members)) % FOLDS
    losses = dict.fromkeys(sorted(penalties, reverse=True), 0.0)
    for part in np.unique(fold):
        learnt, judged = fold != part, fold == part
        if not learnt.any():
            raise MethodError(f"too few validation images to choose a penalty from {penalties}; name one")
        weight = None
        for penalty in losses:
            weight, intercept = fit_matrix(inputs[learnt], labels[learnt], penalty, weight, ROUGH)
            scores = log_softmax(inputs[judged] @ weight.T + intercept, axis=1)
            losses[penalty] -= scores[np.arange(len(scores)), labels[judged]].sum()
    return min(losses, key=lambda penalty: losses[penalty])


def bound_note(*fitted: np.ndarray) -> str | None:
    """Why the fit is no maximum of the likelihood, or None."""
    if max(float(np.abs(one).max()) for one in fitted) < BOUND:
        return None
    return f"the likelihood on the validation split still grows where a parameter is {BOUND:g}, the largest allowed"


def _likelihood(scores: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean negative log-likelihood of scores [N,K], and its slope by them."""
    norms = logsumexp(scores, axis=1, keepdims=True)
    value = float((norms[:, 0] - (scores * target).sum(axis=1)).mean())
    slope: np.ndarray = (np.exp(scores - norms) - target) / len(scores)
    return value, slope


def _minimised(loss: Any, start: np.ndarray, tolerance: float) -> np.ndarray:
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-BOUND, BOUND)] * len(start),
        options={"maxiter": 2000, "maxfun": 4000, "ftol": tolerance, "gtol": 1e-8, "maxcor": 20},
    )
    result: np.ndarray = found.x
    return result
