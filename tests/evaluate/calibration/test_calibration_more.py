"""Calibration errors without bins or bias, the parts of the Brier score, and the Wilson interval."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from assay.evaluate.calibration.bins import equal_mass
from assay.evaluate.calibration.brier import brier
from assay.evaluate.calibration.brier_parts import brier_parts
from assay.evaluate.calibration.classwise_ece import classwise_ece
from assay.evaluate.calibration.debiased_ce import debiased_ce
from assay.evaluate.calibration.ece import ece
from assay.evaluate.calibration.smooth_ece import smooth_ece
from assay.evaluate.calibration.wilson import wilson
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import UndefinedError
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binomtest, norm
from torchmetrics.functional.classification import binary_calibration_error


def two_classes(confidences):
    confidences = np.asarray(confidences, dtype=float)
    return np.stack([confidences, 1 - confidences], axis=1)


def integrated(given, labels, width):
    """smECE at a width, from its definition: the kernel summed over its mirror images, and adaptive quadrature."""
    confidence = given.max(1)
    gap = (given.argmax(1) == labels) - confidence
    mirrors = range(-4, 5)

    def height(t):
        kernel = sum(norm.pdf(t, confidence + 2 * m, width) + norm.pdf(t, 2 * m - confidence, width) for m in mirrors)
        return abs(float(np.mean(kernel * gap)))

    edges = np.linspace(0, 1, 41)
    return sum(quad(height, a, b, epsabs=1e-10, limit=200)[0] for a, b in pairwise(edges))


@pytest.mark.parametrize("seed", range(2))
def test_smooth_ece_is_the_width_at_which_the_error_equals_it(seed):
    rng = np.random.default_rng(seed)
    given = rng.dirichlet(np.full(3, 0.8), 30)
    labels = rng.integers(0, 3, 30)
    found = smooth_ece(given, labels)
    assert integrated(given, labels, found) == pytest.approx(found, abs=1e-6)


def test_smooth_ece_in_closed_form():
    # All confidences at the place c and all wrong: the kernel keeps the mass c, whatever its width.
    for place in (0.5, 0.7, 1.0):
        assert smooth_ece(two_classes([place] * 4), np.ones(4, dtype=int)) == pytest.approx(place, abs=1e-7)
    # As often right as was said: the gaps cancel at their one place.
    assert smooth_ece(two_classes([0.75] * 4), np.array([0, 0, 0, 1])) == pytest.approx(0, abs=1e-9)
    # Gaps of 1/4 at 0.5 and of -1/4 at 1, half the weight each: far apart, so little of them cancels.
    far = smooth_ece(two_classes([0.5] * 4 + [1.0] * 4), np.array([0, 0, 0, 1, 0, 0, 0, 1]))
    assert 0.05 < far < 0.25
    with pytest.raises(UndefinedError):
        smooth_ece(np.empty((0, 2)), np.empty(0, dtype=int))


def test_classwise_ece_is_the_mean_of_those_of_the_classes():
    rng = np.random.default_rng(0)
    given = rng.dirichlet(np.full(4, 0.7), 300)
    labels = rng.integers(0, 3, 300)  # the fourth class has no image
    expected = [
        float(binary_calibration_error(torch.from_numpy(given[:, k]), torch.from_numpy(labels == k).int(), n_bins=15))
        for k in range(4)
    ]
    assert classwise_ece(given, labels, 15) == pytest.approx(np.mean(expected), abs=1e-6)


def test_classwise_ece_survives_every_case(case):
    logits, labels = case
    given = probabilities(logits)
    expected = []
    for k in range(5):
        cells = np.clip(np.ceil(given[:, k] * 10 - 1e-12) - 1, 0, 9)
        gaps = [abs(((labels == k) - given[:, k])[cells == m].sum()) for m in range(10)]
        expected.append(sum(gaps) / len(labels))
    assert classwise_ece(given, labels, 10) == pytest.approx(np.mean(expected), abs=1e-9)


def test_the_debiased_error_by_hand():
    given = two_classes([0.6] * 4 + [0.9] * 4)
    labels = np.array([0, 0, 1, 1, 0, 0, 0, 1])
    first = (1 / 2 - 0.6) ** 2 - (1 / 2) * (1 / 2) / 3
    second = (3 / 4 - 0.9) ** 2 - (3 / 4) * (1 / 4) / 3
    assert first + second < 0
    assert debiased_ce(given, labels, 2) == 0
    worse = np.array([1, 1, 1, 0, 1, 1, 1, 0])
    squares = (1 / 4 - 0.6) ** 2 + (1 / 4 - 0.9) ** 2 - 2 * (1 / 4) * (3 / 4) / 3
    assert debiased_ce(given, worse, 2) == pytest.approx(np.sqrt(squares / 2))
    with pytest.raises(UndefinedError, match="one image"):
        debiased_ce(given[:1], labels[:1], 15)
    with pytest.raises(UndefinedError, match="no images"):
        debiased_ce(given[:0], labels[:0], 15)


def test_the_debiased_error_has_less_bias_than_the_plain_one():
    plain, debiased = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.5, 1, 300)
        given, labels = two_classes(confidence), (rng.random(300) > confidence).astype(int)
        right, bin_of = labels == 0, equal_mass(confidence, 15)
        squares = [
            np.mean(bin_of == m) * (right[bin_of == m].mean() - confidence[bin_of == m].mean()) ** 2 for m in range(15)
        ]
        plain.append(sum(squares))
        debiased.append(debiased_ce(given, labels, 15) ** 2)
    # Calibrated by construction, so the truth is 0; only the cut at 0 leaves some of the bias.
    assert np.mean(debiased) < 0.45 * np.mean(plain)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_the_parts_add_up_to_the_brier_score(seed, images, bins):
    rng = np.random.default_rng(seed)
    given, labels = rng.dirichlet(np.full(3, 0.5), images), rng.integers(0, 3, images)
    parts = brier_parts(given, labels, bins)
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within"]
    assert total == pytest.approx(brier(given, labels), abs=1e-9)
    shares = np.bincount(labels, minlength=3) / images
    assert parts["uncertainty"] == pytest.approx(1 - np.sum(shares**2))
    assert min(parts["reliability"], parts["resolution"]) >= 0


def test_murphys_parts_by_distinct_forecasts():
    # Four distinct forecasts, each alone in its bin: Murphy's parts over forecasts, and nothing within.
    rng = np.random.default_rng(2)
    forecast = rng.choice([0.05, 0.35, 0.65, 0.95], 200)
    labels = (rng.random(200) > forecast).astype(int)
    parts = brier_parts(two_classes(forecast), labels, 10)
    event, base = labels == 0, np.mean(labels == 0)
    reliability = sum(np.mean(forecast == f) * (f - event[forecast == f].mean()) ** 2 for f in np.unique(forecast))
    resolution = sum(np.mean(forecast == f) * (event[forecast == f].mean() - base) ** 2 for f in np.unique(forecast))
    assert parts["reliability"] == pytest.approx(2 * reliability)
    assert parts["resolution"] == pytest.approx(2 * resolution)
    assert parts["within"] == pytest.approx(0, abs=1e-12)


def test_the_interval_is_wilsons():
    hits, count = np.array([0, 3, 8, 10, 0]), np.array([7, 8, 8, 40, 0])
    low, high = wilson(hits, count)
    for number in range(4):
        expected = binomtest(int(hits[number]), int(count[number])).proportion_ci(0.95, "wilson")
        assert (low[number], high[number]) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert np.isnan([low[4], high[4]]).all()


def test_errors_of_the_perfect_and_the_constant():
    labels = np.array([0, 1, 1, 0])
    perfect = np.eye(2)[labels]
    for measure in (classwise_ece, debiased_ce, smooth_ece):
        assert measure(perfect, labels) == 0
    constant = np.full((4, 2), 0.5)
    assert classwise_ece(constant, labels) == ece(constant, labels) == 0
    assert smooth_ece(constant, labels) == pytest.approx(0, abs=1e-12)
