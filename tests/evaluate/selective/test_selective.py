"""Risk and coverage from their definitions, defer rules by hand, and the family."""

from itertools import permutations

import numpy as np
import pytest
from assay.errors import MethodError
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import UndefinedError
from assay.evaluate.selective.entropy import Entropy
from assay.evaluate.selective.family import family
from assay.evaluate.selective.free_energy import FreeEnergy
from assay.evaluate.selective.margin import Margin
from assay.evaluate.selective.max_softmax import MaxSoftmax
from assay.evaluate.selective.risk_coverage import accuracy_at, aurc, coverage_at, e_aurc, risk_curve
from assay.evaluate.selective.softmax_centroid import SoftmaxCentroid
from assay.evaluate.selective.thresholds import kept, kept_accuracy, threshold
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

NONE = np.zeros((0, 0))


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_ties_are_the_mean_over_every_order(images):
    confidence, right = (np.array(column) for column in zip(*images, strict=True))
    curves = []
    for order in permutations(range(len(images))):
        ordered = np.array(order)
        if (np.diff(confidence[ordered]) <= 0).all():
            wrong = ~right[ordered]
            curves.append([wrong[: n + 1].mean() for n in range(len(images))])
    risks = risk_curve(confidence.astype(float), right)
    assert risks == pytest.approx(np.mean(curves, axis=0))
    best = np.mean([np.sort(~right)[: n + 1].mean() for n in range(len(images))])
    assert aurc(risks) == pytest.approx(np.mean(curves))
    assert e_aurc(risks) == pytest.approx(np.mean(curves) - best, abs=1e-9)


def test_the_area_is_that_of_geifman_for_many_images():
    # Every error last: r + (1 - r) ln(1 - r) (Geifman et al. 2019, equation 5); by chance: r.
    rng = np.random.default_rng(0)
    right = rng.random(20_000) > 0.2
    r = 1 - right.mean()
    assert aurc(risk_curve(right.astype(float), right)) == pytest.approx(r + (1 - r) * np.log(1 - r), abs=1e-3)
    assert e_aurc(risk_curve(right.astype(float), right)) == pytest.approx(0, abs=1e-12)
    assert aurc(risk_curve(np.zeros(20_000), right)) == pytest.approx(r)
    assert aurc(risk_curve(rng.random(20_000), right)) == pytest.approx(r, abs=0.02)


def test_by_hand():
    confidence = np.array([0.9, 0.1, 0.8, 0.7, 0.6])
    right = np.array([True, False, True, False, True])
    risks = risk_curve(confidence, right)
    assert risks == pytest.approx([0, 0, 1 / 3, 1 / 4, 2 / 5])
    assert aurc(risks) == pytest.approx((1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert [accuracy_at(risks, share) for share in (0.4, 0.41, 0.8, 1.0)] == pytest.approx([1, 2 / 3, 3 / 4, 3 / 5])
    assert [coverage_at(risks, risk) for risk in (0.0, 0.26, 1 / 3, 0.5)] == pytest.approx([0.4, 0.8, 0.8, 1.0])
    assert coverage_at(risk_curve(confidence, ~right), 0.1) == 0


@pytest.mark.parametrize("right", [True, False])
def test_the_perfect_the_hopeless_the_single_and_the_infinite(right):
    for images in (1, 2, 30):
        risks = risk_curve(np.linspace(0, 1, images), np.full(images, right))
        assert aurc(risks) == (0 if right else 1)
        assert e_aurc(risks) == 0
    risks = risk_curve(np.array([np.inf, -np.inf, 0.0]), np.array([right, not right, right]))
    assert risks[:2].tolist() == [float(not right)] * 2
    with pytest.raises(UndefinedError, match="no images"):
        risk_curve(np.empty(0), np.empty(0, dtype=bool))
    with pytest.raises(UndefinedError, match="1 of 2 confidences are NaN"):
        risk_curve(np.array([np.nan, 1.0]), np.array([True, True]))


def test_thresholds_come_from_validation():
    before = np.array([0.9, 0.8, 0.7, 0.6])
    assert threshold(before, 0.5) == 0.8
    assert threshold(before, 1.0) == 0.6
    confidence, right = np.array([0.85, 0.8, 0.1]), np.array([True, False, False])
    assert kept(confidence, 0.8) == pytest.approx(2 / 3)
    assert kept_accuracy(confidence, right, 0.8) == 0.5
    with pytest.raises(UndefinedError, match="no image is accepted"):
        kept_accuracy(confidence, right, 0.99)
    with pytest.raises(UndefinedError, match="no validation images"):
        threshold(np.empty(0), 0.5)


def test_rules_by_hand():
    logits = np.log([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]])
    assert MaxSoftmax().confidence(NONE, logits) == pytest.approx([0.5, 0.4])
    assert Margin().confidence(NONE, logits) == pytest.approx([0.2, 0.0])
    assert Entropy().confidence(NONE, logits) == pytest.approx(-entropy(np.exp(logits), axis=1))
    assert FreeEnergy(1.0).confidence(NONE, logits + 7) == pytest.approx([7.0, 7.0])
    assert FreeEnergy(2.0).confidence(NONE, np.zeros((1, 4))) == pytest.approx([2 * np.log(4)])
    zero = np.array([[0.0, -np.inf, -np.inf]])
    assert Margin().confidence(NONE, zero) == Entropy().confidence(NONE, zero) + 1 == [1.0]


def test_the_centroid_is_that_of_right_predictions():
    given = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8]])
    rule = SoftmaxCentroid()
    rule.fit(NONE, np.log(given), np.array([0, 0, 1, 0]))
    assert rule.centroids_ == pytest.approx(np.array([[0.8, 0.2], [0, 1]]))
    assert rule.note_.startswith("1 classes have no right prediction")
    asked = np.log([[0.8, 0.2], [0.5 + 1e-9, 0.5], [0.1, 0.9]])
    assert rule.confidence(NONE, asked) == pytest.approx([0, -0.3 * np.sqrt(2), -0.1 * np.sqrt(2)], abs=1e-6)
    with pytest.raises(MethodError, match="empty"):
        rule.fit(NONE, np.zeros((0, 2)), np.zeros(0, dtype=int))


def test_the_family_ranks_test_images_and_draws_both_curves(trial):
    result = family(trial, {"max-softmax": MaxSoftmax, "margin": Margin}, [0.5, 1.0], [0.0])
    rows = {(row.metric, *row.keys.values()): row.value for row in result.rows}
    test = trial.sets["test"]
    given = probabilities(test.logits)
    right = given.argmax(1) == test.labels
    order = np.argsort(-given.max(1), kind="stable")
    assert rows["selective-accuracy", "1", "max-softmax"] == pytest.approx(right.mean())
    assert rows["selective-accuracy", "0.5", "max-softmax"] == pytest.approx(right[order][:60].mean())
    assert 0 <= rows["e-aurc", "max-softmax"] <= rows["aurc", "max-softmax"]
    drawn = result.figures["rules"]["margin"]
    assert drawn["coverage"][-1] == 1
    assert drawn["risk"][-1] == pytest.approx(1 - right.mean(), abs=1e-6)
    assert max(result.figures["best"]["risk"]) == pytest.approx(1 - right.mean(), abs=1e-6)
