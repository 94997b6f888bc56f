"""Temperature scaling."""

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.evaluate.calibration.family import family
from assay.evaluate.calibration.nll import nll
from assay.evaluate.calibration.none import Uncalibrated
from assay.evaluate.calibration.temperature import HIGHEST, LOWEST, Temperature
from assay.evaluate.probabilities import probabilities
from torch.nn import functional as F


def sampled(seed, n, k, temperature):
    """Logits whose labels are drawn from their own softmax, then multiplied by `temperature`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    labels = np.array([rng.choice(k, p=row) for row in probabilities(logits)])
    return logits * temperature, labels


def fitted(logits, labels):
    calibrator = Temperature()
    calibrator.fit(logits, labels)
    return calibrator


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_it_finds_the_temperature_that_was_put_in(temperature):
    logits, labels = sampled(0, 6000, 5, temperature)
    assert fitted(logits, labels).temperature_ == pytest.approx(temperature, rel=0.06)


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_lbfgs(seed):
    logits, labels = sampled(seed, 300, 4, 2.5)
    z, y = torch.from_numpy(logits), torch.from_numpy(labels)
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_t], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-15)

    def closure():
        optimiser.zero_grad()
        loss = F.cross_entropy(z / log_t.exp(), y)
        loss.backward()
        return loss

    optimiser.step(closure)
    assert fitted(logits, labels).temperature_ == pytest.approx(float(log_t.detach().exp()), rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_temperature_moves_and_lowers_the_likelihood_loss(dtype):
    logits, labels = sampled(1, 500, 4, 4.0)
    logits = logits.astype(dtype)
    calibrator = fitted(logits, labels)
    assert calibrator.temperature_ > 2
    assert nll(calibrator.probabilities(logits), labels) < nll(probabilities(logits), labels) - 0.1
    for nearby in (0.99, 1.01):
        other = probabilities(logits.astype(np.float64) / (calibrator.temperature_ * nearby))
        assert nll(calibrator.probabilities(logits), labels) < nll(other, labels)


def test_predictions_stay_and_a_shift_of_all_logits_changes_nothing():
    logits, labels = sampled(2, 200, 4, 3.0)
    calibrator = fitted(logits, labels)
    assert (calibrator.probabilities(logits).argmax(1) == logits.argmax(1)).all()
    assert fitted(logits + 100, labels).temperature_ == pytest.approx(calibrator.temperature_, rel=1e-6)


def test_without_a_maximum_the_bound_stands_and_says_so():
    labels = np.array([0, 1, 2, 1])
    perfect = fitted(np.eye(3)[labels], labels)
    assert perfect.temperature_ == LOWEST
    assert "still grows at T = 0.05" in perfect.note_
    hopeless = fitted(np.eye(3)[(labels + 1) % 3], labels)
    assert hopeless.temperature_ == HIGHEST
    assert "still grows at T = 20" in hopeless.note_
    assert fitted(np.zeros((4, 3)), labels).temperature_ == 1


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(MethodError, match="empty"):
        fitted(np.zeros((0, 3)), np.zeros(0, dtype=int))
    with pytest.raises(MethodError, match="finite"):
        fitted(np.array([[np.inf, 0.0]]), np.array([0]))


def test_the_fit_sees_validation_and_the_metrics_test(trial):
    trial.sets["val"].logits, trial.sets["val"].labels = sampled(3, 400, 3, 5.0)
    result = family(trial, {"none": Uncalibrated, "temperature": Temperature}, 15)
    assert result.figures["reliability"]["temperature"]["fitted"]["temperature"] == pytest.approx(5.0, rel=0.3)
    assert result.figures["reliability"]["none"]["fitted"] == {}
    before = {row.keys["calibration"]: row.value for row in result.rows if row.metric == "nll"}
    test = trial.sets["test"]
    test.labels = test.labels[::-1].copy()
    after = family(trial, {"none": Uncalibrated, "temperature": Temperature}, 15)
    assert (
        after.figures["reliability"]["temperature"]["fitted"] == result.figures["reliability"]["temperature"]["fitted"]
    )
    assert {row.keys["calibration"]: row.value for row in after.rows if row.metric == "nll"} != before
