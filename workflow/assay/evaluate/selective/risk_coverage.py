"""The risk-coverage curve and what is read from it (El-Yaniv & Wiener 2010; Geifman et al. 2019, arXiv:1805.08206).

Images are accepted from the highest confidence down. Where several are equally confident, everything here is the mean
over the orders in which they could come, so nothing depends on the order of the images.
"""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def risk_curve(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The share of errors float64 [N] among the 1, 2, ..., N most confident images.

    Args:
        confidence: float [N]; infinite ones are allowed.
        right: bool [N], whether the prediction is the label.

    Raises:
        UndefinedError: no images, or a confidence that is NaN.
    """
    if len(right) == 0:
        raise UndefinedError("there are no images")
    spoilt = int(np.isnan(confidence).sum())
    if spoilt:
        raise UndefinedError(f"{spoilt} of {len(right)} confidences are NaN")
    _, group, size = np.unique(-np.asarray(confidence), return_inverse=True, return_counts=True)
    share = np.bincount(group, ~np.asarray(right, dtype=bool)) / size
    result: np.ndarray = np.cumsum(np.repeat(share, size)) / np.arange(1, len(right) + 1)
    return result


def aurc(risks: np.ndarray) -> float:
    """The area under the curve, `1/N sum_i r_i`, from the risks [N] of `risk_curve`."""
    return float(risks.mean())


def e_aurc(risks: np.ndarray) -> float:
    """The area beyond that of the best order, in which every error comes last: with e errors of N images,
    `1/N sum_i r_i - 1/N sum_i max(0, i - (N - e)) / i` (Geifman et al. 2019, without their approximation for large N).
    """
    images = len(risks)
    errors = risks[-1] * images
    accepted = np.arange(1, images + 1)
    best = np.maximum(0.0, accepted - (images - errors)) / accepted
    return max(0.0, float(risks.mean() - best.mean()))


def accuracy_at(risks: np.ndarray, coverage: float) -> float:
    """Accuracy on the `ceil(coverage N)` most confident images, from the risks [N] of `risk_curve`."""
    accepted = max(1, int(np.ceil(coverage * len(risks) - 1e-9)))
    return float(1 - risks[accepted - 1])


def coverage_at(risks: np.ndarray, risk: float) -> float:
    """The largest share of images that can be accepted with at most `risk` of errors among them; 0 if there is none."""
    fine = np.flatnonzero(risks <= risk + 1e-12)
    return float((fine[-1] + 1) / len(risks)) if len(fine) else 0.0
