"""Prediction sets, against MAPIE, the finite-sample quantile in closed form and simulation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from assay.evaluate.conformal.all_labels import AllLabels
from assay.evaluate.conformal.aps import AdaptiveSets
from assay.evaluate.conformal.coverage import class_coverage, coverage
from assay.evaluate.conformal.family import draws, family
from assay.evaluate.conformal.lac import LeastAmbiguous
from assay.evaluate.conformal.quantile import conformal_quantile
from assay.evaluate.conformal.set_size import set_size, singleton_rate
from hypothesis import given
from hypothesis import strategies as st
from mapie.classification import SplitConformalClassifier
from mapie.metrics.classification import classification_coverage_score, classification_mean_width_score
from scipy.stats import betabinom
from sklearn.base import BaseEstimator, ClassifierMixin


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its inputs, as MAPIE wants one."""

    def __init__(self, classes):
        self.classes_ = np.arange(classes)

    def fit(self, x, y):  # noqa: ARG002
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return x.argmax(1)


def sample(seed, n, k=5):
    """Probabilities [n,k] and labels drawn from them."""
    rng = np.random.default_rng(seed)
    given = rng.dirichlet(np.full(k, 0.4), n)
    return given, np.array([rng.choice(k, p=row) for row in given])


def mapie_sets(score, alpha, calibration, test, seed=3, **options):
    predictor = SplitConformalClassifier(
        Given(5), confidence_level=1 - alpha, conformity_score=score, prefit=True, random_state=seed
    )
    predictor.conformalize(*calibration)
    return predictor.predict_set(test, **options)[1][:, :, 0]


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("n", [100, 237])
def test_lac_agrees_with_mapie(alpha, n):
    calibration, (test, _) = sample(0, n), sample(1, 300)
    method = LeastAmbiguous()
    method.fit(*calibration, alpha, np.zeros(n))
    assert (method.sets(test, np.zeros(300)) == mapie_sets("lac", alpha, calibration, test)).all()


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("n", [100, 237])
def test_randomised_aps_agrees_with_mapie(alpha, n):
    calibration, (test, _) = sample(0, n), sample(1, 300)
    method = AdaptiveSets(randomised=True)
    # MAPIE subtracts u p where we add it, and draws u afresh from the same seed for each split.
    method.fit(*calibration, alpha, 1 - np.random.RandomState(3).uniform(size=n))
    found = method.sets(test, 1 - np.random.RandomState(3).uniform(size=300))
    assert (
        found
        == mapie_sets("aps", alpha, calibration, test, conformity_score_params={"include_last_label": "randomized"})
    ).all()


def test_aps_by_hand():
    method = AdaptiveSets(randomised=False)
    method.threshold_ = 0.85
    given = np.array([[0.5, 0.2, 0.3], [0.9, 0.06, 0.04], [0.4, 0.4, 0.2]])
    assert method.sets(given, np.zeros(3)).tolist() == [[True, False, True], [False] * 3, [True, True, False]]
    method = AdaptiveSets(randomised=True)
    method.threshold_ = 0.85
    # With u = 0 a class enters when those before it sum to at most 0.85.
    assert method.sets(given, np.zeros(3)).tolist() == [[True] * 3, [True, False, False], [True] * 3]


@given(st.integers(1, 60), st.sampled_from([0.01, 0.05, 0.1, 0.2, 0.25, 0.5, 0.9]))
def test_the_quantile_is_the_order_statistic(n, alpha):
    scores = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    rank = math.ceil((n + 1) * (1 - Fraction(str(alpha))))
    assert conformal_quantile(scores, alpha) == (rank if rank <= n else math.inf)


def test_too_few_validation_images_give_every_class():
    given, labels = sample(0, 8)
    for method in (LeastAmbiguous(), AdaptiveSets(randomised=True), AdaptiveSets(randomised=False)):
        method.fit(given, labels, 0.1, np.full(8, 0.5))
        assert method.sets(given, np.full(8, 0.5)).all()


@pytest.mark.parametrize("make", [LeastAmbiguous, lambda: AdaptiveSets(randomised=True)])
@pytest.mark.parametrize(("n", "alpha"), [(19, 0.1), (40, 0.25)])
def test_coverage_over_many_draws_is_that_of_the_theory(make, n, alpha):
    # With continuous scores the number of covered test images is beta-binomial (Vovk 2012, arXiv:1209.2673).
    rank = math.ceil((n + 1) * (1 - alpha) - 1e-9)
    expected = betabinom(30, rank, n + 1 - rank)
    covered = []
    for seed in range(400):
        given, labels = sample(seed, n + 30, k=3)
        u = np.random.default_rng(10_000 + seed).random(n + 30)
        method = make()
        method.fit(given[:n], labels[:n], alpha, u[:n])
        covered.append(method.sets(given[n:], u[n:])[np.arange(30), labels[n:]].sum())
    assert np.mean(covered) == pytest.approx(expected.mean(), abs=4 * expected.std() / 20)
    assert expected.mean() / 30 >= 1 - alpha


def test_without_randomisation_aps_covers_more():
    calibration, (test, labels) = sample(0, 400), sample(1, 2000)
    sizes = {}
    for randomised in (True, False):
        method = AdaptiveSets(randomised)
        method.fit(*calibration, 0.2, draws(np.arange(400)))
        sizes[randomised] = set_size(method.sets(test, draws(np.arange(2000))))
        assert coverage(method.sets(test, draws(np.arange(2000))), labels) > 0.77
    assert sizes[False] > sizes[True]


def test_lac_makes_the_smallest_sets_and_aps_adapts():
    calibration, (test, _) = sample(0, 2000), sample(1, 2000)
    sets = {}
    for name, method in (("lac", LeastAmbiguous()), ("aps", AdaptiveSets(True)), ("all", AllLabels())):
        method.fit(*calibration, 0.1, draws(np.arange(2000)))
        sets[name] = method.sets(test, draws(np.arange(2000)))
    assert set_size(sets["lac"]) < set_size(sets["aps"]) < set_size(sets["all"]) == 5


def test_measures_agree_with_mapie():
    rng = np.random.default_rng(0)
    sets, labels = rng.random((200, 5)) < 0.4, rng.integers(0, 5, 200)
    assert coverage(sets, labels) == pytest.approx(classification_coverage_score(labels, sets[:, :, None])[0])
    assert set_size(sets) == pytest.approx(classification_mean_width_score(sets[:, :, None])[0])
    assert singleton_rate(sets) == pytest.approx(np.mean([row.sum() == 1 for row in sets]))
    of_class = labels == 2
    expected = classification_coverage_score(labels[of_class], sets[of_class][:, :, None])[0]
    assert class_coverage(sets, labels, 2) == pytest.approx(expected)


def test_draws_belong_to_ids_alone():
    ids = np.array([f"image-{number}" for number in range(4000)])
    found = draws(ids)
    assert (draws(ids[::-1]) == found[::-1]).all()
    assert found.min() >= 0
    assert found.max() < 1
    assert np.histogram(found, 4, (0, 1))[0] == pytest.approx([1000] * 4, abs=110)


def test_the_family(trial):
    methods = {"lac": LeastAmbiguous, "aps": lambda: AdaptiveSets(randomised=True), "all-labels": AllLabels}
    result = family(trial, methods, [0.1, 0.25], 20)
    rows = {(row.metric, *row.keys.values()): row for row in result.rows}
    assert rows["coverage", "all-labels", "0.1"].value == 1
    assert rows["set-size", "all-labels", "0.25"].value == 3
    assert rows["coverage", "lac", "0.1"].value > rows["coverage", "lac", "0.25"].value
    counts = np.bincount(trial.sets["test"].labels)
    shares = [rows["class-coverage", name, "lac", "0.1"].value for name in trial.classes]
    assert np.average(shares, weights=counts) == pytest.approx(rows["coverage", "lac", "0.1"].value)
    assert rows["class-coverage", "rarest", "lac", "0.1"].value == shares[2]
    figure = result.figures["methods"]["aps"]["0.25"]
    assert sum(figure["size"]) == 120
    assert len(figure["size"]) == 4
    assert result.figures["methods"]["all-labels"]["0.1"]["threshold"] is None
