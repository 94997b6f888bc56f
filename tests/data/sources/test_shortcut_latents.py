"""Both dials of both features, measured on the images alone."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.patterns import from_grey
from assay.data.sources.shortcut_latents import directions, limit, shortcut_latents
from assay.streams import Streams
from scipy.special import ndtri

GIVEN = Given(Streams({"generator": 5}), None, NoFiles())
COUNT = 8000


def made(core=0.9, shortcut=0.8, core_seen=0.2, shortcut_seen=1.0, count=COUNT, side=16):
    return shortcut_latents(
        GIVEN, count=count, side=side, core_predictivity=core, shortcut_predictivity=shortcut,
        core_availability=core_seen, shortcut_availability=shortcut_seen,
    )  # fmt: skip


def latents(raw, core=0.9, shortcut=0.8, core_seen=0.2, shortcut_seen=1.0):
    """`a z` of both features, [N,2], read off the pixels."""
    span = limit(ndtri([core, shortcut]), np.array([core_seen, shortcut_seen]))
    values = from_grey(raw.images.reshape(len(raw.images), -1), span)
    return values @ directions(GIVEN, 16).T / 256


@pytest.mark.parametrize(("core", "shortcut"), [(0.9, 0.8), (0.5, 0.99), (0.75, 0.25)])
def test_predictivity_is_how_often_a_feature_alone_is_right(core, shortcut):
    raw = made(core, shortcut)
    right = (latents(raw, core, shortcut) > 0) == raw.labels[:, None].astype(bool)
    for measured, dial in zip(right.mean(0), (core, shortcut), strict=True):
        assert abs(measured - dial) < 4 * np.sqrt(dial * (1 - dial) / COUNT)
    agree = raw.groups == "agree"
    assert abs(agree.mean() - shortcut) < 4 * np.sqrt(shortcut * (1 - shortcut) / COUNT)
    assert (agree == right[:, 1]).mean() > 0.99


def test_no_threshold_on_a_feature_is_right_more_often():
    raw = made()
    for column, dial in enumerate((0.9, 0.8)):
        value = latents(raw)[:, column]
        order = raw.labels[np.argsort(value)]
        # Of all thresholds the best: what lies below it is `minus`, the rest `plus`.
        best = (np.cumsum(order == 0) + (order == 1).sum() - np.cumsum(order)).max() / COUNT
        assert dial - 0.015 < best < dial + 0.015


def test_availability_is_the_amplitude_in_the_image():
    spread = latents(made()).std(0)
    both = ndtri([0.9, 0.8])
    expected = np.array([0.2, 1.0]) * np.sqrt(1 + both**2)  # noise of 1 and means at +-m
    assert spread == pytest.approx(expected, rel=0.03)


def test_features_are_independent_given_the_class():
    raw = made()
    for label in (0, 1):
        assert abs(np.corrcoef(latents(raw)[raw.labels == label].T)[0, 1]) < 4 / np.sqrt(COUNT / 2)


def test_other_dials_leave_the_rest_of_an_image_alone():
    before, after = made(), made(shortcut=0.5)
    assert (before.labels == after.labels).all()
    assert latents(after, shortcut=0.5)[:, 0] == pytest.approx(latents(before)[:, 0], abs=0.015)


def test_images_are_not_clipped():
    raw = made(core=0.99, shortcut=0.01, core_seen=1.0)
    assert 0 < raw.images.min() < 100
    assert 155 < raw.images.max() < 255


def test_a_larger_set_begins_with_a_smaller_one():
    few, many = made(count=25), made(count=90)
    assert (many.images[:25] == few.images).all()
    assert (many.labels[:25] == few.labels).all()
