"""The digits source against scikit-learn's own arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.sources.digits import digits
from assay.errors import MethodError
from assay.streams import Streams
from sklearn.datasets import load_digits

GIVEN = Given(Streams({}), None, NoFiles())


def test_pixels_are_scaled_from_16_steps_to_255():
    raw = digits(GIVEN)
    source = load_digits()
    assert raw.images.shape == (1797, 8, 8, 1)
    assert np.abs(raw.images[..., 0] / 255 - source.images / 16).max() <= 0.5 / 255 + 1e-12
    assert raw.labels.tolist() == source.target.tolist()
    assert raw.images.max() == 255


def test_other_content_is_refused(monkeypatch):
    monkeypatch.setattr(digits, "assay_origin", replace(digits.assay_origin, digest="0" * 64))
    with pytest.raises(MethodError, match=r"digits: these are not the images .*expected content 0{64}, found bbe74"):
        digits(GIVEN)
