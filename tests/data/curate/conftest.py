"""A curator by its name, and views of a few points."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.curation import Dynamics, Evidence, View
from assay.study.registry import bind


@pytest.fixture
def curate(registry, entry):
    """`curate(name, view, **options)`: sorted indices that are kept."""

    def run(name, view, **options):
        kept = bind(registry, "curate", entry("curate", name, **options))(view)
        assert kept.dtype == np.int64
        assert len(set(kept.tolist())) == len(kept)
        return sorted(kept.tolist())

    return run


@pytest.fixture
def view():
    """`view(labels, features=..., margin=..., ...)`: images that nobody looks at, and what a model says of them."""

    def make(labels, images=None, seed=0, others=None, size=None, **evidence):
        labels = np.asarray(labels, np.int64)
        if "margin" in evidence:
            margin = np.asarray(evidence.pop("margin"), np.float32)
            error = np.asarray(evidence.pop("error", np.zeros_like(margin)), np.float32)
            evidence["dynamics"] = Dynamics(margin, margin > 0, error)
        return View(
            np.zeros((len(labels), 2, 2, 1), np.uint8) if images is None else images,
            labels,
            np.array([f"i{number}" for number in range(len(labels))]),
            [str(k) for k in range(int(labels.max(initial=0)) + 1)],
            np.random.default_rng(seed),
            Evidence(size=size, **evidence),
            others or {},
        )

    return make
