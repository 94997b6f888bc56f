"""Instance-dependent noise: the rate asked for, and labels that follow from the image."""

from __future__ import annotations

import numpy as np
import pytest
from altering import subject
from assay.data.noise.instance_dependent import instance_dependent
from scipy.special import softmax
from scipy.stats import binom, chi2_contingency, chisquare, truncnorm

COUNT, CLASSES = 6000, 5


def noise(images, labels, rate, seed=0, spread=0.1):
    return instance_dependent(subject(labels, CLASSES, images=images, seed=seed), rate=rate, spread=spread)


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.45])
def test_the_mean_rate_is_that_of_the_truncated_normal(rate):
    rng = np.random.default_rng(5)
    labels = rng.integers(0, CLASSES, COUNT)
    noisy = noise(rng.integers(0, 256, (COUNT, 4, 4, 1), np.uint8), labels, rate)
    mean = truncnorm.mean(-rate / 0.1, (1 - rate) / 0.1, loc=rate, scale=0.1)
    assert abs(mean - rate) < 0.03
    low, high = binom.ppf([1e-4, 1 - 1e-4], COUNT, mean)
    assert low <= (noisy != labels).sum() <= high


def test_wrong_labels_follow_the_projection_of_the_image():
    """Equal images, so that the distribution over wrong classes has one closed form: softmax of x W."""
    image = np.random.default_rng(1).integers(0, 60, (1, 3, 3, 1), np.uint8)
    labels = np.full(COUNT, 2)
    noisy = noise(image.repeat(COUNT, 0), labels, 0.5)
    rng = np.random.default_rng(0)
    rng.random(COUNT), rng.random(COUNT), rng.random(COUNT)
    weights = [rng.standard_normal((9, CLASSES)) for _ in range(CLASSES)][2]
    logits = (image.ravel() / 255) @ weights
    logits[2] = -np.inf
    counts = np.bincount(noisy[noisy != 2], minlength=CLASSES)
    others = np.arange(CLASSES) != 2
    assert chisquare(counts[others], counts.sum() * softmax(logits)[others]).pvalue > 1e-3


def test_the_image_decides_what_a_label_becomes():
    """Two kinds of image of one class: each kind is mistaken for classes of its own."""
    kinds = np.random.default_rng(2).integers(0, 256, (2, 8, 8, 1), np.uint8)
    which = np.arange(COUNT) % 2
    noisy = noise(kinds[which], np.zeros(COUNT, int), 0.5)
    counts = [np.bincount(noisy[(which == kind) & (noisy != 0)], minlength=CLASSES)[1:] for kind in (0, 1)]
    assert chi2_contingency(counts).pvalue < 1e-12


def test_the_same_seed_gives_the_same_labels_and_another_others():
    images = np.random.default_rng(3).integers(0, 256, (200, 4, 4, 1), np.uint8)
    labels = np.arange(200) % CLASSES
    assert (noise(images, labels, 0.4) == noise(images, labels, 0.4)).all()
    assert (noise(images, labels, 0.4) != noise(images, labels, 0.4, seed=1)).any()


def test_one_class_cannot_be_wrong():
    made = instance_dependent(subject([0, 0, 0], 1), rate=0.9, spread=0.1)
    assert made.tolist() == [0, 0, 0]
