"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from assay.errors import MethodError
from assay.evaluate.probabilities import probabilities
from assay.study.registry import method

#: The temperature is looked for between these.
LOWEST, HIGHEST = 0.05, 20.0


@method(
    "calibrator",
    "temperature",
    summary="divide the logits by one number fitted on the validation split",
    paper="Guo et al. 2017, arXiv:1706.04599",
    shapes="logits [N,K] -> probabilities [N,K]",
)
class Temperature:
    """`p = softmax(z / T)` with the T > 0 that maximises the likelihood of the validation labels.

    In `b = 1/T` the negative log-likelihood is convex, with slope `mean(E_p[z] - z_y)`; its one root is found in
    double precision by Brent's method, so nothing depends on a step size or on where one starts. The likelihood has
    no maximum at a finite T when every validation image is classified rightly (T tends to 0), or when the logits
    tell nothing of the labels (T grows without bound): T is then the bound of 0.05..20 and `note_` says so.

    Attributes:
        temperature_: T.
        fitted_: `{"temperature": T}`.
        note_: why T is a bound, or None.
    """

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Find T on logits [N,K] and labels int64 [N] of the validation split.

        Raises:
            MethodError: no images, or logits that are not finite.
        """
        logits = np.asarray(logits, dtype=np.float64)
        if len(logits) == 0:
            raise MethodError("temperature scaling needs validation images; the validation split is empty")
        if not np.isfinite(logits).all():
            raise MethodError("temperature scaling needs finite logits on the validation split")
        right = logits[np.arange(len(logits)), labels]

        def slope(inverse: float) -> float:
            """Derivative of the mean negative log-likelihood with respect to 1/T; it never falls."""
            return float(np.mean((probabilities(logits * inverse) * logits).sum(axis=1) - right))

        self.note_: str | None = None
        if slope(1.0) == 0:
            self.temperature_ = 1.0
        elif slope(1 / HIGHEST) >= 0:
            self.temperature_ = HIGHEST
            self.note_ = f"the likelihood on the validation split still grows at T = {HIGHEST:g}, where the search ends"
        elif slope(1 / LOWEST) <= 0:
            self.temperature_ = LOWEST
            self.note_ = f"the likelihood on the validation split still grows at T = {LOWEST:g}, where the search ends"
        else:
            self.temperature_ = 1 / float(brentq(slope, 1 / HIGHEST, 1 / LOWEST, xtol=1e-12, rtol=1e-12))
        self.fitted_ = {"temperature": self.temperature_}

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Logits [N,K] to probabilities float64 [N,K].

        Raises:
            UndefinedError: a row has no softmax.
        """
        return probabilities(np.asarray(logits, dtype=np.float64) / self.temperature_)
