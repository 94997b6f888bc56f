"""Mahalanobis distances in several layers (Lee et al. 2018, arXiv:1807.03888, algorithm 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from assay.distill.maps import Maps
from assay.errors import MethodError
from assay.evaluate.ood.gaussians import Gaussians
from assay.evaluate.result import UndefinedError
from assay.study.registry import Option, method
from assay.train.pixels import to_pixels, to_unit

if TYPE_CHECKING:
    from assay.models.classifier import Classifier

#: Images that go through the network at once.
BATCH = 256


@method(
    "detector",
    "mahalanobis-layers",
    summary="the sum over layers of the Mahalanobis distances to the nearest class mean",
    paper="Lee et al. 2018, arXiv:1807.03888",
    options={
        "weights": Option(
            None, "of the layers, from the first to the last; each layer has 1 if they are left out", type=list,
            item=float, optional=True,
        ),
    },
    reads=["model"],
    shapes="images [N,H,W,C] -> scores [N]",
)  # fmt: skip
class LayerMahalanobis:
    """`s(x) = sum_l w_l min_c (f_l(x) - m_lc)^T C_l^-1 (f_l(x) - m_lc)`.

    `f_l` are the means over the places of the last feature map of each resolution, from the largest to the smallest,
    then the features that the head reads; a network without feature maps has these alone. The paper finds the weights
    by a logistic regression on outliers, and moves images beforehand as ODIN does; neither is done here.
    """

    def __init__(self, weights: list[float] | None):
        self.weights = weights

    def watch(self, model: Classifier) -> None:
        """Take the trained model, in evaluation mode."""
        self.model = model

    def fit(self, features: np.ndarray, logits: np.ndarray, labels: np.ndarray, head: Any, images: np.ndarray) -> None:
        """Means and covariances of each layer, of train images uint8 [N,H,W,C] with labels int64 [N].

        Raises:
            MethodError: a number of weights other than that of the layers.
            UndefinedError: no images, or features that are not finite.
        """
        if len(images) == 0:
            raise UndefinedError("there are no train images to fit the detector on")
        try:
            self.maps_: Maps | None = Maps(self.model, images.shape[1])
        except MethodError:
            self.maps_ = None
        layers = self._layers(images)
        if not all(np.isfinite(layer).all() for layer in layers):
            raise UndefinedError("the network has features that are NaN or infinite on train images")
        if self.weights is not None and len(self.weights) != len(layers):
            raise MethodError(f"mahalanobis-layers has {len(self.weights)} weights for {len(layers)} layers")
        self.weights_ = [1.0] * len(layers) if self.weights is None else self.weights
        self.layers_ = [Gaussians().fit(layer, labels) for layer in layers]

    def score(self, features: np.ndarray, logits: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Images uint8 [N,H,W,C] to scores float64 [N]."""
        return np.asarray(
            sum(
                weight * fitted.distances(layer).min(axis=1)
                for weight, fitted, layer in zip(self.weights_, self.layers_, self._layers(images), strict=True)
            )
        )

    @torch.no_grad()
    def _layers(self, images: np.ndarray) -> list[np.ndarray]:
        """The features float32 [N,D_l] of each layer."""
        parts: list[list[np.ndarray]] = []
        for start in range(0, max(1, len(images)), BATCH):
            pixels = to_unit(to_pixels(images[start : start + BATCH]).to(self.model.mean.device))
            if self.maps_ is None:
                layers = [self.model.features(pixels)]
            else:
                with self.maps_.taken() as maps:
                    last = self.model.features(pixels)
                layers = [*(found.mean(dim=(2, 3)) for found in maps), last]
            parts.append([layer.float().cpu().numpy() for layer in layers])
        return [np.concatenate(layer) for layer in zip(*parts, strict=True)]
