"""Mean corruption error and its relative form (Hendrycks & Dietterich 2019, arXiv:1903.12261, section 4)."""

from __future__ import annotations

import numpy as np

from assay.evaluate.result import UndefinedError


def corruption_error(errors: np.ndarray, reference: np.ndarray) -> float:
    """`CE = sum_s E_s / sum_s E_s of the reference`, over the severities s of one corruption; 1 is the reference.

    Args:
        errors: shares of wrong predictions, float64 [S].
        reference: those of the reference, float64 [S].

    Raises:
        UndefinedError: the reference makes no error.
    """
    if not reference.sum() > 0:
        raise UndefinedError("the reference makes no error under this corruption")
    return float(errors.sum() / reference.sum())


def relative_corruption_error(errors: np.ndarray, clean: float, reference: np.ndarray, reference_clean: float) -> float:
    """`sum_s (E_s - E_clean) / sum_s (E_s - E_clean) of the reference`: what the corruption adds to the error.

    Args:
        errors: shares of wrong predictions under the corruption, float64 [S].
        clean: the share on the images as they are.
        reference: as `errors`, of the reference.
        reference_clean: as `clean`, of the reference.

    Raises:
        UndefinedError: the corruption adds no error to the reference.
    """
    added = float((reference - reference_clean).sum())
    if not added > 1e-12:
        raise UndefinedError("the corruption adds no error to the reference")
    return float((errors - clean).sum() / added)
