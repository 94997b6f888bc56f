"""Calibration errors, likelihood and Brier score, against other implementations and closed forms."""

import numpy as np
import pytest
import torch
from assay.evaluate.calibration.adaptive_ece import adaptive_ece
from assay.evaluate.calibration.bins import equal_mass, equal_width, reliability
from assay.evaluate.calibration.brier import brier
from assay.evaluate.calibration.ece import ece
from assay.evaluate.calibration.mce import mce
from assay.evaluate.calibration.nll import nll
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import UndefinedError
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from torch.nn import functional as F
from torchmetrics.functional.classification import multiclass_calibration_error


def two_classes(confidences):
    """Probabilities of two classes whose largest are as given; class 0 is predicted."""
    confidences = np.asarray(confidences, dtype=float)
    return np.stack([confidences, 1 - confidences], axis=1)


def looped(given, labels, bins, largest=False):
    """ECE or MCE by the definition of Guo et al., bin by bin."""
    confidence, right = given.max(1), given.argmax(1) == labels
    total, worst = 0.0, 0.0
    for m in range(bins):
        inside = (confidence > np.linspace(0, 1, bins + 1)[m]) & (confidence <= np.linspace(0, 1, bins + 1)[m + 1])
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            total, worst = total + inside.mean() * gap, max(worst, gap)
    return worst if largest else total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_they_follow_the_definition(case, bins):
    logits, labels = case
    given = probabilities(logits)
    assert ece(given, labels, bins) == pytest.approx(looped(given, labels, bins), abs=1e-12)
    assert mce(given, labels, bins) == pytest.approx(looped(given, labels, bins, largest=True), abs=1e-12)


@pytest.mark.parametrize(("measure", "norm"), [(ece, "l1"), (mce, "max")])
@pytest.mark.parametrize("seed", range(5))
def test_they_agree_with_torchmetrics_where_no_confidence_is_on_an_edge(measure, norm, seed):
    rng = np.random.default_rng(seed)
    given = rng.dirichlet(np.full(4, 0.7), 300)
    labels = rng.integers(0, 4, 300)
    expected = multiclass_calibration_error(torch.from_numpy(given), torch.from_numpy(labels), 4, n_bins=15, norm=norm)
    assert measure(given, labels, 15) == pytest.approx(float(expected), abs=1e-6)


def test_by_hand():
    given = two_classes([0.95, 0.95, 0.95, 0.95, 0.65, 0.65])
    labels = np.array([0, 0, 0, 1, 0, 1])
    # Bin (14/15, 1]: accuracy 3/4; bin (9/15, 10/15]: accuracy 1/2.
    assert ece(given, labels) == pytest.approx(4 / 6 * 0.20 + 2 / 6 * 0.15)
    assert mce(given, labels) == pytest.approx(0.20)
    assert brier(given, labels) == pytest.approx(2 * (3 * 0.05**2 + 0.95**2 + 0.35**2 + 0.65**2) / 6)
    assert nll(given, labels) == pytest.approx(-(3 * np.log(0.95) + np.log(0.05) + np.log(0.65) + np.log(0.35)) / 6)


def test_an_edge_belongs_to_the_bin_below():
    assert equal_width(np.array([0.2, 0.2000001, 0.4, 0.6, 1.0, 0.0]), 5).tolist() == [0, 1, 1, 2, 4, 0]


def test_bins_of_equal_mass():
    confidence = np.array([0.9, 0.1, 0.5, 0.3, 0.7, 0.2])
    assert equal_mass(confidence, 3).tolist() == [2, 0, 1, 1, 2, 0]
    assert np.unique(equal_mass(np.array([0.5, 0.5, 0.5, 0.9]), 2)).tolist() == [0, 1]
    assert len(np.unique(equal_mass(np.full(7, 0.5), 3))) == 1


@given(st.permutations(range(12)), st.integers(1, 15))
def test_adaptive_ece_depends_on_no_order(order, bins):
    given = two_classes([0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9, 1.0])
    labels = np.array([0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0])
    assert adaptive_ece(given[order], labels[list(order)], bins) == pytest.approx(adaptive_ece(given, labels, bins))


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_adaptive_ece_without_ties_is_over_equal_slices(bins):
    rng = np.random.default_rng(bins)
    given = rng.dirichlet(np.ones(3), 200)
    labels = rng.integers(0, 3, 200)
    order = np.argsort(given.max(1))
    right = (given.argmax(1) == labels)[order].reshape(bins, -1)
    expected = np.abs(right.mean(1) - given.max(1)[order].reshape(bins, -1).mean(1)).mean()
    assert adaptive_ece(given, labels, bins) == pytest.approx(expected)


def test_limits():
    labels = np.array([0, 1, 1, 0])
    perfect = np.eye(2)[labels]
    for measure in (ece, adaptive_ece, mce, nll, brier):
        assert measure(perfect, labels) == 0
    assert ece(np.eye(2)[1 - labels], labels) == 1
    assert brier(np.eye(2)[1 - labels], labels) == 2
    with pytest.raises(UndefinedError, match="infinite: the true class of 4 of 4"):
        nll(np.eye(2)[1 - labels], labels)
    uniform = np.full((4, 2), 0.5)
    assert nll(uniform, labels) == pytest.approx(np.log(2))
    assert ece(uniform, labels) == pytest.approx(0)


def test_likelihood_and_brier_agree_with_torch_and_scikit_learn(case):
    logits, labels = case
    given = probabilities(logits)
    expected = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels))
    assert nll(given, labels) == pytest.approx(float(expected), rel=1e-9, abs=1e-12)
    score = brier_score_loss(labels, given, labels=range(5), scale_by_half=False)
    assert brier(given, labels) == pytest.approx(score, abs=1e-12)


def test_the_reliability_diagram_holds_what_the_error_is_made_of(case):
    logits, labels = case
    given = probabilities(logits)
    bars = reliability(given, labels, 15)
    assert sum(bars["count"]) == len(labels)
    assert len(bars["edges"]) == 16
    gaps = [
        count * abs(accuracy - confidence)
        for count, accuracy, confidence in zip(bars["count"], bars["accuracy"], bars["confidence"], strict=True)
        if count
    ]
    assert sum(gaps) / len(labels) == pytest.approx(ece(given, labels, 15), abs=1e-5)
    assert all((bar is None) == (count == 0) for bar, count in zip(bars["accuracy"], bars["count"], strict=True))
