"""Of each class, the images nearest to the centres of its clusters."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.curation import View
from assay.data.kmeans import kmeans as clustered
from assay.errors import MethodError


@method(
    "curate",
    "kmeans",
    summary="keep of each class the images nearest to the centres of its clusters",
    paper="MacQueen 1967, Berkeley Symposium 5.1; beside learnt images in Wang et al. 2018, arXiv:1811.10959",
    options={"per-class": Option(..., "images of each class, and clusters", type=int, at_least=1)},
    reads=["features"],
    shapes="features [N,D], labels [N] of K classes -> indices int64 [K*per-class]",
)
def kmeans(view: View, *, per_class: int) -> np.ndarray:
    """Cluster each class on its own into `per_class` clusters; of each keep the image nearest to its centre.

    Distances are Euclidean, over features or, without a model, over pixels.

    Raises:
        MethodError: a class with fewer different images than are asked for.
    """
    kept = []
    for label in np.unique(view.labels):
        members = np.flatnonzero(view.labels == label)
        points = view.features[members].astype(np.float64)
        centres, cluster = clustered(points, min(per_class, len(members)), view.rng)
        if len(centres) < per_class:
            raise MethodError(
                f"kmeans: class {view.classes[label]} has {len(centres)} different images; {per_class} are asked for"
            )
        distance = ((points - centres[cluster]) ** 2).sum(1)
        kept += [
            members[own[distance[own].argmin()]] for own in (np.flatnonzero(cluster == k) for k in range(per_class))
        ]
    return np.array(kept, np.int64)
