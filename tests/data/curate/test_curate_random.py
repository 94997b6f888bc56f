"""Random curation: how many, and that all are as likely."""

import numpy as np
import pytest
from assay.data.curation import amount
from assay.errors import MethodError


def test_as_many_as_asked_for(curate, view):
    assert len(curate("random", view([0] * 10), keep=0.25)) == 3
    assert len(curate("random", view([0] * 10), keep=7.0)) == 7
    assert len(curate("random", view([0] * 10, size=4))) == 4
    assert curate("random", view([0] * 10), keep=1.0) == list(range(10))


def test_every_image_is_as_likely(curate, view):
    kept = np.concatenate([curate("random", view([0] * 10, seed=seed), keep=0.3) for seed in range(400)])
    counts = np.bincount(kept, minlength=10)
    assert counts.sum() == 1200
    assert abs(counts - 120).max() < 40  # 4.4 standard deviations


def test_nothing_is_made_up(curate, view):
    with pytest.raises(MethodError, match="as-many-as"):
        curate("random", view([0]))
    with pytest.raises(MethodError, match="11 images"):
        curate("random", view([0] * 10, size=11))
    with pytest.raises(MethodError, match="12 images are to be kept"):
        amount(12, 10)
    with pytest.raises(MethodError, match=r"2\.5"):
        amount(2.5, 10)
