"""Confounders: the attribute agrees with the class as often as asked, and can be read off the pixels."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from altering import subject
from assay.data.confounders.attributes import attributes, palette
from assay.data.confounders.background import background
from assay.data.confounders.colour import colour
from assay.data.confounders.patch import patch
from scipy.stats import binom, chisquare

COUNT, CLASSES = 4000, 5
LABELS = np.arange(COUNT) % CLASSES
DIAL = {"correlation": 0.9, "test_correlation": None}


def pictures(channels=1, size=12):
    """A bright square in the middle on black."""
    images = np.zeros((COUNT, size, size, channels), np.uint8)
    images[:, 4:8, 4:8] = 200
    return images


def given(split="train", channels=1, **more):
    return subject(LABELS, CLASSES, images=pictures(channels), split=split, **more)


@pytest.mark.parametrize(("split", "share"), [("train", 0.9), ("unlabelled", 0.9), ("val", 0.3), ("test", 0.3)])
def test_agreement_is_that_of_the_split(split, share):
    made = attributes(given(split), 0.9, 0.3)
    low, high = binom.ppf([1e-4, 1 - 1e-4], COUNT, share)
    assert low <= (made == LABELS).sum() <= high
    off = (made - LABELS)[made != LABELS] % CLASSES
    assert chisquare(np.bincount(off, minlength=CLASSES)[1:]).pvalue > 1e-3


def test_by_default_the_attribute_tells_nothing_at_test():
    made = attributes(given("test"), 1.0, None)
    low, high = binom.ppf([1e-4, 1 - 1e-4], COUNT, 1 / CLASSES)
    assert low <= (made == LABELS).sum() <= high


@pytest.mark.parametrize("dial", [0.0, 1.0])
def test_the_ends_of_the_dial_are_exact(dial):
    assert ((attributes(given(), dial, None) == LABELS) == bool(dial)).all()


def test_images_of_no_class_get_any_attribute():
    made = attributes(subject(np.full(COUNT, -1), CLASSES), 1.0, 1.0)
    assert chisquare(np.bincount(made, minlength=CLASSES)).pvalue > 1e-3


def test_the_palette_is_of_even_hues():
    hues = [colorsys.rgb_to_hsv(*(shade / 255))[0] for shade in palette(5)]
    assert hues == pytest.approx([0, 0.2, 0.4, 0.6, 0.8], abs=0.002)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tint_is_read_off_the_bright_pixels(channels):
    images, chosen = colour(given(channels=channels), **DIAL, strength=1.0)
    assert images.shape == (COUNT, 12, 12, 3)
    seen = images[:, 5, 5].astype(int)
    distance = np.abs(seen[:, None] - 200 / 255 * palette(CLASSES)[None].astype(int)).sum(2)
    assert (distance.argmin(1) == chosen).all()
    assert distance.min(1).max() < 2
    assert (images[:, 0, 0] == 0).all()  # black stays black


def test_half_a_tint_keeps_half_of_the_image():
    images, chosen = colour(given(channels=3), **DIAL, strength=0.5)
    expected = 100 + 100 * palette(CLASSES)[chosen].astype(float) / 255
    assert np.abs(images[:, 5, 5] - expected).max() <= 0.5 + 1e-4


def test_a_patch_is_read_off_its_colour():
    images, chosen = patch(given(), **DIAL, varies="colour", size=0.2)
    assert (images[:, :2, :2] == palette(CLASSES)[chosen][:, None, None]).all()
    assert (images[:, 2:] == 200 * (pictures()[:, 2:] > 0)).all()


def test_a_patch_is_read_off_its_place():
    images, chosen = patch(given(), **DIAL, varies="place", size=0.2)
    assert images.shape[3] == 1
    white = (images[..., 0] == 255).reshape(COUNT, -1)
    assert (white.sum(1) == 4).all()
    places = [tuple(np.flatnonzero(white[chosen == k][0])) for k in range(CLASSES)]
    assert len(set(places)) == CLASSES
    assert all((white[chosen == k] == white[chosen == k][0]).all() for k in range(CLASSES))


@pytest.mark.parametrize("classes", [1, 2, 10, 100])
def test_places_do_not_overlap_and_lie_within_the_image(classes):
    labels = np.arange(classes)
    images, _ = patch(
        subject(labels, classes, images=np.zeros((classes, 32, 32, 1), np.uint8)),
        correlation=1.0, test_correlation=None, varies="place", size=0.09,
    )  # fmt: skip
    assert images.astype(bool).sum(0).max() == 1
    assert (images.astype(bool).sum((1, 2, 3)) == 9).all()


def test_a_background_is_read_off_the_dark_pixels():
    images, chosen = background(given(), **DIAL, filled_with="colour", darker_than=0.1, brightness=0.5)
    expected = palette(CLASSES)[chosen] * 0.5
    assert np.abs(images[:, 0, 0] - expected).max() <= 0.5
    assert (images[:, 4:8, 4:8] == 200).all()


def test_a_texture_runs_across_the_direction_of_its_number():
    """Along its stripes a texture does not change: vertical ones for number 0."""
    images, chosen = background(given(), **DIAL, filled_with="texture", darker_than=0.1, brightness=0.5)
    top = images[:, :4, :, 0].astype(int)
    same_by_row = (np.abs(np.diff(top, axis=1)) <= 1).all((1, 2))
    assert (same_by_row == (chosen == 0)).all()
    assert images.shape[3] == 1
    assert (images[:, 4:8, 4:8] == 200).all()
    assert top.max() <= 128
