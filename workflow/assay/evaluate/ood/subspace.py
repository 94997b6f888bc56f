"""The directions in which train features hardly vary, as ViM and its residual take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import eigh

from assay.errors import MethodError
from assay.evaluate.ood.features import blocks, check_features, check_head, second_moment
from assay.evaluate.result import UndefinedError

#: What rounding leaves of a singular value that is 0, by the largest one. The rows of a trained head often sum up to 0.
SINGULAR = float(np.finfo(np.float32).eps)


class ResidualSpace:
    """What of a feature vector lies outside the principal subspace of the train images.

    The origin is `u = -W^+ b`, where all logits are 0 as nearly as can be; the principal subspace is spanned by the
    first d eigenvectors of the mean of `(f - u) (f - u)^T` over the train images.

    Attributes:
        origin_: u, float64 [D].
        basis_: float64 [D,D-d], orthonormal.
        mean_: of the residuals' lengths over the train images.
    """

    def fit(self, name: str, features: np.ndarray, head: Any, dimension: int | None) -> ResidualSpace:
        """Fit to the features [N,D] of train images, for the detector `name`, with d = `dimension`.

        None stands for the choice of the paper's code: 1000 of at least 2048 features, 512 of at least 768, else half.

        Raises:
            MethodError: no features, no head, or no direction left.
            UndefinedError: no images, features that are not finite, or none that leaves the subspace.
        """
        check_features(name, features)
        weight, bias = check_head(name, head)
        size = features.shape[1]
        if dimension is None:
            dimension = 1000 if size >= 2048 else 512 if size >= 768 else size // 2
        if dimension >= size:
            raise MethodError(f"{name} has dimension = {dimension}, which must be less than the {size} features")
        self.origin_ = -(np.linalg.pinv(weight, rcond=SINGULAR * max(weight.shape)) @ bias)
        moment = second_moment(features, self.origin_)
        # Eigenvalues come in rising order, so that the principal directions are the last ones.
        _, self.basis_ = eigh(moment, subset_by_index=[0, size - dimension - 1])
        self.mean_ = float(np.mean(np.concatenate([self.lengths(block) for block in blocks(features)])))
        if not self.mean_ > 1e-9 * np.sqrt(np.trace(moment)):
            raise UndefinedError(f"no train image has features outside their first {dimension} principal directions")
        return self

    def lengths(self, features: np.ndarray) -> np.ndarray:
        """Lengths float64 [N] of the residuals of features [N,D]."""
        return np.asarray(np.linalg.norm((features - self.origin_) @ self.basis_, axis=1))
