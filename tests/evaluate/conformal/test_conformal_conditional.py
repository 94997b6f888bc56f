"""Sets by rank, by class, by cluster and under label shift; and the worst slab."""

import math
from itertools import combinations

import numpy as np
import pytest
from assay.evaluate.conformal.aps import AdaptiveSets
from assay.evaluate.conformal.class_conditional import ClassConditional
from assay.evaluate.conformal.clustered import Clustered, second_draws
from assay.evaluate.conformal.family import draws
from assay.evaluate.conformal.label_shift import LabelShift, shift_weights, weighted_quantiles
from assay.evaluate.conformal.lac import LeastAmbiguous
from assay.evaluate.conformal.quantile import conformal_quantile
from assay.evaluate.conformal.raps import RegularisedAdaptiveSets
from assay.evaluate.conformal.saps import SortedAdaptiveSets
from assay.evaluate.conformal.slab import lowest_mean, worst_slab
from assay.evaluate.result import UndefinedError
from hypothesis import given, settings
from hypothesis import strategies as st
from mapie.conformity_scores.sets.raps import RAPSConformityScore
from scipy.stats import betabinom


def sample(seed, n, k=5, shares=None):
    """Probabilities [n,k] and labels drawn from them; with `shares`, classes come as often as these say."""
    rng = np.random.default_rng(seed)
    if shares is None:
        given = rng.dirichlet(np.full(k, 0.4), n)
        return given, np.array([rng.choice(k, p=row) for row in given])
    labels = rng.choice(k, n, p=shares)
    logits = rng.normal(0, 1.5, (n, k)) + 2 * np.eye(k)[labels]
    given = np.exp(logits)
    return given / given.sum(1, keepdims=True), labels


def covered(sets, labels):
    return sets[np.arange(len(labels)), labels]


def test_raps_pays_for_places_beyond_the_free_ones():
    given = np.array([[0.5, 0.1, 0.15, 0.25]])
    method = RegularisedAdaptiveSets(0.2, 2, randomised=False)
    found = method._scores(given, np.zeros(1))[0]
    assert found == pytest.approx([0.5, 1.0 + 0.4, 0.9 + 0.2, 0.75])
    method = RegularisedAdaptiveSets(0.2, 2, randomised=True)
    assert method._scores(given, np.array([0.5]))[0] == pytest.approx([0.25, 0.95 + 0.4, 0.825 + 0.2, 0.625])


def test_raps_pays_what_mapie_asks():
    given, labels = sample(0, 100)
    plain, paid = (RegularisedAdaptiveSets(penalty, 1, randomised=False) for penalty in (0.0, 0.07))
    ours = (paid._scores(given, np.zeros(100)) - plain._scores(given, np.zeros(100)))[np.arange(100), labels]
    place = (given > given[np.arange(100), labels][:, None]).sum(1)
    theirs = RAPSConformityScore._regularize_conformity_score(np.array([1]), 0.07, np.zeros((100, 1)), place + 1)
    assert ours == pytest.approx(theirs.ravel())


def test_raps_without_a_penalty_is_aps():
    calibration, (test, _) = sample(0, 150), sample(1, 200)
    u, v = np.random.default_rng(0).random(150), np.random.default_rng(1).random(200)
    sets = []
    for method in (AdaptiveSets(True), RegularisedAdaptiveSets(0.0, 3, True)):
        method.fit(*calibration, 0.1, u)
        sets.append(method.sets(test, v))
    assert (sets[0] == sets[1]).all()


def test_saps_by_hand():
    given = np.array([[0.3, 0.6, 0.1], [0.4, 0.4, 0.2]])
    found = SortedAdaptiveSets(0.2, randomised=True)._scores(given, np.array([0.5, 0.25]))
    assert found == pytest.approx(np.array([[0.7, 0.3, 0.9], [0.1, 0.45, 0.65]]))
    found = SortedAdaptiveSets(0.2, randomised=False)._scores(given, np.zeros(2))
    assert found == pytest.approx(np.array([[0.8, 0.6, 1.0], [0.4, 0.6, 0.8]]))


@pytest.mark.parametrize(
    "make",
    [lambda: RegularisedAdaptiveSets(0.1, 1, True), lambda: SortedAdaptiveSets(0.2, True)],
)
def test_coverage_over_many_draws_is_that_of_the_theory(make):
    n, alpha = 40, 0.25
    rank = math.ceil((n + 1) * (1 - alpha) - 1e-9)
    expected = betabinom(30, rank, n + 1 - rank)
    found = []
    for seed in range(300):
        given, labels = sample(seed, n + 30, k=3)
        u = np.random.default_rng(10_000 + seed).random(n + 30)
        method = make()
        method.fit(given[:n], labels[:n], alpha, u[:n])
        found.append(covered(method.sets(given[n:], u[n:]), labels[n:]).sum())
    assert np.mean(found) == pytest.approx(expected.mean(), abs=4 * expected.std() / math.sqrt(300))


def test_each_class_has_the_threshold_of_its_own_images():
    given, labels = sample(0, 300, 4)
    method = ClassConditional("lac")
    method.fit(given, labels, 0.1, np.zeros(300))
    for number in range(4):
        one = LeastAmbiguous()
        one.fit(given[labels == number], labels[labels == number], 0.1, np.zeros(300))
        assert method.thresholds_[number] == one.threshold_
    few = ClassConditional("aps")
    few.fit(given[:8], np.full(8, 1), 0.1, np.full(8, 0.5))
    assert few.sets(given, np.full(300, 0.5)).all()  # 8 images cannot promise 90%, and no image promises nothing


def test_coverage_by_class_is_promised_where_one_threshold_misses_it():
    shares = np.array([0.6, 0.3, 0.1])
    calibration, (test, labels) = sample(0, 6000, 3, shares), sample(1, 6000, 3, shares)
    calibration[0][:, 2] *= 0.2  # the model hardly ever believes in the rare class
    test[:, 2] *= 0.2
    by_class, for_all = ClassConditional("lac"), LeastAmbiguous()
    for method in (by_class, for_all):
        method.fit(*calibration, 0.1, np.zeros(6000))
    rare = labels == 2
    assert covered(for_all.sets(test, np.zeros(6000)), labels)[rare].mean() < 0.75
    for number in range(3):
        member = labels == number
        assert covered(by_class.sets(test, np.zeros(6000)), labels)[member].mean() == pytest.approx(0.9, abs=0.04)


def test_one_cluster_or_too_few_images_is_one_threshold_for_all_of_the_second_part():
    given, labels = sample(0, 400, 4)
    u = draws(np.arange(400))
    for clusters, share in ((1, 0.3), (None, 0.05)):
        method = Clustered("lac", clusters, share)
        method.fit(given, labels, 0.1, u)
        rest = second_draws(u) >= share
        scores = 1 - given[np.arange(400), labels]
        assert (method.cluster_ == -1).all()
        assert method.thresholds_ == pytest.approx(np.full(4, conformal_quantile(scores[rest], 0.1)))


def test_clusters_find_the_classes_that_are_alike():
    rng = np.random.default_rng(0)
    labels = np.arange(4000) % 4
    given = np.full((4000, 4), 0.0)
    believed = np.where(labels < 2, rng.uniform(0.7, 1.0, 4000), rng.uniform(0.0, 0.3, 4000))
    given[np.arange(4000), labels] = believed
    method = Clustered("lac", 2, 0.3)
    method.fit(given, labels, 0.1, draws(np.arange(4000)))
    assert method.cluster_[0] == method.cluster_[1] != method.cluster_[2] == method.cluster_[3]
    assert method.thresholds_ == pytest.approx([0.27, 0.27, 0.97, 0.97], abs=0.02)


def test_the_rule_for_clusters_is_that_of_the_paper():
    # 4 classes of 400 images: gamma = 4/79 and floor(gamma 400 / 2) = 10 clusters, but no more than there are classes.
    given, labels = sample(0, 1600, 4)
    labels = np.arange(1600) % 4
    method = Clustered("lac", None, None)
    method.fit(given, labels, 0.1, draws(np.arange(1600)))
    assert sorted(method.cluster_) == [0, 1, 2, 3]


def test_the_second_draw_is_independent_of_the_first():
    u = draws(np.arange(20_000))
    v = second_draws(u)
    assert np.corrcoef(u, v)[0, 1] == pytest.approx(0, abs=0.03)
    assert v.mean() == pytest.approx(0.5, abs=0.01)
    assert u[v < 0.1].mean() == pytest.approx(0.5, abs=0.03)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(1, 3), st.sampled_from([0.1, 0.25, 0.5]))
def test_whole_weights_are_repeated_images(weights, own, alpha):
    scores = np.random.default_rng(len(weights)).random(len(weights))
    repeated = np.concatenate([np.repeat(scores, weights), np.full(own, np.inf)])
    rank = math.ceil((1 - alpha) * len(repeated) - 1e-9)
    found = weighted_quantiles(scores, np.array(weights, float), np.array([own], float), alpha)
    assert found[0] == np.sort(repeated)[rank - 1]


def test_equal_weights_are_the_plain_score():
    calibration = sample(0, 237)
    scores = 1 - calibration[0][np.arange(237), calibration[1]]
    for alpha in (0.05, 0.1, 0.3):
        found = weighted_quantiles(scores, np.ones(237), np.ones(5), alpha)
        assert (found == conformal_quantile(scores, alpha)).all()


def test_the_shift_is_told_without_a_test_label():
    before, after = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3, 0.4])
    given, labels = sample(0, 20_000, 4, before)
    test, truth = sample(1, 20_000, 4, after)
    shifted, plain = LabelShift("lac"), LeastAmbiguous()
    for method in (shifted, plain):
        method.fit(given, labels, 0.2, np.zeros(len(labels)))
    sets = shifted.sets(test, np.zeros(len(truth)))
    assert shifted.weights_ == pytest.approx(after / before, rel=0.12)
    assert covered(sets, truth).mean() == pytest.approx(0.8, abs=0.015)


def test_a_shift_that_cannot_be_told_is_undefined():
    given, labels = sample(0, 100, 3)
    joint = np.diag([0.5, 0.5, 0.0])
    with pytest.raises(UndefinedError, match="no inverse"):
        shift_weights(joint, given)
    assert shift_weights(np.diag([0.5, 0.25, 0.25]), np.eye(3)[labels * 0]) == pytest.approx([2, 0, 0])


@given(st.lists(st.integers(0, 1), min_size=2, max_size=14), st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_the_lowest_mean_is_that_of_every_run(values, size):
    size = min(size, len(values))
    ends = combinations(range(len(values) + 1), 2)
    expected = min(np.mean(values[a:b]) for a, b in ends if b - a >= size)
    mean, start, end = lowest_mean(np.array(values, float), size)
    assert mean == pytest.approx(expected)
    assert np.mean(values[start:end]) == pytest.approx(expected)
    assert end - start >= size


def test_the_worst_slab_is_where_the_sets_fail():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 2))
    fails = features[:, 0] > 1.0  # about 16% of the images
    first = np.arange(4000) % 4 == 0
    directions = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert worst_slab(~fails, features, first, directions) == pytest.approx(0, abs=0.05)
    assert worst_slab(~fails, features, first, directions[:1]) > 0.6
    assert worst_slab(np.ones(4000, bool), features, first, directions) == 1
    # By chance alone nothing is worse on images that were not looked at.
    coin = rng.random(4000) < 0.9
    assert worst_slab(coin, features, first, rng.normal(size=(50, 2))) == pytest.approx(0.9, abs=0.06)
    with pytest.raises(UndefinedError, match="not kept"):
        worst_slab(coin, features[:, :0], first, directions)
    with pytest.raises(UndefinedError, match="too few"):
        worst_slab(coin[:1], features[:1], first[:1], directions)
