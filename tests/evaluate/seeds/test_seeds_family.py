"""Differences between seeds by hand, and the two variances against the truth that was put in."""

import numpy as np
import pytest
from assay.errors import MethodError
from assay.evaluate.result import UndefinedError
from assay.evaluate.seeds.changes import churn, disagreement, negative_flips
from assay.evaluate.seeds.family import ensemble, family
from assay.evaluate.seeds.variance import distribution_variance
from assay.evaluate.seeds.variance import test_set_variance as variance_on_test
from assay.evaluate.trial import Predictions, Trial


def test_changes_by_hand():
    first, others = np.array([0, 1, 2, 2]), np.array([[0, 1, 2, 2], [0, 0, 0, 2]])
    assert disagreement(first, others) == 0.25
    assert churn(first, others[1]) == 0.5
    assert negative_flips(np.array([True, True, False, False]), np.array([True, False, True, False])) == 0.25
    with pytest.raises(UndefinedError, match="one seed"):
        disagreement(first, others[:0])
    with pytest.raises(UndefinedError, match="no images"):
        negative_flips(np.empty(0, bool), np.empty(0, bool))


def test_the_distribution_variance_is_the_mean_covariance_of_two_images():
    right = np.random.default_rng(0).random((6, 30)) < 0.7
    covariances = np.cov(right.T.astype(float))
    assert variance_on_test(right) == pytest.approx(covariances.mean())
    off = covariances[~np.eye(30, dtype=bool)]
    assert distribution_variance(right) == pytest.approx(off.mean())


def test_independent_images_have_variance_on_the_test_set_alone():
    # Bernoulli predictions: sum p (1 - p) / N^2 on the test set, and 0 on the distribution.
    rng = np.random.default_rng(1)
    chances = rng.random(400)
    right = rng.random((3000, 400)) < chances
    expected = (chances * (1 - chances)).sum() / 400**2
    assert variance_on_test(right) == pytest.approx(expected, rel=0.1)
    assert abs(distribution_variance(right)) < 0.1 * expected


def test_a_training_that_is_better_everywhere_has_it_on_both():
    rng = np.random.default_rng(2)
    level = rng.choice([0.6, 0.8], (3000, 1))  # variance 0.01
    right = rng.random((3000, 400)) < level
    assert distribution_variance(right) == pytest.approx(0.01, rel=0.05)
    assert variance_on_test(right) == pytest.approx(0.01 + (0.24 + 0.16) / 2 / 400, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 5), (3, 0)])
def test_variances_need_images_and_seeds(shape):
    for measure in (variance_on_test, distribution_variance):
        with pytest.raises(UndefinedError):
            measure(np.ones(shape, bool))
    with pytest.raises(UndefinedError, match="one image"):
        distribution_variance(np.ones((3, 1), bool))


def arm(count, images=40, place=0):
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, images)
    ids = np.arange(images).astype(str)
    seeds = [
        Predictions(rng.normal(size=(images, 3)) + 2 * np.eye(3)[labels], np.zeros((images, 0)), ids, labels)
        for _ in range(count)
    ]
    return Trial([*"abc"], np.ones(3, int), {"test": seeds[place]}, seeds=seeds, place=place)


def test_the_ensemble_is_the_mean_probability_and_stands_under_the_first_seed():
    trial = arm(3)
    rows = {row.metric: row for row in family(trial, 15).rows}
    mean = ensemble(trial.seeds)
    assert mean.sum(1) == pytest.approx(1)
    labels = trial.seeds[0].labels
    assert rows["ensemble-accuracy"].value == pytest.approx((mean.argmax(1) == labels).mean())
    assert rows["ensemble-nll"].value == pytest.approx(-np.log(mean[np.arange(40), labels]).mean())
    own = (trial.seeds[0].logits.argmax(1) == labels).mean()
    assert rows["ensemble-gain"].value == pytest.approx(rows["ensemble-accuracy"].value - own)
    second = {row.metric: row for row in family(arm(3, place=1), 15).rows}
    assert second["ensemble-accuracy"].value is None
    assert "under the study's first" in second["distribution-variance"].note
    assert second["ensemble-gain"].value is not None


def test_every_pair_of_seeds_counts_once_in_the_mean_disagreement():
    values = [{row.metric: row.value for row in family(arm(3, place=place), 15).rows} for place in range(3)]
    predicted = [one.logits.argmax(1) for one in arm(3).seeds]
    pairs = [np.mean(predicted[a] != predicted[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert np.mean([one["disagreement"] for one in values]) == pytest.approx(np.mean(pairs))
    assert values[2]["churn"] == pytest.approx(pairs[1])


def test_one_seed_and_other_images_are_told():
    assert {row.note for row in family(arm(1), 15).rows} == {"there is one seed"}
    trial = arm(2)
    trial.seeds[1].ids = trial.seeds[1].ids[::-1]
    with pytest.raises(MethodError, match="different test images"):
        family(trial, 15)
