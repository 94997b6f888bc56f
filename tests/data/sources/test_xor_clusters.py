"""XOR clusters against the moments, the error of the best classifier and the clipping that their definition gives."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.patterns import from_grey
from assay.data.sources.xor_clusters import CLUSTERS, limit, means, xor_clusters
from assay.streams import Streams
from scipy.stats import norm as normal

GIVEN = Given(Streams({"generator": 3}), None, NoFiles())


def points(count, side, norm):
    """The images as numbers again, [count, side^2], and their labels and clusters."""
    raw = xor_clusters(GIVEN, count=count, side=side, norm=norm)
    return from_grey(raw.images.reshape(count, -1), limit(side, norm)), raw


@pytest.fixture(scope="module")
def drawn():
    return points(20_000, 8, 4.0)


def test_each_cluster_has_the_mean_and_covariance_of_its_definition(drawn):
    values, raw = drawn
    axes = means(GIVEN, 8, 4.0)
    assert np.linalg.norm(axes, axis=1) == pytest.approx([4, 4])
    assert axes[0] @ axes[1] == 0
    for name, centre in zip(CLUSTERS, (axes[0], -axes[0], axes[1], -axes[1]), strict=True):
        members = values[raw.groups == name]
        assert abs(len(members) - 5000) < 5 * np.sqrt(20_000 * 0.25 * 0.75)
        error = 1 / np.sqrt(len(members))
        assert np.abs(members.mean(0) - centre).max() < 5 * error
        spread = np.cov(members.T)
        assert np.abs(spread - np.eye(64)).max() < 5.5 * np.sqrt(2) * error


def test_the_class_is_the_axis(drawn):
    _, raw = drawn
    assert raw.classes == ["plus", "minus"]
    assert (raw.labels == np.isin(raw.groups, ["+mu2", "-mu2"])).all()


def test_no_single_direction_tells_the_classes_apart(drawn):
    values, raw = drawn
    gap = values[raw.labels == 0].mean(0) - values[raw.labels == 1].mean(0)
    assert np.abs(gap).max() < 5 * 2 * np.sqrt(1 + 0.25) / np.sqrt(20_000)  # means of both classes are 0


@pytest.mark.parametrize("norm", [1.5, 3.0])
def test_the_best_classifier_errs_as_often_as_theory_says(norm):
    values, raw = points(20_000, 8, norm)
    along = np.abs(values @ means(GIVEN, 8, norm).T)
    wrong = ((along[:, 1] > along[:, 0]) != raw.labels).mean()
    q = normal.cdf(-norm / np.sqrt(2))
    best = 2 * q * (1 - q)
    assert abs(wrong - best) < 4 * np.sqrt(best * (1 - best) / 20_000)


def test_hardly_any_coordinate_is_clipped(drawn):
    # An end of the scale also takes the half level inside it; beyond half a level from an end, a value is clipped.
    _, raw = drawn
    step = 2 * limit(8, 4.0) / 255
    at_most = 2 * normal.cdf(-(5 - step / 2)) * raw.images.size
    assert np.isin(raw.images, [0, 255]).sum() <= at_most + 5 * np.sqrt(at_most)


def test_more_images_begin_with_those_of_a_smaller_set():
    few, many = (xor_clusters(GIVEN, count=count, side=16, norm=4.0) for count in (37, 150))
    assert (many.images[:37] == few.images).all()
    assert (many.labels[:37] == few.labels).all()


def test_another_stream_has_other_means():
    other = Given(Streams({"generator": 4}), None, NoFiles())
    assert (means(GIVEN, 8, 1.0) != means(other, 8, 1.0)).any()
