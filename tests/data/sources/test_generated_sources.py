"""Noise and glyphs: shaped like another dataset, from their own stream."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.dataset import Dataset, Split
from assay.data.given import Given
from assay.data.sources.glyphs import LETTERS, glyphs
from assay.data.sources.noise import noise
from assay.errors import MethodError
from assay.streams import Streams
from scipy.stats import kstest, norm

STREAMS = Streams({"generator": 4})


def given(height=8, width=8, channels=1):
    none = np.zeros(0, np.int64)
    like = Dataset(
        ["a"], {"train": Split(np.zeros((0, height, width, channels), np.uint8), none, none.astype(str), none)}
    )
    return Given(STREAMS, like, NoFiles())


SHAPELESS = Given(STREAMS, None, NoFiles())


def test_uniform_noise_takes_every_value_equally():
    raw = noise(given(16, 12, 3), kind="uniform", count=100)
    assert raw.images.shape == (100, 16, 12, 3)
    counts = np.bincount(raw.images.ravel(), minlength=256)
    assert abs(counts - raw.images.size / 256).max() < 6 * np.sqrt(raw.images.size / 256)


def test_gaussian_noise_is_clipped_at_half_a_deviation_from_its_mean():
    values = noise(given(), kind="gaussian", count=500).images.ravel()
    for edge in (0, 255):
        # Half a grey level beyond the edge rounds onto it.
        assert (values == edge).mean() == pytest.approx(norm.cdf(-0.5 + 0.5 / 255), abs=0.01)
    inside = values[(values > 0) & (values < 255)] / 255
    low, high = norm.cdf([-0.5, 0.5])
    assert kstest((norm.cdf(inside - 0.5) - low) / (high - low), "uniform").statistic < 0.015


@pytest.mark.parametrize(
    "make", [lambda n: noise(given(), kind="gaussian", count=n), lambda n: glyphs(given(), count=n)]
)
def test_more_images_begin_with_those_of_a_smaller_set(make):
    assert (make(40).images[:15] == make(15).images).all()


def test_glyphs_have_the_shape_asked_for_and_ink_in_every_image():
    raw = glyphs(given(28, 28, 3), count=40)
    assert raw.images.shape == (40, 28, 28, 3)
    assert (raw.images[..., 0] == raw.images[..., 2]).all()
    assert raw.images.reshape(40, -1).max(1).min() > 100
    assert len(np.unique(raw.images.reshape(40, -1), axis=0)) == 40
    assert not set(LETTERS) & set("OIlZSBDQGJ")


def test_glyphs_are_told_apart_as_letters():
    from sklearn.neighbors import KNeighborsClassifier

    raw = glyphs(given(16, 16), count=680)
    flat = raw.images.reshape(len(raw.images), -1) / 255
    model = KNeighborsClassifier(3).fit(flat[:510], raw.labels[:510])
    assert model.score(flat[510:], raw.labels[510:]) > 0.6


def test_without_a_shape_there_is_a_message():
    for source in (lambda: noise(SHAPELESS, kind="uniform", count=1), lambda: glyphs(SHAPELESS, count=1)):
        with pytest.raises(MethodError, match="`like`"):
            source()
