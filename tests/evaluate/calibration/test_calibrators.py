"""Calibrators against scikit-learn, torch and the truth that was put in."""

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.evaluate.calibration.beta import Beta
from assay.evaluate.calibration.dirichlet import Dirichlet
from assay.evaluate.calibration.histogram import Histogram
from assay.evaluate.calibration.isotonic import Isotonic
from assay.evaluate.calibration.matrix import Matrix
from assay.evaluate.calibration.nll import nll
from assay.evaluate.calibration.temperature import Temperature
from assay.evaluate.calibration.vector import Vector
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import UndefinedError
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

ALL = {
    "vector": Vector,
    "matrix": lambda: Matrix([0.0]),
    "dirichlet": lambda: Dirichlet([0.1, 1.0]),
    "isotonic": Isotonic,
    "histogram": lambda: Histogram(15),
    "beta": Beta,
}


def sampled(seed, n, k, weight=1.0, intercept=0.0):
    """Logits z, and labels drawn from softmax(weight * z + intercept)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    drawn = probabilities(logits * weight + intercept)
    return logits, np.array([rng.choice(k, p=row) for row in drawn])


def fitted(make, logits, labels):
    calibrator = make()
    calibrator.fit(logits, labels)
    return calibrator


@pytest.mark.parametrize("name", ALL)
def test_each_gives_probabilities_that_are_better_than_none(name):
    logits, labels = sampled(0, 3000, 4, 0.4)
    test, truth = sampled(1, 3000, 4, 0.4)
    given = fitted(ALL[name], logits, labels).probabilities(test)
    assert given.sum(1) == pytest.approx(1)
    assert (given >= 0).all()
    safe = np.maximum(given, 1e-6)  # a bin or step without hits says 0
    assert nll(safe, truth) < nll(probabilities(test), truth) - 0.15


@pytest.mark.parametrize("name", ALL)
def test_what_cannot_be_fitted_is_refused(name):
    with pytest.raises(MethodError, match="empty"):
        fitted(ALL[name], np.zeros((0, 3)), np.zeros(0, dtype=int))
    with pytest.raises(MethodError, match="finite"):
        fitted(ALL[name], np.array([[-np.inf, 0.0]] * 8), np.arange(8) % 2)


@pytest.mark.parametrize("name", ALL)
def test_a_class_without_images_and_a_perfect_split_leave_numbers(name):
    logits, labels = sampled(2, 200, 4)
    kept = labels != 3
    given = fitted(ALL[name], logits[kept], labels[kept]).probabilities(logits)
    assert np.isfinite(given).all()
    perfect = fitted(ALL[name], 9.0 * np.eye(4)[labels], labels)
    assert np.isfinite(perfect.probabilities(9.0 * np.eye(4)[labels])).all()
    with pytest.raises(UndefinedError):
        perfect.probabilities(np.full((1, 4), np.nan))


def test_vector_scaling_finds_what_was_put_in_and_agrees_with_torch():
    weight, intercept = np.array([0.5, 1.5, 1.0]), np.array([0.8, -0.4, -0.4])
    logits, labels = sampled(3, 8000, 3, weight, intercept)
    found = fitted(Vector, logits, labels)
    assert found.weight_ == pytest.approx(weight, abs=0.12)
    assert found.intercept_ - found.intercept_.mean() == pytest.approx(intercept, abs=0.1)
    w = torch.ones(3, dtype=torch.float64, requires_grad=True)
    b = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([w, b], max_iter=300, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = F.cross_entropy(torch.from_numpy(logits) * w + b, torch.from_numpy(labels))
        loss.backward()
        return loss

    optimiser.step(closure)
    assert found.weight_ == pytest.approx(w.detach().numpy(), abs=1e-4)


@pytest.mark.parametrize("seed", range(2))
def test_matrix_scaling_without_penalty_is_logistic_regression_on_the_logits(seed):
    logits, labels = sampled(seed, 600, 3, 0.6)
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(logits, labels)
    found = fitted(lambda: Matrix([0.0]), logits, labels)
    assert found.probabilities(logits) == pytest.approx(other.predict_proba(logits), abs=1e-4)


def test_dirichlet_without_penalty_is_logistic_regression_on_the_log_probabilities():
    logits, labels = sampled(4, 600, 3, 0.6)
    logs = np.log(probabilities(logits))
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(logs, labels)
    found = fitted(lambda: Dirichlet([0.0]), logits, labels)
    assert found.probabilities(logits) == pytest.approx(other.predict_proba(logs), abs=1e-4)


def test_a_strong_pull_leaves_a_factor_for_each_class_and_nothing_else():
    logits, labels = sampled(5, 800, 3, 0.5)
    found = fitted(lambda: Dirichlet([1e7]), logits, labels)
    off = found.weight_[~np.eye(3, dtype=bool)]
    assert np.abs(off).max() < 1e-4
    assert np.abs(found.intercept_).max() < 1e-4
    assert np.diag(found.weight_) == pytest.approx(np.full(3, 0.5), abs=0.1)


def test_the_penalty_is_chosen_on_other_images_than_it_is_fitted_on():
    # Few images and many classes: what fits best without a penalty judges worst.
    logits, labels = sampled(6, 60, 8, 1.0)
    found = fitted(lambda: Matrix([0.0, 10.0]), logits, labels)
    assert found.fitted_ == {"penalty": 10.0}
    assert nll(found.probabilities(logits), labels) > nll(
        fitted(lambda: Matrix([0.0]), logits, labels).probabilities(logits), labels
    )


def test_parameters_at_their_bound_are_told():
    labels = np.arange(40) % 4
    found = fitted(lambda: Matrix([0.0]), np.eye(4)[labels] * 0.5, labels)
    assert "still grows where a parameter is 20" in found.note_
    assert fitted(lambda: Matrix([0.0]), *sampled(0, 500, 3)).note_ is None


def test_isotonic_agrees_with_scikit_learn_one_against_the_rest():
    logits, labels = sampled(7, 300, 3, 0.5)
    test, _ = sampled(8, 200, 3)
    given, asked = probabilities(logits), probabilities(test)
    expected = np.stack(
        [IsotonicRegression(out_of_bounds="clip").fit(given[:, k], labels == k).predict(asked[:, k]) for k in range(3)],
        axis=1,
    )
    total = expected.sum(1, keepdims=True)
    expected = np.where(total > 0, expected / np.where(total > 0, total, 1), 1 / 3)
    assert fitted(Isotonic, logits, labels).probabilities(test) == pytest.approx(expected, abs=1e-6)


def test_isotonic_with_ties_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    given = np.round(rng.random(200), 1)
    member = rng.random(200) < given**2
    asked = rng.random(50)
    expected = IsotonicRegression(out_of_bounds="clip").fit(given, member).predict(asked)
    assert Isotonic().map_one(Isotonic().fit_one(given, member), asked) == pytest.approx(expected, abs=1e-9)


def test_histogram_binning_by_hand():
    # Two bins of p_0: {0.2, 0.4} without a hit of class 0, {0.6, 0.8} with one of two.
    first = np.array([0.2, 0.4, 0.6, 0.8])
    labels = np.array([1, 1, 0, 1])
    logits = np.log(np.stack([first, 1 - first], axis=1))
    found = fitted(lambda: Histogram(2), logits, labels).probabilities(np.log([[0.1, 0.9], [0.41, 0.59], [0.9, 0.1]]))
    # Bins of p_1: {0.2, 0.4} with one of two, {0.6, 0.8} with two of two; 0.59 is past 0.4.
    assert found == pytest.approx(np.array([[0, 1], [0.5 / 1.5, 1 / 1.5], [0.5, 0.5]]))


def test_beta_calibration_agrees_with_logistic_regression_on_its_two_logarithms():
    rng = np.random.default_rng(1)
    first = rng.beta(2, 2, 4000)
    member = rng.random(4000) < 1 / (1 + np.exp(-(1.8 * np.log(first) - 0.6 * np.log1p(-first) + 0.5)))
    inputs = np.stack([np.log(first), -np.log1p(-first)], axis=1)
    other = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(inputs, member)
    assert (other.coef_ > 0).all()
    found = Beta().fit_one(first, member)
    assert found == pytest.approx([*other.coef_[0], *other.intercept_], abs=1e-3)
    assert found == pytest.approx([1.8, 0.6, 0.5], abs=0.3)


def test_beta_calibration_never_turns_probabilities_round():
    first = np.linspace(0.05, 0.95, 40)
    found = Beta().fit_one(first, first < 0.5)
    assert (found[:2] >= 0).all()


def test_a_temperature_is_among_the_vectors():
    logits, labels = sampled(9, 3000, 4, 0.5)
    by_vector = nll(fitted(Vector, logits, labels).probabilities(logits), labels)
    by_matrix = nll(fitted(lambda: Matrix([0.0]), logits, labels).probabilities(logits), labels)
    assert by_matrix <= by_vector <= nll(fitted(Temperature, logits, labels).probabilities(logits), labels)
