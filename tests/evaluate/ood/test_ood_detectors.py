"""Detectors, against pytorch-ood and closed forms."""

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.evaluate.ood import nearest
from assay.evaluate.ood.energy import Energy
from assay.evaluate.ood.knn import KNearestNeighbours
from assay.evaluate.ood.mahalanobis import Mahalanobis
from assay.evaluate.ood.msp import MaximumSoftmaxProbability
from pytorch_ood.detector import KNN, EnergyBased, MaxSoftmax
from pytorch_ood.detector import Mahalanobis as OtherMahalanobis
from sklearn.covariance import EmpiricalCovariance

NOTHING = np.zeros((0, 0))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(4), 30)
    features = rng.normal(0, 1, (120, 6)) + 3 * np.eye(4, 6)[labels]
    return features, labels, rng.normal(0, 2, (50, 6)), rng.normal(0, 3, (50, 4))


def fitted(detector, features, labels):
    detector.fit(features, np.zeros((len(features), 4)), labels, None)
    return detector


def test_msp_agrees_with_pytorch_ood(data):
    logits = data[3]
    found = MaximumSoftmaxProbability().score(NOTHING, logits)
    assert found == pytest.approx(MaxSoftmax.score(torch.from_numpy(logits)).numpy(), abs=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 10.0])
def test_energy_agrees_with_pytorch_ood(data, temperature):
    logits = data[3]
    found = Energy(temperature).score(NOTHING, logits)
    assert found == pytest.approx(EnergyBased.score(torch.from_numpy(logits), t=temperature).numpy(), abs=1e-9)


def test_energy_of_a_cold_softmax_is_the_largest_logit(data):
    logits = data[3]
    assert Energy(1e-4).score(NOTHING, logits) == pytest.approx(-logits.max(1), abs=1e-3)
    assert Energy(1.0).score(NOTHING, np.array([[0.0, 0.0]])) == pytest.approx(-np.log(2))


def test_energy_is_not_msp(data):
    logits = data[3]
    assert Energy(1.0).score(NOTHING, logits + 5) == pytest.approx(Energy(1.0).score(NOTHING, logits) - 5)
    msp = MaximumSoftmaxProbability()
    assert msp.score(NOTHING, logits + 5) == pytest.approx(msp.score(NOTHING, logits))


@pytest.mark.parametrize("k", [1, 7, 120])
def test_knn_agrees_with_pytorch_ood(data, k):
    features, labels, queries, _ = data
    other = KNN(None, k=k).fit_features(torch.from_numpy(features), torch.from_numpy(labels))
    expected = other.predict_features(torch.from_numpy(queries)).numpy()
    assert fitted(KNearestNeighbours(k), features, labels).score(queries, NOTHING) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("k", [1, 7, 120])
def test_knn_by_blocks_gives_the_same(data, k, monkeypatch):
    features, labels, queries, _ = data
    whole = fitted(KNearestNeighbours(k), features, labels).score(queries, NOTHING)
    monkeypatch.setattr(nearest, "ROWS", 16)
    monkeypatch.setattr(nearest, "COLUMNS", 11)
    assert fitted(KNearestNeighbours(k), features, labels).score(queries, NOTHING) == pytest.approx(whole, abs=1e-9)


def test_knn_by_hand():
    train = np.array([[2.0, 0.0], [0.0, 1.0], [-3.0, 0.0]])
    detector = fitted(KNearestNeighbours(2), train, np.zeros(3, dtype=int))
    assert detector.score(np.array([[5.0, 0.0], [0.0, 0.1]]), NOTHING) == pytest.approx([2**0.5, 2**0.5])
    assert len(detector.score(np.zeros((0, 2)), NOTHING)) == 0


def test_knn_looks_at_direction_not_length(data):
    features, labels, queries, _ = data
    detector = fitted(KNearestNeighbours(3), features, labels)
    assert detector.score(7 * queries, NOTHING) == pytest.approx(detector.score(queries, NOTHING))


def test_mahalanobis_agrees_with_pytorch_ood(data):
    features, labels, queries, _ = data
    other = OtherMahalanobis(None).fit_features(torch.from_numpy(features).float(), torch.from_numpy(labels))
    expected = other.predict_features(torch.from_numpy(queries).float()).numpy()
    found = fitted(Mahalanobis(), features, labels).score(queries, NOTHING)
    # It leaves the covariance undivided by N, halves the distance and computes in single precision.
    assert found == pytest.approx(expected * 2 * len(features), rel=1e-4)


def test_mahalanobis_agrees_with_scikit_learn(data):
    features, labels, queries, _ = data
    means = np.stack([features[labels == c].mean(0) for c in range(4)])
    shared = EmpiricalCovariance(assume_centered=True).fit(features - means[labels])
    expected = np.min([shared.mahalanobis(queries - mean) for mean in means], axis=0)
    assert fitted(Mahalanobis(), features, labels).score(queries, NOTHING) == pytest.approx(expected)


def test_mahalanobis_with_round_classes_is_the_distance_to_the_nearest_mean():
    train = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1], [11, 0], [9, 0], [10, 1], [10, -1]])
    detector = fitted(Mahalanobis(), train, np.repeat([0, 2], 4))
    # The covariance within classes is I / 2, and class 1 has no images.
    assert detector.score(np.array([[0.0, 3.0], [10.0, 0.0]]), NOTHING) == pytest.approx([18.0, 0.0])


def test_mahalanobis_bears_features_that_never_vary(data):
    features, labels, queries, _ = data
    wide = np.concatenate([features, np.zeros((120, 3)), features[:, :1]], axis=1)
    scores = fitted(Mahalanobis(), wide, labels).score(
        np.concatenate([queries, np.ones((50, 3)), queries[:, :1]], axis=1), NOTHING
    )
    assert scores == pytest.approx(fitted(Mahalanobis(), features, labels).score(queries, NOTHING))


@pytest.mark.parametrize("detector", [KNearestNeighbours(3), Mahalanobis()])
def test_features_are_needed(detector):
    with pytest.raises(MethodError, match="not kept"):
        fitted(detector, np.zeros((10, 0)), np.zeros(10, dtype=int))


def test_too_few_train_images_are_refused(data):
    with pytest.raises(MethodError, match=r"k = 121, but there are 120"):
        fitted(KNearestNeighbours(121), data[0], data[1])
